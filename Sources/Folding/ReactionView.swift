package import Events
package import Primitives
package import RecordFormat

/// The state triggers that have fired and whose functions have not ended: after a crash they are
/// run again, so that no write goes unnoticed.
///
///     triggered ──▶ open ──invoked──▶ running ──completed──▶ over
///                    ▲                   │
///                    └──── restart ──────┘
///
/// Invariant: every run belongs to an open firing.
package struct ReactionView {
    /// One trigger that has fired for one write.
    package struct Firing: Equatable, Sendable {
        /// Its `triggered` record.
        package let offset: Offset
        package let function: FunctionName
        /// The write's record, or that of the run which deleted what was not there.
        package let cause: Offset?
    }

    private var open: [Offset: Firing] = [:]
    /// The firings whose functions run, by the `invoked` records.
    private var runs: [Offset: Offset] = [:]

    package init() {}

    package var count: Int { open.count }

    /// In the order in which they fired.
    package var firings: [Firing] { open.values.sorted { $0.offset < $1.offset } }

    /// The trigger type whose firings outlive the engine.
    package static let type = "state"

    package mutating func apply(_ event: Triggered, at offset: Offset, cause: Offset?) {
        guard event.type == Self.type else { return }
        open[offset] = Firing(offset: offset, function: event.function, cause: cause)
    }

    package mutating func apply(_ event: Invoked, at offset: Offset, cause: Offset?) {
        guard !event.isCondition, let cause, open[cause] != nil else { return }
        runs[offset] = cause
    }

    /// What the record at `cause` began is over.
    package mutating func applyEnd(of cause: Offset) {
        open[runs.removeValue(forKey: cause) ?? cause] = nil
    }

    package mutating func applyRestart() { runs = [:] }

    /// Whether the record at `offset` is a firing that has not ended, or its run.
    package func needs(_ offset: Offset) -> Bool { open[offset] != nil || runs[offset] != nil }

    /// A hash of what there is: equal for equal contents, in every process.
    package func digest() -> UInt64 {
        var hash = ContentHash()
        hash.add(UInt64(open.count))
        for firing in firings {
            hash.add(firing.offset.rawValue)
            hash.add(firing.function)
        }
        return hash.value
    }
}

// MARK: In a snapshot

extension ReactionView {
    /// Writes down what there is. Equal views give equal bytes.
    package func encode(into writer: inout SnapshotWriter) {
        writer.write { $0.varint(UInt64(open.count)) }
        for firing in firings {
            writer.write {
                $0.varint(firing.offset.rawValue)
                $0.text(firing.function.namespace)
                $0.text(firing.function.id)
                // 0: there is no cause.
                $0.varint(firing.cause.map { $0.rawValue + 1 } ?? 0)
            }
        }
        writer.write { $0.varint(UInt64(runs.count)) }
        for (run, firing) in runs.sorted(by: { $0.key < $1.key }) {
            writer.write {
                $0.varint(run.rawValue)
                $0.varint(firing.rawValue)
            }
        }
    }

    /// Reads what ``encode(into:)`` wrote.
    package init(from reader: inout ByteReader) throws(DecodeError) {
        for _ in 0..<(try reader.varint()) {
            let offset = Offset(try reader.varint())
            let namespace = try reader.text()
            let function = FunctionName(namespace: namespace, id: try reader.text())
            let cause = try reader.varint()
            open[offset] = Firing(
                offset: offset,
                function: function,
                cause: cause == 0 ? nil : Offset(cause - 1)
            )
        }
        for _ in 0..<(try reader.varint()) {
            let run = Offset(try reader.varint())
            runs[run] = Offset(try reader.varint())
        }
    }
}
