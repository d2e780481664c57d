package import JSON
import Primitives

// Indexes of names: for speed alone. They are no part of what the log says, and every answer is the
// same without them.

extension Limits {
    /// Names that go into an index with one page, at least.
    static let stateIndexStep = 4096
    /// Names in the indexes of all scopes but the one that is paged through, at most. One takes 16
    /// bytes, and some room to grow.
    static let stateIndexedNames = 1 << 20
    /// Scopes that have an index, at most, however few names are in them.
    static let stateIndexedScopes = 4096
}

extension StateView {
    /// Goes on with the index that a call of `state::entries` reads by. A scope of a few thousand
    /// keys gets it at once, one of millions with sixteen pages, each of which is read without it
    /// until then. Content does not change.
    package mutating func prepareEntries(_ input: JSONText) {
        // What is wrong with the call is told when that is decided.
        guard let call = try? StateCall(.entries, input: input),
            let name = try? call.name("scope"), scopes[name] != nil
        else { return }
        let size = scopes.change(name) { scope -> Int in
            guard var changed = scope.take() else { return 0 }
            changed.goOnWithIndex()
            scope = changed
            return changed.index?.size ?? 0
        }
        indexed.read(name, names: size)
        // Those that were not read for the longest go.
        while indexed.count > Limits.stateIndexedScopes
            || indexed.names - size > Limits.stateIndexedNames
        {
            guard let oldest = indexed.takeOldest() else { return }
            scopes.change(oldest) { $0?.index = nil }
        }
    }

    /// For tests: traps where an index does not say what its scope holds, or is not known.
    func checkIndexes() {
        indexed.checkInvariants()
        var known: Set<Name> = []
        scopes.forEach { name, scope in
            guard let index = scope.index else { return }
            known.insert(name)
            index.checkInvariants()
            guard index.isWhole else { return }
            let names = index.page(prefix: Name(""), after: nil, limit: .max)
            precondition(names == scope.entries.sortedNames)
        }
        precondition(known == Set(indexed.inOrder))
    }
}

extension Scope {
    fileprivate mutating func goOnWithIndex() {
        var index = index.take() ?? NameIndex(of: entries.names)
        if !index.isWhole {
            let step = max(Limits.stateIndexStep, entries.count / 16)
            index.grow(by: step) { entries[$0] != nil }
        }
        self.index = index
    }
}
