import Primitives

/// The scopes that have an index of their keys, and how many names are in those.
///
/// Invariants:
/// * `sizes` has an entry for every scope in `order`, and for no other; `names` is their sum.
struct IndexedScopes: Sendable {
    /// The one that was not read for the longest first.
    private var order = OrderedNameSet<Name>()
    /// Names in each index when it was read last.
    private var sizes: [Name: Int] = [:]
    /// Names in all of them.
    private(set) var names = 0

    var count: Int { order.count }

    /// The index of `scope`, with so many names, is read.
    mutating func read(_ scope: Name, names count: Int) {
        remove(scope)
        order.append(scope)
        sizes[scope] = count
        names += count
    }

    /// The scope is gone, and its index with it.
    mutating func remove(_ scope: Name) {
        guard let size = sizes.removeValue(forKey: scope) else { return }
        order.remove(scope)
        names -= size
    }

    /// Takes out the scope that was not read for the longest; nil: there is none.
    mutating func takeOldest() -> Name? {
        guard let oldest = order.popFirst() else { return nil }
        remove(oldest)
        return oldest
    }

    /// For tests: the scopes, the one that was read last at the end.
    var inOrder: [Name] { order.names }

    /// For tests: traps where an invariant does not hold.
    func checkInvariants() {
        order.checkInvariants()
        precondition(Set(order.names) == Set(sizes.keys))
        precondition(names == sizes.values.reduce(0, +))
    }
}
