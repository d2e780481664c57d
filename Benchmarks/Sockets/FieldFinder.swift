import Glibc

/// Finds what follows a key in messages that look alike, without parsing them: it looks first where
/// the key was the last time.
struct FieldFinder {
    private let key: [UInt8]
    private var last = 0

    init(_ key: String) { self.key = Array(key.utf8) }

    /// - Returns: where the value begins, in bytes; nil when the key is nowhere.
    mutating func find(in message: UnsafeRawBufferPointer) -> Int? {
        if isKey(at: last, in: message) { return last + key.count }
        guard message.count >= key.count else { return nil }
        for position in 0...(message.count - key.count) where isKey(at: position, in: message) {
            last = position
            return position + key.count
        }
        return nil
    }

    /// The `count` bytes behind the key.
    mutating func value(_ count: Int, in message: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer?
    {
        guard let start = find(in: message), start + count <= message.count else { return nil }
        return UnsafeRawBufferPointer(rebasing: message[start..<(start + count)])
    }

    private func isKey(at position: Int, in message: UnsafeRawBufferPointer) -> Bool {
        guard position + key.count <= message.count, let base = message.baseAddress else {
            return false
        }
        return key.withUnsafeBytes { key in
            key.baseAddress.map { memcmp(base + position, $0, key.count) == 0 } ?? false
        }
    }
}
