import Primitives

/// Why a text is not one JSON value of RFC 8259. Positions are bytes from the start, from 0.
package enum JSONError: Error, Equatable, Sendable {
    /// The byte `found` at `at`, or the end of the text when nil, cannot stand there.
    case unexpected(at: Int, found: UInt8?, expected: Expectation)
    /// A byte below 0x20 inside a string; it must be escaped.
    case controlCharacter(at: Int, UInt8)
    /// The bytes from `at` inside a string are not UTF-8.
    case invalidUTF8(at: Int)
    /// The array or object that opens at `at` is nested more than `limit` levels deep.
    case tooDeep(at: Int, limit: Int)
    /// The number whose digits begin at `at` is beyond the range of doubles, or has too many digits
    /// before its fraction.
    case numberOutOfRange(at: Int)

    /// What the grammar allows at a position.
    package enum Expectation: String, Equatable, Sendable {
        case value = "a value"
        case object = "an object"
        case array = "an array"
        case string = "a string"
        case stringOrNull = "a string or null"
        case key = "a key in quotes"
        case firstKey = "a key in quotes or '}'"
        case colon = "':' after the key"
        case commaOrBrace = "',' or '}'"
        case commaOrBracket = "',' or ']'"
        case digit = "a digit"
        case escape = "one of \" \\ / b f n r t u after the backslash"
        case hexDigits = "four hexadecimal digits"
        case closingQuote = "the closing quote of the string"
        case end = "nothing after the value"
    }

    /// Where the text stops being JSON, in bytes from its start.
    package var position: Int {
        switch self {
        case .unexpected(let position, _, _), .controlCharacter(let position, _),
            .invalidUTF8(let position), .tooDeep(let position, _),
            .numberOutOfRange(let position):
            position
        }
    }

    /// Whether the text is JSON as far as it was read, and only more than is taken.
    package var isBeyondBounds: Bool {
        switch self {
        case .tooDeep, .numberOutOfRange: true
        case .unexpected, .controlCharacter, .invalidUTF8: false
        }
    }
}

extension JSONError: CustomStringConvertible {
    /// `byte 17: expected a value, found '}'`
    package var description: String {
        switch self {
        case .unexpected(let position, nil, let expected):
            "byte \(position): expected \(expected.rawValue), but the text ends"
        case .unexpected(let position, let found?, let expected):
            "byte \(position): expected \(expected.rawValue), found \(Self.shown(found))"
        case .controlCharacter(let position, let byte):
            "byte \(position): control character \(Self.shown(byte)) in a string; escape it"
        case .invalidUTF8(let position):
            "byte \(position): a string is not valid UTF-8"
        case .tooDeep(let position, let limit):
            "byte \(position): nested deeper than \(limit) levels"
        case .numberOutOfRange(let position):
            "byte \(position): a number beyond ±1.8e308, or of more than "
                + "\(Limits.numberDigits) digits"
        }
    }

    private static func shown(_ byte: UInt8) -> String {
        if (0x20..<0x7F).contains(byte) { return "'\(Character(UnicodeScalar(byte)))'" }
        let digits = String(byte, radix: 16, uppercase: true)
        return "0x" + (digits.utf8.count < 2 ? "0" : "") + digits
    }
}
