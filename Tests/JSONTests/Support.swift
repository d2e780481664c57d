import JSON
import Primitives

/// Validates by way of a buffer that is not an array's whole storage.
func fromBuffer(_ bytes: [UInt8]) throws(JSONError) -> JSONText {
    let padded = [0xFF] + bytes + [0xFF]
    return try padded.withUnsafeBufferPointer { (buffer) throws(JSONError) in
        try JSONText(validating: UnsafeBufferPointer(rebasing: buffer.dropFirst().dropLast()))
    }
}

/// Parses one whole text with the full parser.
@discardableResult
func parse(_ bytes: [UInt8]) throws(JSONError) -> JSONValue {
    try scanning(bytes) { (scanner) throws(JSONError) in
        let value = try scanner.value()
        try scanner.end()
        return value
    }
}

func parse(_ text: String) throws(JSONError) -> JSONValue { try parse(Array(text.utf8)) }

func text(_ source: String) throws(JSONError) -> JSONText {
    try JSONText(validating: Array(source.utf8))
}

func scanning<Outcome>(
    _ bytes: [UInt8],
    _ body: (inout JSONScanner) throws(JSONError) -> Outcome
) throws(JSONError) -> Outcome {
    try bytes.withUnsafeBufferPointer { (buffer) throws(JSONError) in
        var scanner = JSONScanner(buffer)
        return try body(&scanner)
    }
}

/// Random JSON values that lean towards the awkward.
struct ValueGenerator {
    var entropy: SeededEntropy

    mutating func value(depth: Int = 4) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 8 : 5), using: &entropy) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &entropy))
        case 2: return .number(number())
        case 3, 4: return .string(string())
        case 5, 6:
            let count = Int.random(in: 0..<5, using: &entropy)
            return .array((0..<count).map { _ in value(depth: depth - 1) })
        default:
            var object = JSONObject()
            for _ in 0..<Int.random(in: 0..<14, using: &entropy) {
                object[string()] = value(depth: depth - 1)
            }
            return .object(object)
        }
    }

    mutating func number() -> JSONNumber {
        switch Int.random(in: 0..<5, using: &entropy) {
        case 0: .integer(Int64(Int8.random(in: .min ... .max, using: &entropy)))
        case 1: .integer(Int64(bitPattern: entropy.next()))
        case 2: JSONNumber(entropy.next())
        case 3: .double(Double(Int16.random(in: .min ... .max, using: &entropy)) / 8)
        default: JSONNumber(Double(bitPattern: entropy.next())) ?? .integer(0)
        }
    }

    mutating func string() -> String {
        let pieces = [
            "a", "key", "\"", "\\", "/", "\n", "\u{0}", "\u{1F}", "\u{7F}", "é", "e\u{301}",
            "\u{FFFD}", "\u{2028}", "😀", "\u{10FFFF}", "01234567", "null", "NaN", "{", ",",
        ]
        let count = Int.random(in: 0..<7, using: &entropy)
        return (0..<count).map { _ in pieces.randomElement(using: &entropy) ?? "" }.joined()
    }
}
