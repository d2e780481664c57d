package import Events
package import Primitives
package import RecordFormat

/// The triggers that belong to no connection (protocol 3.5): they outlive workers and engines,
/// until somebody takes them back.
package struct BindingView {
    private struct Entry {
        let offset: Offset
        let bound: TriggerBound
    }

    private var entries: [String: Entry] = [:]

    package init() {}

    package var count: Int { entries.count }

    /// In the order in which they were made.
    package var all: [TriggerBound] { ordered.map(\.bound) }

    package subscript(trigger: String) -> TriggerBound? { entries[trigger]?.bound }

    private var ordered: [Entry] { entries.values.sorted { $0.offset < $1.offset } }

    package mutating func apply(_ event: TriggerBound, at offset: Offset) {
        entries[event.trigger] = Entry(offset: offset, bound: event)
    }

    package mutating func apply(_ event: TriggerUnbound) { entries[event.trigger] = nil }

    /// Whether the record of `event` at `offset` is what made a trigger that is still there.
    package func needs(_ event: TriggerBound, at offset: Offset) -> Bool {
        entries[event.trigger]?.offset == offset
    }

    /// A hash of what there is: equal for equal contents, in every process.
    package func digest() -> UInt64 {
        var hash = ContentHash()
        hash.add(UInt64(entries.count))
        for entry in ordered {
            hash.add(entry.offset.rawValue)
            hash.add(entry.bound.trigger)
            hash.add(entry.bound.type)
            hash.add(entry.bound.typeNamespace)
            hash.add(entry.bound.function)
            hash.add(entry.bound.config)
            hash.add(entry.bound.metadata)
        }
        return hash.value
    }
}

// MARK: In a snapshot

extension BindingView {
    /// Writes down what there is. Equal views give equal bytes.
    package func encode(into writer: inout SnapshotWriter) {
        writer.write { $0.varint(UInt64(entries.count)) }
        for entry in ordered {
            writer.write {
                $0.varint(entry.offset.rawValue)
                entry.bound.encode(into: &$0)
            }
        }
    }

    /// Reads what ``encode(into:)`` wrote.
    package init(from reader: inout ByteReader) throws(DecodeError) {
        for _ in 0..<(try reader.varint()) {
            let offset = Offset(try reader.varint())
            apply(try TriggerBound(from: &reader), at: offset)
        }
    }
}
