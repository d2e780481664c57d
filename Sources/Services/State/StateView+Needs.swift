package import Events
package import Primitives

extension StateView {
    /// Whether the record of `event` at `offset` has to be kept so that folding what is kept makes
    /// the same values as folding all: the one that wrote a key's value. A deletion is not, once
    /// what it deleted has gone.
    package func needs(_ event: StateEvent, at offset: Offset) -> Bool {
        switch event {
        case .set(let set): entry(scope: set.scope, key: set.key)?.version == offset
        case .deleted: false
        }
    }
}
