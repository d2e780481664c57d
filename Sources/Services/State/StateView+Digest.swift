import Primitives

extension StateView {
    /// A hash of the content: of every scope, key and version, in order. A version is the offset of
    /// the record that has the value, and stands for it.
    ///
    /// Equal contents have equal digests in every process and whatever happened before: FNV-1a over
    /// the scopes in the order of their names and their keys in the order in which they came.
    package func digest() -> UInt64 {
        var hash = ContentHash()
        for name in scopes.sortedNames {
            guard let scope = scopes[name] else { continue }
            hash.add(name.text)
            hash.add(UInt64(scope.entries.count))
            for (key, entry) in scope.inOrder {
                hash.add(key.text)
                hash.add(entry.version.rawValue)
                if let time = scope.expiries[key] { hash.add(UInt64(bitPattern: time.nanoseconds)) }
            }
        }
        return hash.value
    }
}
