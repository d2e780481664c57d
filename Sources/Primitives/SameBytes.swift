import Glibc

/// Whether two strings have the same UTF-8. `==` would also equate é with e and an accent.
package func sameBytes(_ left: String, _ right: String) -> Bool {
    guard left.utf8.count == right.utf8.count else { return false }
    return right.withBytes { sameBytes(left, $0) }
}

/// Whether `bytes` are the UTF-8 of `text`.
package func sameBytes(_ text: String, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    guard text.utf8.count == bytes.count else { return false }
    return text.withBytes { content in
        guard let left = content.baseAddress, let right = bytes.baseAddress else { return true }
        return memcmp(left, right, content.count) == 0
    }
}

extension String {
    /// Lends the UTF-8 without a copy of the string, which would be counted: on this platform every
    /// string has it in one piece, and only for one that had not is a copy made.
    ///
    /// Inlined, since what the closure returns would otherwise cost a look at its type's metadata.
    @inlinable @inline(__always)
    package func withBytes<Outcome>(_ body: (UnsafeBufferPointer<UInt8>) -> Outcome) -> Outcome {
        if let outcome = utf8.withContiguousStorageIfAvailable(body) { return outcome }
        var copy = self
        return copy.withUTF8(body)
    }
}
