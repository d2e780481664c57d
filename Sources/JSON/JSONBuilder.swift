import Primitives

/// Writes compact JSON text; commas come by themselves.
///
///     var builder = JSONBuilder()
///     builder.beginObject()
///     builder.key("type"); builder.string("pong")
///     builder.endObject()
///     let text = builder.finish()
///
/// Invariants:
/// * In an object each value follows a key. (The caller's part: it is not checked.)
package struct JSONBuilder: Sendable {
    private var bytes: [UInt8] = []
    /// Whether a value stands before the current place in the same container.
    private var needsComma = false
    private var depth = 0

    package init() {}

    /// - Parameter capacity: bytes to make room for.
    package init(capacity: Int) { bytes.reserveCapacity(capacity) }

    /// Makes room for `capacity` bytes in all.
    package mutating func reserveCapacity(_ capacity: Int) { bytes.reserveCapacity(capacity) }

    /// What was written so far.
    package var byteCount: Int { bytes.count }

    /// The text. Everything that was begun must have ended, and something must have been written.
    package consuming func finish() -> JSONText {
        precondition(depth == 0)
        precondition(!bytes.isEmpty)
        return JSONText(trusted: bytes)
    }

    // MARK: Containers

    package mutating func beginObject() { begin(ASCII.openBrace) }
    package mutating func endObject() { end(ASCII.closeBrace) }
    package mutating func beginArray() { begin(ASCII.openBracket) }
    package mutating func endArray() { end(ASCII.closeBracket) }

    package mutating func key(_ name: String) {
        separate()
        appendQuoted(name)
        bytes.append(ASCII.colon)
        needsComma = false
    }

    /// As ``key(_:)``, for a name in which nothing needs an escape.
    package mutating func key(plain name: StaticString) {
        separate()
        bytes.append(ASCII.quote)
        bytes.append(
            contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        )
        bytes.append(ASCII.quote)
        bytes.append(ASCII.colon)
        needsComma = false
    }

    private mutating func begin(_ opening: UInt8) {
        separate()
        bytes.append(opening)
        depth += 1
        needsComma = false
    }

    private mutating func end(_ closing: UInt8) {
        precondition(depth > 0)
        depth -= 1
        bytes.append(closing)
        needsComma = true
    }

    /// Every value starts here.
    @inline(__always)
    private mutating func separate() {
        if needsComma { bytes.append(ASCII.comma) }
        needsComma = true
    }

    // MARK: Values

    package mutating func null() { word("null") }
    package mutating func bool(_ value: Bool) { word(value ? "true" : "false") }

    package mutating func string(_ value: String) {
        separate()
        appendQuoted(value)
    }

    package mutating func integer(_ value: Int64) {
        separate()
        if value < 0 { bytes.append(ASCII.minus) }
        appendDigits(of: value.magnitude)
    }

    package mutating func integer(_ value: Int) { integer(Int64(value)) }

    package mutating func integer(_ value: UInt64) {
        separate()
        appendDigits(of: value)
    }

    /// The shortest text that reads back as `value`, always with a fraction or an exponent. What
    /// JSON cannot say, infinities and NaN, becomes null.
    package mutating func double(_ value: Double) {
        guard value.isFinite else { return null() }
        separate()
        bytes.append(contentsOf: value.description.utf8)
    }

    package mutating func number(_ number: JSONNumber) {
        switch number {
        case .integer(let value): integer(value)
        case .unsigned(let value): integer(value)
        case .double(let value): double(value)
        case .raw(let text): raw(bytes: Array(text.utf8))
        }
    }

    /// A value that is text already, byte for byte.
    package mutating func raw(_ text: JSONText) { raw(bytes: text.bytes) }

    /// As ``raw(_:)``. The bytes must be one valid value.
    package mutating func raw(bytes value: [UInt8]) {
        separate()
        bytes.append(contentsOf: value)
    }

    private mutating func word(_ word: StaticString) {
        separate()
        bytes.append(
            contentsOf: UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
        )
    }

    private mutating func appendDigits(of value: UInt64) {
        if value < 10 {
            bytes.append(ASCII.zero + UInt8(value))
        } else {
            bytes.append(contentsOf: String(value).utf8)
        }
    }
}

// MARK: Members

extension JSONBuilder {
    /// A member of an object; null where it is nil.
    package mutating func add(_ name: String, _ text: String?) {
        key(name)
        if let text { string(text) } else { null() }
    }

    /// A member of an object; null where it is nil.
    package mutating func add(_ name: String, _ number: Int64?) {
        key(name)
        if let number { integer(number) } else { null() }
    }

    /// A member of an object; null where it is nil.
    package mutating func add(_ name: String, _ number: Int?) {
        key(name)
        if let number { integer(number) } else { null() }
    }

    /// A member of an object that is text already, byte for byte.
    package mutating func add(_ name: String, _ value: JSONText) {
        key(name)
        raw(value)
    }
}

// MARK: Strings

extension JSONBuilder {
    private mutating func appendQuoted(_ value: String) {
        value.withBytes { appendQuoted($0) }
    }

    private mutating func appendQuoted(_ content: UnsafeBufferPointer<UInt8>) {
        bytes.append(ASCII.quote)
        var copied = 0
        while true {
            let next = Self.endOfUnescaped(content, from: copied)
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: content[copied..<next]))
            guard next < content.count else { break }
            appendEscape(of: content[next])
            copied = next + 1
        }
        bytes.append(ASCII.quote)
    }

    /// The first position from `start` on whose byte needs an escape, or the end.
    private static func endOfUnescaped(
        _ content: UnsafeBufferPointer<UInt8>,
        from start: Int
    ) -> Int {
        let raw = UnsafeRawBufferPointer(content)
        var next = start
        while next + 8 <= raw.count {
            let word = UInt64(
                littleEndian: raw.loadUnaligned(fromByteOffset: next, as: UInt64.self)
            )
            let plain = EightBytes.unescapedPrefix(word)
            next += plain
            if plain < 8 { return next }
        }
        while next < raw.count, raw[next] >= 0x20, raw[next] != ASCII.quote,
            raw[next] != ASCII.backslash
        {
            next += 1
        }
        return next
    }

    private mutating func appendEscape(of byte: UInt8) {
        bytes.append(ASCII.backslash)
        switch byte {
        case ASCII.quote, ASCII.backslash: bytes.append(byte)
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0C: bytes.append(UInt8(ascii: "f"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        default:
            let digit = byte & 0xF
            bytes.append(contentsOf: byte < 0x10 ? "u000".utf8 : "u001".utf8)
            bytes.append(digit < 10 ? ASCII.zero + digit : UInt8(ascii: "a") + digit - 10)
        }
    }
}
