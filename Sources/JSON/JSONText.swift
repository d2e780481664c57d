import Primitives

/// The six types of JSON values.
package enum JSONKind: String, Equatable, Sendable {
    case null, bool, number, string, array, object

    /// The type of the value that starts with `byte`; Python's `NaN` and `Infinity` count as null.
    init?(firstByte byte: UInt8) {
        switch byte {
        case ASCII.openBrace: self = .object
        case ASCII.openBracket: self = .array
        case ASCII.quote: self = .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"): self = .bool
        case UInt8(ascii: "n"), UInt8(ascii: "N"), UInt8(ascii: "I"): self = .null
        case ASCII.minus, ASCII.zero...ASCII.nine: self = .number
        default: return nil
        }
    }
}

/// One standard (RFC 8259) JSON value as UTF-8 text without surrounding white space.
///
/// Equality is that of the bytes: `1` and `1.0`, or `{"a":1}` and `{"a": 1}`, differ.
///
/// Invariants:
/// * `bytes` is valid, and holds none of the forms that only Python writes.
package struct JSONText: Hashable, Sendable {
    package let bytes: [UInt8]

    /// Takes text from outside: checks all of it, drops surrounding white space and repairs what
    /// Python writes (see ``JSONScanner``); every other byte stays as it is.
    package init(
        validating source: [UInt8],
        depthLimit: Int = Limits.jsonDepth
    ) throws(JSONError) {
        let copy = try source.withUnsafeBufferPointer { (buffer) throws(JSONError) -> JSONText? in
            var scanner = JSONScanner(buffer, depthLimit: depthLimit)
            let slice = try scanner.skipValue()
            try scanner.end()
            let isWhole = slice.range.count == buffer.count && !slice.needsRepair
            return isWhole ? nil : scanner.text(slice)
        }
        self = copy ?? JSONText(trusted: source)
    }

    /// As `init(validating:depthLimit:)` of an array; the bytes are copied.
    package init(
        validating source: UnsafeBufferPointer<UInt8>,
        depthLimit: Int = Limits.jsonDepth
    ) throws(JSONError) {
        var scanner = JSONScanner(source, depthLimit: depthLimit)
        let slice = try scanner.skipValue()
        try scanner.end()
        self = scanner.text(slice)
    }

    /// Takes text that this process wrote or validated before. It is not looked at.
    package init(trusted bytes: [UInt8]) { self.bytes = bytes }

    /// The JSON string whose content is `string`.
    package init(string: String) {
        var builder = JSONBuilder()
        builder.string(string)
        self = builder.finish()
    }

    /// Takes bytes from outside: what is no JSON is the content of a JSON string.
    package init(orText bytes: [UInt8]) {
        let text = try? JSONText(validating: bytes)
        self = text ?? JSONText(string: String(decoding: bytes, as: UTF8.self))
    }

    package static let null = JSONText(trusted: Array("null".utf8))
    package static let `true` = JSONText(trusted: Array("true".utf8))
    package static let `false` = JSONText(trusted: Array("false".utf8))
    package static let emptyObject = JSONText(trusted: Array("{}".utf8))
    package static let emptyArray = JSONText(trusted: Array("[]".utf8))
}

extension JSONText: CustomStringConvertible {
    /// The text itself.
    package var description: String { String(decoding: bytes, as: UTF8.self) }

    package var kind: JSONKind { bytes.first.flatMap(JSONKind.init(firstByte:)) ?? .null }
    package var isNull: Bool { kind == .null }
    package var isObject: Bool { kind == .object }
    package var isArray: Bool { kind == .array }
    package var isString: Bool { kind == .string }
    package var isNumber: Bool { kind == .number }
    package var isBool: Bool { kind == .bool }

    /// Whether arrays and objects in it are nested no deeper than `limit` levels.
    package func isNested(within limit: Int) -> Bool {
        // Every level has an opening bracket or brace, which differ in one bit.
        var opening = 0
        for byte in bytes { opening &+= byte | 0x20 == ASCII.openBrace ? 1 : 0 }
        guard opening > limit else { return true }
        return bytes.withUnsafeBufferPointer { buffer in
            var scanner = JSONScanner(unbounded: buffer, depthLimit: limit)
            do throws(JSONError) { _ = try scanner.skipValue() } catch { return false }
            return true
        }
    }

    /// The same; where it is nested deeper than `limit` levels, a string that has its text: for a
    /// message around it that could not be read otherwise.
    package func flattened(beyond limit: Int) -> JSONText {
        isNested(within: limit) ? self : JSONText(string: description)
    }

    /// The content, if this is a string.
    package var stringValue: String? {
        guard isString else { return nil }
        return scan { (scanner) throws(JSONError) in try scanner.string() }
    }

    /// The value, if this is `true` or `false`.
    package var boolValue: Bool? { isBool ? bytes.first == UInt8(ascii: "t") : nil }

    /// The number, if this is one.
    package var numberValue: JSONNumber? { isNumber ? JSONNumber(validated: bytes) : nil }

    /// The value of the top-level member `name`, the last one if it is there more than once; nil if
    /// there is none or this is no object.
    package func member(_ name: String) -> JSONText? {
        guard isObject else { return nil }
        let found = scan { (scanner) throws(JSONError) -> JSONText? in
            var last: JSONSlice?
            try scanner.beginObject()
            while let key = try scanner.nextMember() {
                let slice = try scanner.skipValue()
                if scanner.matches(key, dynamic: name) { last = slice }
            }
            return last.map(scanner.text)
        }
        return found ?? nil
    }

    package typealias FiveMembers = (JSONText?, JSONText?, JSONText?, JSONText?, JSONText?)

    /// Five top-level members, each as ``member(_:)`` has it, in one pass.
    package func members(
        _ first: StaticString,
        _ second: StaticString,
        _ third: StaticString,
        _ fourth: StaticString,
        _ fifth: StaticString
    ) -> FiveMembers {
        guard isObject else { return (nil, nil, nil, nil, nil) }
        let found = scan { (scanner) throws(JSONError) -> FiveMembers in
            var last: (JSONSlice?, JSONSlice?, JSONSlice?, JSONSlice?, JSONSlice?)
            last = (nil, nil, nil, nil, nil)
            try scanner.beginObject()
            while let key = try scanner.nextMember() {
                let slice = try scanner.skipValue()
                if scanner.matches(key, first) {
                    last.0 = slice
                } else if scanner.matches(key, second) {
                    last.1 = slice
                } else if scanner.matches(key, third) {
                    last.2 = slice
                } else if scanner.matches(key, fourth) {
                    last.3 = slice
                } else if scanner.matches(key, fifth) {
                    last.4 = slice
                }
            }
            return (
                last.0.map(scanner.text), last.1.map(scanner.text), last.2.map(scanner.text),
                last.3.map(scanner.text), last.4.map(scanner.text)
            )
        }
        return found ?? (nil, nil, nil, nil, nil)
    }

    /// The members in the order of the text, duplicates included; empty if this is no object.
    var topLevelMembers: [JSONMember] {
        guard isObject else { return [] }
        let found = scan { (scanner) throws(JSONError) in
            var members: [JSONMember] = []
            members.reserveCapacity(8)
            try scanner.beginObject()
            while let key = try scanner.nextMember() {
                members.append(JSONMember(key: key, value: try scanner.skipValue()))
            }
            return members
        }
        return found ?? []
    }

    /// The value of the last of its own `members` that is called `name`.
    func value(of name: String, in members: [JSONMember]) -> JSONSlice? {
        bytes.withUnsafeBufferPointer { buffer in
            let scanner = JSONScanner(buffer)
            let length = name.utf8.count
            // Most names differ in length from most others.
            return members.last { member in
                (member.key.escaped || member.key.range.count == length)
                    && scanner.matches(member.key, dynamic: name)
            }?.value
        }
    }

    /// The name that a key in it spells.
    func name(_ key: JSONKey) -> String {
        bytes.withUnsafeBufferPointer { JSONScanner($0).name(key) }
    }

    /// The content of the string at `slice`; nil: what is there is none.
    func string(at slice: JSONSlice) -> String? {
        bytes.withUnsafeBufferPointer { buffer in
            guard buffer[slice.range.lowerBound] == ASCII.quote else { return nil }
            let part = UnsafeBufferPointer(rebasing: buffer[slice.range])
            var scanner = JSONScanner(part)
            return try? scanner.string()
        }
    }

    /// The members in the order of the text, duplicates included, if this is an object.
    package var allMembers: [(name: String, value: JSONText)]? {
        guard isObject else { return nil }
        return scan { (scanner) throws(JSONError) in
            var members: [(name: String, value: JSONText)] = []
            try scanner.beginObject()
            while let key = try scanner.nextMember() {
                let slice = try scanner.skipValue()
                members.append((name: scanner.name(key), value: scanner.text(slice)))
            }
            return members
        }
    }

    /// The elements, if this is an array.
    package var elements: [JSONText]? {
        guard isArray else { return nil }
        return scan { (scanner) throws(JSONError) in
            var elements: [JSONText] = []
            try scanner.beginArray()
            while try scanner.nextElement() {
                elements.append(scanner.text(try scanner.skipValue()))
            }
            return elements
        }
    }

    /// The value, parsed completely.
    package func value() -> JSONValue {
        scan { (scanner) throws(JSONError) in try scanner.value() } ?? .null
    }

    /// Runs `body` over the text, without bounds: what this process wrote may be deeper than what
    /// it accepts, and what it took before numbers were bounded may hold any. Nil only for text
    /// that broke the promise of ``init(trusted:)``.
    private func scan<Found>(
        _ body: (inout JSONScanner) throws(JSONError) -> Found
    ) -> Found? {
        bytes.withUnsafeBufferPointer { buffer in
            var scanner = JSONScanner(unbounded: buffer)
            do { return try body(&scanner) } catch { return nil }
        }
    }
}
