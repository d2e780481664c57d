import CommitLog
import Cron
import Folding
import HTTP
import Primitives
import Queue
import RecordFormat
import State
import Stream

extension FuzzTarget {
    /// What a snapshot holds, view by view, behind its checksum.
    static let snapshots = [
        FuzzTarget("snapshot-index") { bytes in
            twice(bytes) { (bytes) throws(DecodeError) in
                var reader = ByteReader(bytes)
                let index = try OffsetIndex(from: &reader)
                return { index.encode(into: &$0) }
            }
        },
        FuzzTarget("snapshot-queues") { bytes in
            twice(bytes) { (bytes) throws(DecodeError) in
                var reader = ByteReader(bytes)
                let view = try QueueView(from: &reader, budget: MemoryBudget(bytes: 0))
                _ = view.digest()
                return { view.encode(into: &$0) }
            }
        },
        FuzzTarget("snapshot-state") { bytes in
            twice(bytes) { (bytes) throws(DecodeError) in
                var source = SnapshotReader(0..<bytes.count) { position, memory in
                    memory.copyBytes(from: bytes[position..<position + memory.count])
                    return true
                }
                var view = StateView()
                try view.decode(from: &source)
                _ = view.digest()
                let decoded = view
                return { decoded.encode(into: &$0) }
            }
        },
        FuzzTarget("snapshot-streams") { bytes in
            twice(bytes) { (bytes) throws(DecodeError) in
                var source = SnapshotReader(0..<bytes.count) { position, memory in
                    memory.copyBytes(from: bytes[position..<position + memory.count])
                    return true
                }
                var view = StreamView()
                try view.decode(from: &source)
                _ = view.digest()
                let decoded = view
                return { decoded.encode(into: &$0) }
            }
        },
        FuzzTarget("snapshot-cron") { bytes in
            twice(bytes) { (bytes) throws(DecodeError) in
                var reader = ByteReader(bytes)
                let view = try CronView(from: &reader)
                return { view.encode(into: &$0) }
            }
        },
        FuzzTarget("snapshot-routes") { bytes in
            twice(bytes) { (bytes) throws(DecodeError) in
                var reader = ByteReader(bytes)
                let view = try RouteView(from: &reader)
                _ = view.digest()
                return { view.encode(into: &$0) }
            }
        },
        FuzzTarget("snapshot-views") { bytes in
            twice(bytes) { (bytes) throws(DecodeError) in
                var reader = ByteReader(bytes)
                let views = try WorkViews(from: &reader, cacheBytes: 0)
                return { views.encode(into: &$0) }
            }
        },
    ]

    /// Decodes, encodes, decodes and encodes: the two encodings must be the same.
    private static func twice(
        _ bytes: UnsafeRawBufferPointer,
        _ decode: (UnsafeRawBufferPointer) throws(DecodeError) -> (inout SnapshotWriter) -> Void
    ) -> String? {
        guard let encode = try? decode(bytes) else { return nil }
        let first = encoded(encode)
        let second = first.withUnsafeBytes { bytes in (try? decode(bytes)).map { encoded($0) } }
        guard let second else { return "what was written cannot be read" }
        return first == second ? nil : "what was read again is written otherwise"
    }
}
