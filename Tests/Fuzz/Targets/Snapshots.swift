import CommitLog
import Cron
import Folding
import Primitives
import Queue
import RecordFormat
import State

extension FuzzTarget {
    /// What a snapshot holds, view by view, behind its checksum.
    static let snapshots = [
        FuzzTarget("snapshot-index") { bytes in
            twice(bytes) { (reader) throws(DecodeError) in
                let index = try OffsetIndex(from: &reader)
                return { index.encode(into: &$0) }
            }
        },
        FuzzTarget("snapshot-queues") { bytes in
            twice(bytes) { (reader) throws(DecodeError) in
                let view = try QueueView(from: &reader, budget: MemoryBudget(bytes: 0))
                _ = view.digest()
                return { view.encode(into: &$0) }
            }
        },
        FuzzTarget("snapshot-state") { bytes in
            twice(bytes) { (reader) throws(DecodeError) in
                var view = StateView()
                try view.decode(from: &reader)
                _ = view.digest()
                let decoded = view
                return { decoded.encode(into: &$0) }
            }
        },
        FuzzTarget("snapshot-cron") { bytes in
            twice(bytes) { (reader) throws(DecodeError) in
                let view = try CronView(from: &reader)
                return { view.encode(into: &$0) }
            }
        },
        FuzzTarget("snapshot-views") { bytes in
            twice(bytes) { (reader) throws(DecodeError) in
                let views = try Views(from: &reader)
                return { views.encode(into: &$0) }
            }
        },
    ]

    /// Decodes, encodes, decodes and encodes: the two encodings must be the same.
    private static func twice(
        _ bytes: UnsafeRawBufferPointer,
        _ decode: (inout ByteReader) throws(DecodeError) -> (inout SnapshotWriter) -> Void
    ) -> String? {
        var reader = ByteReader(bytes)
        guard let encode = try? decode(&reader) else { return nil }
        let first = encoded(encode)
        let second = first.withUnsafeBytes { bytes -> [UInt8]? in
            var reader = ByteReader(bytes)
            guard let encode = try? decode(&reader), reader.isAtEnd else { return nil }
            return encoded(encode)
        }
        guard let second else { return "what was written cannot be read" }
        return first == second ? nil : "what was read again is written otherwise"
    }
}
