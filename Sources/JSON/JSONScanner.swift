import Primitives

/// A key of an object in scanned text, without its quotes.
package struct JSONKey: Equatable, Sendable {
    /// The bytes between the quotes, half-open.
    package let range: Range<Int>
    /// Whether the bytes hold escapes, so that they are not the name itself.
    package let escaped: Bool
}

/// A value in scanned text.
package struct JSONSlice: Equatable, Sendable {
    /// The bytes of the value without surrounding white space, half-open.
    package let range: Range<Int>
    /// Whether the value holds `NaN`, `Infinity`, `-Infinity` or an unpaired surrogate, which
    /// ``JSONScanner/text(_:)`` replaces.
    package let needsRepair: Bool
}

/// A member of an object in scanned text.
struct JSONMember: Sendable {
    let key: JSONKey
    let value: JSONSlice
}

/// Walks JSON text in place, in one pass and without allocation: the hot path.
///
///     var scanner = JSONScanner(bytes)
///     try scanner.beginObject()
///     while let key = try scanner.nextMember() {
///         if scanner.matches(key, "type") { type = try scanner.string() }
///         else { _ = try scanner.skipValue() }
///     }
///     try scanner.end()
///
/// Accepted beyond RFC 8259, because Python writes it: `NaN`, `Infinity`, `-Infinity` (read as
/// null) and unpaired surrogate escapes (read as U+FFFD). Not accepted though RFC 8259 has it,
/// because there are SDKs that cannot read it: a number that is no double, be it an integer.
///
/// Invariants:
/// * `position <= bytes.count`; everything before `position` is valid.
/// * After an error the scanner is of no further use.
package struct JSONScanner {
    let bytes: UnsafeBufferPointer<UInt8>
    /// The next byte to look at.
    package private(set) var position = 0
    private let depthLimit: Int
    /// Whether numbers have to be doubles (``Limits/numberDigits``).
    let boundsNumbers: Bool
    private var depth = 0
    /// Whether the container that was entered last has shown no member or element yet.
    private var isFirst = false

    /// - Parameters:
    ///   - bytes: the text; it must outlive the scanner.
    ///   - depthLimit: levels of arrays and objects that are accepted.
    package init(_ bytes: UnsafeBufferPointer<UInt8>, depthLimit: Int = Limits.jsonDepth) {
        self.bytes = bytes
        self.depthLimit = depthLimit
        boundsNumbers = true
    }

    /// For text that this process wrote, or took when it was less strict: of any depth, as a rule,
    /// and with any number.
    package init(unbounded bytes: UnsafeBufferPointer<UInt8>, depthLimit: Int = .max) {
        self.bytes = bytes
        self.depthLimit = depthLimit
        boundsNumbers = false
    }

    // MARK: Objects and arrays

    /// Enters the object that is the next value.
    package mutating func beginObject() throws(JSONError) {
        try begin(with: ASCII.openBrace, expected: .object)
    }

    /// The next key of the object entered last, with the scanner at its value, which must be taken
    /// before the next call; nil when the object ends, which leaves it.
    package mutating func nextMember() throws(JSONError) -> JSONKey? {
        var next = afterSpace(position)
        if byte(at: next) == ASCII.closeBrace {
            leave(at: next)
            return nil
        }
        if !isFirst {
            guard byte(at: next) == ASCII.comma else {
                throw unexpected(at: next, expected: .commaOrBrace)
            }
            next = afterSpace(next + 1)
        }
        guard byte(at: next) == ASCII.quote else {
            throw unexpected(at: next, expected: isFirst ? .firstKey : .key)
        }
        isFirst = false
        var traits = StringTraits()
        let end = try endOfString(from: next + 1, &traits)
        position = try endOfColon(from: end)
        return JSONKey(range: next + 1..<end - 1, escaped: traits.escaped)
    }

    /// Enters the array that is the next value.
    package mutating func beginArray() throws(JSONError) {
        try begin(with: ASCII.openBracket, expected: .array)
    }

    /// Whether the array entered last has another element, with the scanner at it; it must be taken
    /// before the next call. False when the array ends, which leaves it.
    package mutating func nextElement() throws(JSONError) -> Bool {
        let next = afterSpace(position)
        if byte(at: next) == ASCII.closeBracket {
            leave(at: next)
            return false
        }
        if isFirst {
            isFirst = false
            position = next
            return true
        }
        guard byte(at: next) == ASCII.comma else {
            throw unexpected(at: next, expected: .commaOrBracket)
        }
        position = afterSpace(next + 1)
        return true
    }

    private mutating func begin(
        with opening: UInt8,
        expected: JSONError.Expectation
    ) throws(JSONError) {
        position = afterSpace(position)
        guard byte(at: position) == opening else {
            throw unexpected(at: position, expected: expected)
        }
        guard depth < depthLimit else { throw .tooDeep(at: position, limit: depthLimit) }
        depth += 1
        position += 1
        isFirst = true
    }

    private mutating func leave(at closing: Int) {
        precondition(depth > 0)
        depth -= 1
        position = closing + 1
        isFirst = false
    }

    // MARK: Values

    /// What the next value is, by its first byte; nil when no value can start there.
    package mutating func peek() -> JSONKind? {
        position = afterSpace(position)
        return byte(at: position).flatMap(JSONKind.init(firstByte:))
    }

    /// Validates the next value fully and steps over it.
    package mutating func skipValue() throws(JSONError) -> JSONSlice {
        let start = afterSpace(position)
        var traits = StringTraits()
        if byte(at: start) == ASCII.quote {
            position = try endOfString(from: start + 1, &traits)
            return JSONSlice(range: start..<position, needsRepair: traits.needsRepair)
        }
        position = try endOfValue(from: start, depth: depth, limit: depthLimit, &traits)
        return JSONSlice(range: start..<position, needsRepair: traits.needsRepair)
    }

    /// Takes the next value, which must be a string.
    package mutating func string() throws(JSONError) -> String {
        let start = afterSpace(position)
        guard byte(at: start) == ASCII.quote else { throw unexpected(at: start, expected: .string) }
        var traits = StringTraits()
        position = try endOfString(from: start + 1, &traits)
        return decoded(start + 1..<position - 1, escaped: traits.escaped)
    }

    /// Takes the next value, which must be a string or null; null is nil.
    package mutating func optionalString() throws(JSONError) -> String? {
        let start = afterSpace(position)
        if byte(at: start) == ASCII.quote { return try string() }
        guard hasToken("null", at: start) else {
            throw unexpected(at: start, expected: .stringOrNull)
        }
        position = start + 4
        return nil
    }

    /// Checks that only white space follows.
    package mutating func end() throws(JSONError) {
        position = afterSpace(position)
        guard position == bytes.count else { throw unexpected(at: position, expected: .end) }
    }

    // MARK: What was found

    /// Whether `key` is `name`, escapes resolved.
    package func matches(_ key: JSONKey, _ name: StaticString) -> Bool {
        if key.escaped { return matches(key, dynamic: name.description) }
        return key.range.count == name.utf8CodeUnitCount
            && hasToken(name, at: key.range.lowerBound)
    }

    /// As ``matches(_:_:)``, for a name that is not known when this is compiled.
    package func matches(_ key: JSONKey, dynamic name: String) -> Bool {
        if key.escaped { return sameBytes(self.name(key), name) }
        return sameBytes(name, UnsafeBufferPointer(rebasing: bytes[key.range]))
    }

    /// Whether `value`, which is a string, is `word`, escapes resolved.
    package func matches(_ value: JSONSlice, _ word: StaticString) -> Bool {
        matches(stringContent(value), word)
    }

    /// What `value`, which is a string, spells, escapes resolved.
    package func content(_ value: JSONSlice) -> String { name(stringContent(value)) }

    /// A string is spelled as a key is.
    private func stringContent(_ value: JSONSlice) -> JSONKey {
        let range = value.range.lowerBound + 1..<value.range.upperBound - 1
        return JSONKey(range: range, escaped: bytes[range].contains(ASCII.backslash))
    }

    /// The name that `key` spells, escapes resolved.
    package func name(_ key: JSONKey) -> String { decoded(key.range, escaped: key.escaped) }

    /// The value at `slice`, copied out, repaired if it needs that.
    package func text(_ slice: JSONSlice) -> JSONText {
        let source = UnsafeBufferPointer(rebasing: bytes[slice.range])
        return JSONText(trusted: slice.needsRepair ? repaired(source) : [UInt8](source))
    }
}
