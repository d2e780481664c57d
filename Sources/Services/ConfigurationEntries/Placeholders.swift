package import JSON

/// Replaces `${NAME}` and `${NAME:default}` in the strings of a value (services 1, E.1, E.2):
/// values are kept as they were written, and mean what the engine's environment says.
package struct Placeholders: Sendable {
    private let variables: [String: String]
    private let version: String
    private let bytesMax: Int

    /// Why a value means nothing here.
    package enum Failure: Error, Equatable, Sendable {
        /// This variable is not set, and has no default.
        case unset(String)
        /// It would be larger than that, in bytes.
        case tooLarge(Int)
    }

    package init(variables: [String: String], version: String, bytesMax: Int) {
        self.variables = variables
        self.version = version
        self.bytesMax = bytesMax
    }

    /// The value with what its strings stand for. A string that is one placeholder and nothing else
    /// becomes what YAML reads in its text: a number, a boolean, null or a string.
    package func expand(_ value: JSONValue) throws(Failure) -> JSONValue {
        var room = bytesMax
        return try expand(value, &room)
    }

    private func expand(_ value: JSONValue, _ room: inout Int) throws(Failure) -> JSONValue {
        switch value {
        case .null, .bool, .number: return value
        case .string(let text): return try expand(text, &room)
        case .array(let elements):
            var expanded: [JSONValue] = []
            for element in elements { expanded.append(try expand(element, &room)) }
            return .array(expanded)
        case .object(let object):
            var expanded = object
            for member in object.members {
                expanded[member.name] = try expand(member.value, &room)
            }
            return .object(expanded)
        }
    }

    private func expand(_ text: String, _ room: inout Int) throws(Failure) -> JSONValue {
        guard text.utf8.contains(UInt8(ascii: "$")) else { return .string(text) }
        var expanded = ""
        var rest = text.utf8[...]
        var isOnlyPlaceholder = false
        // Bytes, each of them looked at once or twice: a value may have many marks, and no end.
        while let dollar = rest.firstIndex(of: UInt8(ascii: "$")) {
            expanded += Substring(rest[..<dollar])
            let behind = rest[dollar...].dropFirst()
            guard behind.first == UInt8(ascii: "{") else {
                expanded += "$"
                rest = behind
                continue
            }
            let inside = behind.dropFirst()
            guard let first = inside.first, first != UInt8(ascii: ":"), first != UInt8(ascii: "}")
            else {
                expanded += "${"
                rest = inside
                continue
            }
            guard let end = inside.firstIndex(of: UInt8(ascii: "}")) else {
                // Nothing behind it ends either.
                rest = rest[dollar...]
                break
            }
            let written = try self.value(of: Substring(inside[..<end]))
            room -= written.utf8.count
            guard room >= 0 else { throw .tooLarge(bytesMax) }
            expanded += written
            rest = inside[end...].dropFirst()
            isOnlyPlaceholder = dollar == text.startIndex && rest.isEmpty
        }
        expanded += Substring(rest)
        return isOnlyPlaceholder ? Self.scalar(expanded) : .string(expanded)
    }

    private func value(of placeholder: Substring) throws(Failure) -> String {
        let colon = placeholder.utf8.firstIndex(of: UInt8(ascii: ":"))
        let name = String(placeholder[..<(colon ?? placeholder.endIndex)])
        if let value = variables[name] { return value }
        guard let colon else { throw .unset(name) }
        let fallback = Substring(placeholder.utf8[colon...].dropFirst())
        return fallback == "__III_ENGINE_VERSION__" ? version : String(fallback)
    }

    /// A plain scalar of YAML's core schema; what JSON cannot say stays text.
    private static func scalar(_ text: String) -> JSONValue {
        let trimmed = text.trimmingSpaces
        switch trimmed {
        case "": return .string(text)
        case "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        default: break
        }
        if let number = number(trimmed) { return .number(number) }
        return .string(text)
    }

    private static func number(_ text: String) -> JSONNumber? {
        let lower = text.lowercased()
        for (prefix, radix) in [("0x", 16), ("0o", 8)] where lower.hasPrefix(prefix) {
            return UInt64(lower.dropFirst(2), radix: radix).map { JSONNumber($0) }
        }
        if let integer = Int64(text) { return JSONNumber(integer) }
        if let integer = UInt64(text) { return JSONNumber(integer) }
        let isNumber = text.utf8.allSatisfy {
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || "+-.eE".utf8.contains($0)
        }
        guard isNumber else { return nil }
        return Double(text).flatMap { JSONNumber($0) }
    }
}

extension String {
    fileprivate var trimmingSpaces: String {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0.isNewline }
        guard let first = firstIndex(where: { !isSpace($0) }),
            let last = lastIndex(where: { !isSpace($0) })
        else { return "" }
        return String(self[first...last])
    }
}
