import DequeModule
import Primitives

/// The scopes that have an index of their keys, and how many names are in those.
///
/// Invariants:
/// * `names` is the sum over all scopes.
/// * `reads` has the last read of every scope, in the order of the stamps, and of others at most as
///   many again and ``slack``.
struct IndexedScopes: Sendable {
    private var scopes: [Name: (names: Int, stamp: UInt64)] = [:]
    /// Names in the indexes when each was read last.
    private(set) var names = 0
    /// The oldest first. A read that is not its scope's last one is passed over.
    private var reads: Deque<(scope: Name, stamp: UInt64)> = []
    private var stamp: UInt64 = 0

    /// Reads that were overtaken and need not be sorted out yet.
    private static let slack = 64

    var count: Int { scopes.count }

    /// The index of `scope`, with so many names, is read.
    mutating func read(_ scope: Name, names count: Int) {
        stamp += 1
        let before = scopes.updateValue((count, stamp), forKey: scope)
        names += count - (before?.names ?? 0)
        reads.append((scope, stamp))
        tidy()
    }

    /// The scope is gone, and its index with it.
    mutating func remove(_ scope: Name) {
        guard let known = scopes.removeValue(forKey: scope) else { return }
        names -= known.names
        tidy()
    }

    /// Takes out the scope that was not read for the longest; nil: there is none.
    mutating func takeOldest() -> Name? {
        while let (scope, stamp) = reads.popFirst() {
            guard scopes[scope]?.stamp == stamp else { continue }
            remove(scope)
            return scope
        }
        return nil
    }

    private mutating func tidy() {
        guard reads.count > 2 * scopes.count + Self.slack else { return }
        reads = Deque(reads.filter { scopes[$0.scope]?.stamp == $0.stamp })
    }

    /// For tests: the scopes, the one that was read last at the end.
    var inOrder: [Name] { reads.filter { scopes[$0.scope]?.stamp == $0.stamp }.map(\.scope) }

    /// For tests: traps where an invariant does not hold.
    func checkInvariants() {
        precondition(names == scopes.values.reduce(0) { $0 + $1.names })
        precondition(Set(inOrder) == Set(scopes.keys))
        precondition(inOrder.count == scopes.count)
        precondition(reads.count <= 2 * scopes.count + Self.slack)
        precondition(zip(reads, reads.dropFirst()).allSatisfy { $0.stamp < $1.stamp })
    }
}
