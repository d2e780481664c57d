/// Bytes as text: two hexadecimal digits each, in lower case.
enum HexBytes {
    private static let digits = Array("0123456789abcdef".utf8)

    static func text(_ bytes: UnsafeRawBufferPointer) -> String {
        String(unsafeUninitializedCapacity: 2 * bytes.count) { text in
            for (index, byte) in bytes.enumerated() {
                text[2 * index] = digits[Int(byte >> 4)]
                text[2 * index + 1] = digits[Int(byte & 15)]
            }
            return 2 * bytes.count
        }
    }

    /// - Returns: how many bytes `text` is; nil where it is no such text, or more than `memory` has
    ///   room for.
    static func read(_ text: String, into memory: UnsafeMutableRawBufferPointer) -> Int? {
        var text = text
        return text.withUTF8 { text in
            guard text.count % 2 == 0, text.count / 2 <= memory.count else { return nil }
            for index in 0..<text.count / 2 {
                guard let high = value(text[2 * index]), let low = value(text[2 * index + 1])
                else { return nil }
                memory[index] = high << 4 | low
            }
            return text.count / 2
        }
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
