package import Events
package import Primitives

extension StateView {
    /// Whether the record of `event` at `offset` has to be kept so that folding what is kept makes
    /// the same values as folding all: the one that wrote a key's value, and the one that made the
    /// key, which says where it stands among the others. A deletion is not, once what it deleted
    /// has gone.
    package func needs(_ event: StateEvent, at offset: Offset) -> Bool {
        switch event {
        case .set(let set):
            let entry = entry(scope: set.scope, key: set.key)
            return entry?.version == offset || entry?.created == offset
        case .deleted: return false
        }
    }
}
