package import Events
import HeapModule
package import Primitives
package import RecordFormat

/// The requests that had an `Idempotency-Key`, and where the log has their responses.
///
///     keyed ──▶ running ──kept──▶ answered ──expired──▶ forgotten
///                  └──released, or the engine was started anew──▶ forgotten
///
/// Invariants:
/// * A key of a route is there once.
/// * What has expired at the time of the last event is not there.
package struct KeyedRequestView {
    private struct Key: Hashable {
        let route: String
        let text: String
    }

    private struct Entry {
        let keyed: Offset
        let fingerprint: UInt64
        let expires: Timestamp
        var outcome = Outcome.running
    }

    fileprivate enum Outcome: Equatable {
        case running
        /// In that record.
        case kept(Offset)
        /// There was a response, and that record says that it cannot be had again.
        case lost(Offset)
    }

    /// Orders entries by when they expire; those that are gone stay until they are met.
    private struct End: Comparable {
        let expires: Timestamp
        let keyed: Offset

        static func < (left: End, right: End) -> Bool {
            (left.expires, left.keyed) < (right.expires, right.keyed)
        }
    }

    private var entries: [Key: Entry] = [:]
    private var keys: [Offset: Key] = [:]
    private var ends: Heap<End> = []

    package init() {}

    package var count: Int { entries.count }

    // MARK: Deciding

    package enum Decision: Equatable {
        /// Nobody has had this key: the request runs.
        case fresh
        /// Another request has had it.
        case mismatch
        /// The request of that record has it, and runs.
        case running(Offset)
        /// The request of the first record has had it; its response is in the second.
        case kept(Offset, response: Offset)
        /// The request of that record has had it; its response cannot be had again.
        case lost(Offset)
    }

    package func decide(
        route: String,
        key: String,
        fingerprint: UInt64,
        now: Timestamp
    ) -> Decision {
        guard let entry = entries[Key(route: route, text: key)], entry.expires > now else {
            return .fresh
        }
        guard entry.fingerprint == fingerprint else { return .mismatch }
        switch entry.outcome {
        case .running: return .running(entry.keyed)
        case .kept(let offset): return .kept(entry.keyed, response: offset)
        case .lost: return .lost(entry.keyed)
        }
    }

    /// The record of the answered request that expires first, if no other one does earlier.
    package mutating func oldestAnswered() -> Offset? {
        while let first = ends.min {
            guard let key = keys[first.keyed] else {
                ends.removeMin()
                continue
            }
            return entries[key]?.outcome == .running ? nil : first.keyed
        }
        return nil
    }

    // MARK: Applying

    package mutating func apply(_ event: RequestEvent, at offset: Offset, time: Timestamp) {
        forgetExpired(time)
        switch event {
        case .keyed(let event):
            add(
                Key(route: event.route, text: event.key),
                Entry(keyed: offset, fingerprint: event.fingerprint, expires: event.expires)
            )
        case .kept(let event):
            guard let key = keys[event.request] else { return }
            entries[key]?.outcome = event.response == nil ? .lost(offset) : .kept(offset)
        case .released(let event): forget(event.request)
        case .repeated: break
        }
    }

    /// An engine was started: what ran before has ended.
    package mutating func applyRestart() {
        for entry in entries.values where entry.outcome == .running { forget(entry.keyed) }
    }

    private mutating func add(_ key: Key, _ entry: Entry) {
        if let old = entries.updateValue(entry, forKey: key) { keys[old.keyed] = nil }
        keys[entry.keyed] = key
        ends.insert(End(expires: entry.expires, keyed: entry.keyed))
    }

    private mutating func forget(_ keyed: Offset) {
        guard let key = keys.removeValue(forKey: keyed) else { return }
        entries[key] = nil
        guard ends.count > 2 * entries.count + 1024 else { return }
        ends = Heap(entries.values.map { End(expires: $0.expires, keyed: $0.keyed) })
    }

    private mutating func forgetExpired(_ time: Timestamp) {
        while let first = ends.min, first.expires <= time {
            ends.removeMin()
            forget(first.keyed)
        }
    }

    /// Whether the record of `event` at `offset` tells of a key that is still there.
    package func needs(_ event: RequestEvent, at offset: Offset) -> Bool {
        switch event {
        case .keyed: return keys[offset] != nil
        case .kept(let event):
            guard let key = keys[event.request], let entry = entries[key] else { return false }
            return entry.outcome == .kept(offset) || entry.outcome == .lost(offset)
        case .released, .repeated: return false
        }
    }

    /// The route that an event is about; empty when it is known no more.
    package func route(of event: RequestEvent) -> String {
        switch event {
        case .keyed(let event): event.route
        case .kept(let event): keys[event.request]?.route ?? ""
        case .released(let event): keys[event.request]?.route ?? ""
        case .repeated(let event): keys[event.request]?.route ?? ""
        }
    }

    /// A hash of what there is: equal for equal contents, in every process.
    package func digest() -> UInt64 {
        var hash = ContentHash()
        hash.add(UInt64(entries.count))
        for (key, entry) in ordered {
            hash.add(entry.keyed.rawValue)
            hash.add(key.route)
            hash.add(key.text)
            hash.add(entry.fingerprint)
            hash.add(UInt64(bitPattern: entry.expires.nanoseconds))
            let (kind, offset) = entry.outcome.stored
            hash.add(kind)
            hash.add(offset.rawValue)
        }
        return hash.value
    }

    private var ordered: [(key: Key, value: Entry)] {
        entries.sorted { $0.value.keyed < $1.value.keyed }
    }
}

// MARK: In a snapshot

extension KeyedRequestView {
    /// Writes down what there is. Equal views give equal bytes.
    package func encode(into writer: inout SnapshotWriter) {
        writer.write { $0.varint(UInt64(entries.count)) }
        for (key, entry) in ordered {
            writer.write {
                $0.varint(entry.keyed.rawValue)
                $0.text(key.route)
                $0.text(key.text)
                $0.u64(entry.fingerprint)
                $0.i64(entry.expires.nanoseconds)
                let (kind, offset) = entry.outcome.stored
                $0.byte(kind)
                $0.varint(offset.rawValue)
            }
        }
    }

    /// Reads what ``encode(into:)`` wrote.
    package init(from reader: inout ByteReader) throws(DecodeError) {
        for _ in 0..<(try reader.varint()) {
            let keyed = Offset(try reader.varint())
            let route = try reader.text()
            let key = Key(route: route, text: try reader.text())
            let fingerprint = try reader.u64()
            let expires = Timestamp(nanoseconds: try reader.i64())
            let kind = try reader.byte()
            let outcome = Outcome(kind, Offset(try reader.varint()))
            add(
                key,
                Entry(keyed: keyed, fingerprint: fingerprint, expires: expires, outcome: outcome)
            )
        }
    }
}

extension KeyedRequestView.Outcome {
    fileprivate var stored: (kind: UInt8, offset: Offset) {
        switch self {
        case .running: (0, .zero)
        case .kept(let offset): (1, offset)
        case .lost(let offset): (2, offset)
        }
    }

    fileprivate init(_ kind: UInt8, _ offset: Offset) {
        switch kind {
        case 0: self = .running
        case 1: self = .kept(offset)
        default: self = .lost(offset)
        }
    }
}
