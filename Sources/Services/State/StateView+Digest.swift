import Primitives

extension StateView {
    /// A hash of the content: of every scope, key, value and version, in order.
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
                hash.add(UInt64(entry.value.count))
                for byte in entry.value { hash.add(byte) }
            }
        }
        return hash.value
    }
}

/// 64-bit FNV-1a (Fowler, Noll, Vo). Texts and byte counts go before what they bound, so that no
/// two contents run together to the same bytes.
private struct ContentHash {
    private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func add(_ byte: UInt8) { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }

    mutating func add(_ number: UInt64) {
        for shift in stride(from: UInt64(0), to: 64, by: 8) {
            add(UInt8(truncatingIfNeeded: number >> shift))
        }
    }

    mutating func add(_ text: String) {
        add(UInt64(text.utf8.count))
        for byte in text.utf8 { add(byte) }
    }
}
