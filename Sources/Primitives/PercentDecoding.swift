extension Substring {
    /// The bytes that this part of a URL stands for (RFC 3986, section 2.1); a percent sign that
    /// begins no escape stays.
    package var percentDecoded: [UInt8] { decoded(plus: UInt8(ascii: "+")) }

    /// The text that this name or value of a query stands for, as forms are sent
    /// (`application/x-www-form-urlencoded`, WHATWG URL, section 5.1): a plus sign is a blank, and
    /// what is not UTF-8 becomes U+FFFD.
    package var formDecoded: String {
        String(decoding: decoded(plus: UInt8(ascii: " ")), as: UTF8.self)
    }

    private func decoded(plus: UInt8) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(utf8.count)
        var rest = utf8
        while let byte = rest.popFirst() {
            let digits = rest.prefix(2)
            if byte == UInt8(ascii: "%"), digits.count == 2, let value = hexadecimal(digits) {
                result.append(UInt8(value))
                rest.removeFirst(2)
            } else {
                result.append(byte == UInt8(ascii: "+") ? plus : byte)
            }
        }
        return result
    }
}
