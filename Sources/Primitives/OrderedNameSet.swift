/// Names in the order in which they came. Each is found, and taken out, without a search: what has
/// thousands of them may lose all at once.
///
/// Invariants:
/// * `order` has every name that is in, in the order of the places, and of others at most as many
///   again and ``slack``.
package struct OrderedNameSet<Element: Hashable> {
    private var places: [Element: UInt64] = [:]
    /// By place. Names that were taken out stay until they are more than the others.
    private var order: [(name: Element, place: UInt64)] = []
    /// All in `order` before this were taken out.
    private var head = 0
    private var next: UInt64 = 0

    /// Names that were taken out and need not be sorted out yet.
    private static var slack: Int { 64 }

    package init() {}

    package var count: Int { places.count }
    package var isEmpty: Bool { places.isEmpty }

    /// All, in order.
    package var names: [Element] {
        guard order.count > places.count else { return order.map(\.name) }
        return order[head...].filter { places[$0.name] == $0.place }.map(\.name)
    }

    package func contains(_ name: Element) -> Bool { places[name] != nil }

    /// Puts a name behind all others, unless it has a place.
    package mutating func append(_ name: Element) {
        guard places[name] == nil else { return }
        places[name] = next
        order.append((name, next))
        next += 1
    }

    package mutating func remove(_ name: Element) {
        if places.removeValue(forKey: name) != nil { tidy() }
    }

    /// Takes out the name that came first; nil: there is none.
    package mutating func popFirst() -> Element? {
        while head < order.count {
            let (name, place) = order[head]
            head += 1
            guard places[name] == place else { continue }
            remove(name)
            return name
        }
        return nil
    }

    private mutating func tidy() {
        guard order.count > 2 * places.count + Self.slack else { return }
        order = order[head...].filter { places[$0.name] == $0.place }
        head = 0
    }

    /// For tests: traps where an invariant does not hold.
    package func checkInvariants() {
        precondition(Set(names) == Set(places.keys))
        precondition(names.count == places.count)
        precondition(order.count <= 2 * places.count + Self.slack)
        precondition(zip(order, order.dropFirst()).allSatisfy { $0.place < $1.place })
        precondition(order[..<head].allSatisfy { places[$0.name] != $0.place })
    }
}

extension OrderedNameSet: Sendable where Element: Sendable {}
