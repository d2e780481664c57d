/// The parameters of a request's query; of those with the same name the first counts.
struct Query {
    private var values: [String: String] = [:]

    /// - Parameter text: as sent, without the question mark.
    init(_ text: String?) {
        for item in (text ?? "").split(separator: "&") {
            let pair = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = Self.decoded(pair[0])
            guard values[name] == nil else { continue }
            values[name] = pair.count == 2 ? Self.decoded(pair[1]) : ""
        }
    }

    /// Nil where it is not there, or empty.
    subscript(_ name: String) -> String? {
        guard let value = values[name], !value.isEmpty else { return nil }
        return value
    }

    /// - Throws: which parameter is no number in `range`.
    func number(
        _ name: String,
        in range: ClosedRange<UInt64>,
        else standard: UInt64
    ) throws(QueryError) -> UInt64 {
        guard let text = self[name] else { return standard }
        guard let number = UInt64(text), range.contains(number) else {
            throw QueryError(
                "\(name) must be a number from \(range.lowerBound) to \(range.upperBound)"
            )
        }
        return number
    }

    private static func decoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                let digits = rest.prefix(2).compactMap {
                    Character(Unicode.Scalar($0)).hexDigitValue
                }
                guard digits.count == 2 else {
                    bytes.append(byte)
                    continue
                }
                bytes.append(UInt8(digits[0] * 16 + digits[1]))
                rest = rest.dropFirst(2)
            default: bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

struct QueryError: Error {
    let message: String

    init(_ message: String) { self.message = message }
}
