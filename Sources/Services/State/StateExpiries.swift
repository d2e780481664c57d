import Events
import HeapModule
package import Primitives

/// When values go by themselves, the earliest first. What has been written again or deleted since
/// is passed over when its time comes.
struct StateExpiries: Sendable {
    private struct Entry: Comparable, Sendable {
        let time: Timestamp
        let version: Offset
        let place: StatePlace

        static func < (left: Entry, right: Entry) -> Bool {
            (left.time, left.version) < (right.time, right.version)
        }

        static func == (left: Entry, right: Entry) -> Bool { left.version == right.version }
    }

    private var heap: Heap<Entry> = []
    /// How many entries are looked through for those that are out of date.
    private var tidyAt = Self.tidyAtLeast

    private static let tidyAtLeast = 1024

    var next: Timestamp? { heap.min?.time }
    var count: Int { heap.count }

    mutating func add(_ set: StateSet, at offset: Offset, _ time: Timestamp) {
        let place = StatePlace(scope: Name(set.scope), key: Name(set.key))
        add(place, version: offset, time)
    }

    mutating func add(_ place: StatePlace, version: Offset, _ time: Timestamp) {
        heap.insert(Entry(time: time, version: version, place: place))
    }

    /// Takes out what is due, in the order of the times.
    mutating func takeDue(now: Timestamp) -> (place: StatePlace, version: Offset)? {
        guard let first = heap.min, first.time <= now else { return nil }
        heap.removeMin()
        return (first.place, first.version)
    }

    var isUntidy: Bool { heap.count >= tidyAt }

    /// Forgets what is out of date: a key that is written again and again must not fill the memory.
    mutating func tidy(_ isCurrent: (StatePlace, Offset) -> Bool) {
        heap = Heap(heap.unordered.filter { isCurrent($0.place, $0.version) })
        tidyAt = max(Self.tidyAtLeast, 2 * heap.count)
    }
}

extension StateView {
    /// When the next value goes by itself, or one that has been written again would have.
    package var nextExpiry: Timestamp? { expiries.next }

    /// For tests: how many times are known, those included that are out of date.
    var expiryCount: Int { expiries.count }

    /// What is to be recorded of the values whose time is over, at most `limit` of them; ask until
    /// there are none. What is taken has to be recorded.
    package mutating func takeExpired(now: Timestamp, limit: Int) -> [StateChange] {
        var changes: [StateChange] = []
        while changes.count < limit, let (place, version) = expiries.takeDue(now: now) {
            guard entry(at: place)?.version == version else { continue }
            let deleted = StateDeleted(
                scope: place.scope.text,
                key: place.key.text,
                reason: .expired,
                previous: version
            )
            changes.append(StateChange(.deleted(deleted)))
        }
        return changes
    }

    mutating func tidyExpiries() {
        guard expiries.isUntidy else { return }
        let scopes = scopes
        expiries.tidy { scopes[$0.scope]?.entries[$0.key]?.version == $1 }
    }
}
