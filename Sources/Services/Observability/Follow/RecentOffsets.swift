import DequeModule
import Primitives

/// Offsets in the order in which they came, the oldest first.
struct RecentOffsets {
    private var offsets: Deque<Offset> = []

    var count: Int { offsets.count }

    mutating func append(_ offset: Offset) { offsets.append(offset) }

    mutating func popFirst() -> Offset? { offsets.popFirst() }

    mutating func keep(_ isKept: (Offset) -> Bool) { offsets.removeAll { !isKept($0) } }
}
