import Glibc

/// Whether two strings have the same UTF-8. `==` would also equate é with e and an accent.
package func sameBytes(_ left: String, _ right: String) -> Bool {
    var right = right
    return right.withUTF8 { sameBytes(left, $0) }
}

/// Whether `bytes` are the UTF-8 of `text`.
package func sameBytes(_ text: String, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    var text = text
    return text.withUTF8 { content in
        guard content.count == bytes.count else { return false }
        guard let left = content.baseAddress, let right = bytes.baseAddress else { return true }
        return memcmp(left, right, content.count) == 0
    }
}
