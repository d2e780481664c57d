/// A JSON number with the distinctions that must survive: integer or not, and all digits of an
/// integer.
///
/// Invariants (kept by the initializers):
/// * `unsigned` holds only what `integer` cannot, so equal integers are equal cases.
/// * `double` is finite.
package enum JSONNumber: Hashable, Sendable {
    case integer(Int64)
    /// Above `Int64.max`.
    case unsigned(UInt64)
    /// Written with a fraction or an exponent: `1.0`, not `1`.
    case double(Double)
    /// An integer beyond 64 bits, or a number beyond the range of doubles, as it was written.
    case raw(String)

    package init(_ value: Int64) { self = .integer(value) }

    package init(_ value: UInt64) {
        self = Int64(exactly: value).map(JSONNumber.integer) ?? .unsigned(value)
    }

    /// Nil for infinities and NaN, which JSON cannot say.
    package init?(_ value: Double) {
        guard value.isFinite else { return nil }
        self = .double(value)
    }

    /// The number that `text` writes. The text was validated: it follows the grammar of JSON.
    init(validated text: some Collection<UInt8>) {
        if let integer = Self.parsedInteger(text) {
            self = integer
            return
        }
        let string = String(decoding: text, as: UTF8.self)
        let isInteger = text.allSatisfy { ASCII.isDigit($0) || $0 == ASCII.minus }
        if !isInteger, let value = Double(string), value.isFinite {
            self = .double(value)
        } else {
            self = .raw(string)
        }
    }

    /// Nil when the text is no integer or one beyond 64 bits.
    private static func parsedInteger(_ text: some Collection<UInt8>) -> JSONNumber? {
        let isNegative = text.first == ASCII.minus
        var magnitude: UInt64 = 0
        for byte in text.dropFirst(isNegative ? 1 : 0) {
            guard ASCII.isDigit(byte) else { return nil }
            let (tenfold, overflow) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tenfold.addingReportingOverflow(UInt64(byte - ASCII.zero))
            guard !overflow, !carry else { return nil }
            magnitude = sum
        }
        return JSONNumber(exactly: isNegative ? -Int128(magnitude) : Int128(magnitude))
    }

    /// Nil outside the signed and unsigned 64-bit ranges.
    private init?(exactly value: Int128) {
        if let signed = Int64(exactly: value) {
            self = .integer(signed)
        } else if let unsigned = UInt64(exactly: value) {
            self = .unsigned(unsigned)
        } else {
            return nil
        }
    }
}

extension JSONNumber {
    /// The value, if this is an integer of the signed 64-bit range.
    package var int64Value: Int64? {
        if case .integer(let value) = self { value } else { nil }
    }

    /// The nearest double; nil beyond the range of doubles.
    package var doubleValue: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .unsigned(let value): Double(value)
        case .double(let value): value
        case .raw(let text): Double(text).flatMap { $0.isFinite ? $0 : nil }
        }
    }

    /// Whether the number is written without fraction and exponent.
    package var isInteger: Bool {
        switch self {
        case .integer, .unsigned: true
        case .double: false
        case .raw(let text): text.utf8.allSatisfy { ASCII.isDigit($0) || $0 == ASCII.minus }
        }
    }

    /// The sum: an integer stays an integer, up to `UInt64.max`, and a double stays a double, as
    /// which an integer beyond 64 bits counts, too (services 1, 0.6).
    ///
    /// - Returns: nil when the sum of an integer fits neither 64-bit range, or that of anything
    /// else   no double.
    package func adding(_ other: Int64) -> JSONNumber? {
        switch self {
        case .integer(let value): JSONNumber(exactly: Int128(value) + Int128(other))
        case .unsigned(let value): JSONNumber(exactly: Int128(value) + Int128(other))
        case .double, .raw: doubleValue.flatMap { JSONNumber($0 + Double(other)) }
        }
    }

    /// The difference, by the rules of ``adding(_:)``.
    package func subtracting(_ other: Int64) -> JSONNumber? {
        switch self {
        case .integer(let value): JSONNumber(exactly: Int128(value) - Int128(other))
        case .unsigned(let value): JSONNumber(exactly: Int128(value) - Int128(other))
        case .double, .raw: doubleValue.flatMap { JSONNumber($0 - Double(other)) }
        }
    }
}
