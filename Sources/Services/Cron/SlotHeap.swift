import Primitives

/// When each of a set of triggers comes next: a binary heap that knows where its elements are.
///
/// Earlier slots come first, and of equal slots the earlier ordinal: the order is total, and so the
/// same on every machine.
///
/// Invariants:
/// * `heap[i]` does not come before `heap[(i - 1) / 2]`.
/// * `positions[heap[i].ordinal] == i`, and nothing else is in `positions`.
struct SlotHeap: Sendable {
    struct Slot: Comparable, Sendable {
        let time: Timestamp
        /// Whose slot it is.
        let ordinal: UInt64

        static func < (left: Slot, right: Slot) -> Bool {
            (left.time, left.ordinal) < (right.time, right.ordinal)
        }
    }

    private var heap: [Slot] = []
    private var positions: [UInt64: Int] = [:]

    var count: Int { heap.count }
    var first: Slot? { heap.first }

    subscript(_ ordinal: UInt64) -> Timestamp? {
        positions[ordinal].map { heap[$0].time }
    }

    /// The slots that are not later than `time`, in order. Costs O(k log k) for k of them.
    func due(by time: Timestamp) -> [Slot] {
        var due: [Slot] = []
        var pending = [0]
        while let position = pending.popLast() {
            guard position < heap.count, heap[position].time <= time else { continue }
            due.append(heap[position])
            pending.append(2 * position + 1)
            pending.append(2 * position + 2)
        }
        return due.sorted()
    }

    /// Puts the slot of `ordinal` at `time`, wherever it was; nil: it has none. O(log n).
    mutating func move(_ ordinal: UInt64, to time: Timestamp?) {
        if let position = positions[ordinal] { remove(at: position) }
        guard let time else { return }
        heap.append(Slot(time: time, ordinal: ordinal))
        positions[ordinal] = heap.count - 1
        rise(from: heap.count - 1)
    }

    private mutating func remove(at position: Int) {
        let last = heap.count - 1
        if position != last { exchange(position, last) }
        positions[heap.removeLast().ordinal] = nil
        if position != last {
            rise(from: position)
            sink(from: position)
        }
    }

    private mutating func rise(from start: Int) {
        var position = start
        while position > 0 {
            let parent = (position - 1) / 2
            guard heap[position] < heap[parent] else { return }
            exchange(position, parent)
            position = parent
        }
    }

    private mutating func sink(from start: Int) {
        var position = start
        while true {
            let left = 2 * position + 1
            guard left < heap.count else { return }
            let right = left + 1
            let child = right < heap.count && heap[right] < heap[left] ? right : left
            guard heap[child] < heap[position] else { return }
            exchange(position, child)
            position = child
        }
    }

    private mutating func exchange(_ left: Int, _ right: Int) {
        heap.swapAt(left, right)
        positions[heap[left].ordinal] = left
        positions[heap[right].ordinal] = right
    }

    /// For tests: traps where an invariant does not hold.
    func checkInvariants() {
        precondition(positions.count == heap.count)
        for (position, slot) in heap.enumerated() {
            precondition(positions[slot.ordinal] == position)
            precondition(position == 0 || heap[(position - 1) / 2] < slot)
        }
    }
}
