package import Events
package import Primitives
package import RecordFormat

/// The HTTP routes that workers have registered in this life of the engine. Those that are there
/// when it ends, however it ends, are what its next life expects back: ``ExpectedRoutes``.
///
///     registered ──▶ there ──unregistered, its worker left, or a start──▶ gone
///
/// Once the engine has begun to stop, its workers leave because it does, and routes stay.
///
/// Invariant: a worker has ids exactly where it has routes.
package struct RouteView {
    private struct Entry {
        let offset: Offset
        let registered: TriggerRegistered
    }

    /// By the trigger's id.
    private var entries: [String: Entry] = [:]
    /// The ids by their workers: one that leaves costs what it had.
    private var ids: [UUID128: Set<String>] = [:]
    /// The record with which the engine began to stop; nil: it has not.
    private var stop: Offset?

    package init() {}

    package var count: Int { entries.count }

    /// In the order in which they were registered.
    package var all: [TriggerRegistered] { ordered.map(\.registered) }

    private var ordered: [Entry] {
        entries.values.sorted {
            ($0.offset, $0.registered.trigger) < ($1.offset, $1.registered.trigger)
        }
    }

    /// Of the triggers that are routes. Where a worker provides a type of the same id in another
    /// namespace, its triggers are taken for routes, too: the record does not tell them apart.
    private static let type = "http"

    package mutating func apply(_ event: TriggerRegistered, at offset: Offset) {
        // Whoever registers an id anew has it from then on.
        remove(event.trigger)
        guard event.type == Self.type else { return }
        entries[event.trigger] = Entry(offset: offset, registered: event)
        ids[event.worker, default: []].insert(event.trigger)
    }

    package mutating func apply(_ event: TriggerUnregistered) {
        if stop == nil { remove(event.trigger) }
    }

    package mutating func apply(_ event: WorkerLeft) {
        guard stop == nil else { return }
        for id in ids.removeValue(forKey: event.worker) ?? [] { entries[id] = nil }
    }

    package mutating func applyStop(at offset: Offset) { stop = offset }

    package mutating func applyRestart() { self = RouteView() }

    private mutating func remove(_ id: String) {
        guard let worker = entries.removeValue(forKey: id)?.registered.worker else { return }
        ids[worker]?.remove(id)
        if ids[worker]?.isEmpty == true { ids[worker] = nil }
    }

    /// Whether the record of `event` at `offset` is what made a route that is still there.
    package func needs(_ event: TriggerRegistered, at offset: Offset) -> Bool {
        entries[event.trigger]?.offset == offset
    }

    /// Whether the engine began to stop with the record at `offset`, and was not started since.
    package func needsStop(at offset: Offset) -> Bool { stop == offset }

    /// A hash of what there is: equal for equal contents, in every process.
    package func digest() -> UInt64 {
        var hash = ContentHash()
        hash.add(storedStop)
        hash.add(UInt64(entries.count))
        for entry in ordered {
            hash.add(entry.offset.rawValue)
            hash.add(entry.registered.worker.high)
            hash.add(entry.registered.worker.low)
            hash.add(entry.registered.trigger)
            hash.add(entry.registered.function)
            hash.add(entry.registered.config)
        }
        return hash.value
    }

    /// 0: the engine has not begun to stop.
    private var storedStop: UInt64 { stop.map { $0.rawValue + 1 } ?? 0 }
}

// MARK: In a snapshot

extension RouteView {
    /// Writes down what there is. Equal views give equal bytes.
    package func encode(into writer: inout SnapshotWriter) {
        writer.write {
            $0.varint(storedStop)
            $0.varint(UInt64(entries.count))
        }
        for entry in ordered {
            writer.write {
                $0.varint(entry.offset.rawValue)
                entry.registered.encode(into: &$0)
            }
        }
    }

    /// Reads what ``encode(into:)`` wrote.
    package init(from reader: inout ByteReader) throws(DecodeError) {
        let stop = try reader.varint()
        for _ in 0..<(try reader.varint()) {
            let offset = Offset(try reader.varint())
            apply(try TriggerRegistered(from: &reader), at: offset)
        }
        self.stop = stop == 0 ? nil : Offset(stop - 1)
    }
}
