import Primitives

/// What a worker is running of one trace, in the order in which it began: of most traces one thing,
/// which takes no memory of its own. None is searched for: one trace may have all that there is.
///
/// Invariants:
/// * `numbers` has what runs, but for the youngest.
/// * `order` has the same, the youngest last, and what is over: that has another number there, or
///   none. It is dropped where it is passed, and when it is more than half.
struct TraceInvocations {
    private var last: UUID128
    private var order: [Entry] = []
    private var numbers: [UUID128: UInt64] = [:]
    private var next: UInt64 = 0

    private struct Entry {
        let id: UUID128
        let number: UInt64
    }

    init(_ only: UUID128) { last = only }

    /// At most so many, but at least one: the youngest, which come last.
    mutating func youngest(_ count: Int) -> [UUID128] {
        var found: [Entry] = []
        while found.count < count - 1, let entry = popYoungest() { found.append(entry) }
        found.reverse()
        order += found
        return found.map(\.id) + [last]
    }

    mutating func append(_ id: UUID128) {
        numbers[last] = next
        order.append(Entry(id: last, number: next))
        next += 1
        last = id
    }

    /// - Returns: whether any is left.
    mutating func remove(_ id: UUID128) -> Bool {
        guard last == id else {
            numbers[id] = nil
            if order.count > 2 * numbers.count { dropWhatIsOver() }
            return true
        }
        guard let entry = popYoungest() else { return false }
        numbers[entry.id] = nil
        last = entry.id
        return true
    }

    /// Takes the youngest of the others out of the order; nil: there are none.
    private mutating func popYoungest() -> Entry? {
        while let entry = order.popLast() {
            if numbers[entry.id] == entry.number { return entry }
        }
        return nil
    }

    private mutating func dropWhatIsOver() {
        let numbers = numbers
        order.removeAll { numbers[$0.id] != $0.number }
    }
}
