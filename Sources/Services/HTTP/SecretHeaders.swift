package import JSON

/// The headers whose values no log should hold, of requests and of responses.
package struct SecretHeaders: Equatable, Sendable {
    /// What stands in place of a value.
    package static let placeholder = "[redacted]"

    /// Beside the well-known ones; in lower case.
    private let others: Set<String>

    /// Those that are known to carry credentials, and `others`, in any case.
    package init(_ others: [String] = []) {
        self.others = Set(others.map { $0.lowercased() })
    }

    /// Whether the header of this lower-case name is one. The lengths leave one candidate.
    package func contains(_ name: String) -> Bool {
        let isKnown =
            switch name.utf8.count {
            case 6: name == "cookie"
            case 7: name == "api-key"
            case 9: name == "x-api-key"
            case 10: name == "set-cookie"
            case 13: name == "authorization"
            case 19: name == "proxy-authorization"
            default: false
            }
        return isKnown || !others.isEmpty && others.contains(name)
    }

    /// A response that a function returned, as the log may hold it.
    package func hidden(inResponse value: JSONText) -> JSONText {
        guard let headers = value.member("headers"), let hidden = hidden(in: headers.value()),
            case .object(var members) = value.value()
        else { return value }
        members["headers"] = hidden
        return JSONValue.object(members).text
    }

    /// What middleware returned, as the log may hold it.
    package func hidden(inVerdict value: JSONText) -> JSONText {
        guard let response = value.member("response") else { return value }
        let hidden = hidden(inResponse: response)
        guard hidden != response, case .object(var members) = value.value() else { return value }
        members["response"] = hidden.value()
        return JSONValue.object(members).text
    }

    /// A payload that a worker tells of, as the log may hold it: without the secrets of whatever is
    /// called `headers` in it, however deep, for a worker tells of other inputs than it was given.
    /// What has headers and cannot be read, since it was cut short, is hidden whole.
    package func hidden(inPayload payload: String) -> String {
        guard Self.mentionsHeaders(payload) else { return payload }
        guard let text = try? JSONText(validating: Array(payload.utf8)) else {
            return Self.placeholder
        }
        guard let hidden = hidden(anywhereIn: text.value()) else { return payload }
        return hidden.text.description
    }

    /// Most payloads do not, and to find that out is fast beside reading them.
    private static func mentionsHeaders(_ payload: String) -> Bool {
        let wanted = "\"headers\"".utf8
        var rest = payload.utf8[...]
        while let start = rest.firstIndex(of: UInt8(ascii: "\"")) {
            rest = rest[start...]
            if rest.starts(with: wanted) { return true }
            rest.removeFirst()
        }
        return false
    }

    /// Nil: there is nothing to hide in it.
    private func hidden(anywhereIn value: JSONValue) -> JSONValue? {
        var isChanged = false
        switch value {
        case .object(var object):
            for member in object.members {
                let headers = member.name == "headers" ? hidden(in: member.value) : nil
                guard let found = headers ?? hidden(anywhereIn: member.value) else { continue }
                object[member.name] = found
                isChanged = true
            }
            return isChanged ? .object(object) : nil
        case .array(var elements):
            for place in elements.indices {
                guard let found = hidden(anywhereIn: elements[place]) else { continue }
                elements[place] = found
                isChanged = true
            }
            return isChanged ? .array(elements) : nil
        case .null, .bool, .number, .string: return nil
        }
    }

    /// Headers in either form, an object or lines; nil: there is nothing to hide in them.
    private func hidden(in headers: JSONValue) -> JSONValue? {
        var isChanged = false
        switch headers {
        case .object(var members):
            for member in members.members where contains(member.name.lowercased()) {
                members[member.name] = .string(Self.placeholder)
                isChanged = true
            }
            return isChanged ? .object(members) : nil
        case .array(let lines):
            let hidden = lines.map { line -> JSONValue in
                guard case .string(let text) = line,
                    let colon = text.utf8.firstIndex(of: UInt8(ascii: ":"))
                else { return line }
                let name = text[..<colon].lowercased().filter { $0 != " " && $0 != "\t" }
                guard contains(name) else { return line }
                isChanged = true
                return .string("\(name): \(Self.placeholder)")
            }
            return isChanged ? .array(hidden) : nil
        default: return nil
        }
    }
}
