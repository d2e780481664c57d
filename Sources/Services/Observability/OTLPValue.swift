import Events
import JSON
import Primitives

// OTLP/JSON as the SDKs write it: numbers also as strings of digits, ids as hexadecimal digits, and
// anything else where it should not be (protocol 11.2).

extension JSONValue {
    /// A member of an object; null where there is none.
    subscript(_ name: String) -> JSONValue {
        guard case .object(let object) = self else { return .null }
        return object[name] ?? .null
    }

    var elements: [JSONValue] {
        guard case .array(let elements) = self else { return [] }
        return elements
    }

    var content: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    /// Content that is there and not empty.
    var name: String? { content.flatMap { $0.isEmpty ? nil : $0 } }

    /// A number, or decimal digits in a string.
    var integer: Int64? {
        switch self {
        case .number(let number): number.int64Value
        case .string(let digits): Int64(digits)
        default: nil
        }
    }

    var unsigned: UInt64? { integer.flatMap { UInt64(exactly: $0) } }

    /// A number, or one in a string.
    var double: Double? {
        switch self {
        case .number(let number): number.doubleValue
        case .string(let digits): Double(digits).flatMap { $0.isFinite ? $0 : nil }
        default: nil
        }
    }

    /// Nanoseconds since 1970; 0: not told.
    var time: Timestamp { Timestamp(nanoseconds: max(0, integer ?? 0)) }

    /// 16 hexadecimal digits; 0: none.
    var span: UInt64 {
        guard let content, content.utf8.count == 16 else { return 0 }
        return hexadecimal(content.utf8) ?? 0
    }

    var trace: TraceID? { content.flatMap { TraceID($0) } }

    /// A string's content, or any other value's JSON.
    var display: String {
        if case .string(let content) = self { return content }
        return self == .null ? "" : String(decoding: text.bytes, as: UTF8.self)
    }

    /// An `AnyValue` as the JSON value that it stands for.
    var plain: JSONValue {
        guard case .object(let object) = self, let member = object.members.first else {
            return self
        }
        switch member.name {
        case "intValue":
            return member.value.integer.map { .integer($0) } ?? member.value
        case "arrayValue":
            return .array(member.value["values"].elements.map(\.plain))
        case "kvlistValue":
            return .object(member.value["values"].attributes)
        default:
            return member.value
        }
    }

    /// A list of `{key, value: AnyValue}` as a plain object.
    var attributes: JSONObject {
        var object = JSONObject()
        for item in elements {
            if let key = item["key"].content { object[key] = item["value"].plain }
        }
        return object
    }

    /// The same list as names and texts, without what must not be kept.
    var texts: [TelemetryAttribute] {
        var forms: [String: TelemetryAttribute.Form] = [:]
        for item in elements {
            if let key = item["key"].content { forms[key] = item["value"].form }
        }
        return attributes.members.map { member in
            guard !Self.secrets.contains(member.name.lowercased()) else {
                return TelemetryAttribute(member.name, "[REDACTED]")
            }
            let form = forms[member.name] ?? .string
            return TelemetryAttribute(member.name, member.value.display, form)
        }
    }

    /// What an `AnyValue` is.
    private var form: TelemetryAttribute.Form {
        guard case .object(let object) = self else { return .string }
        return switch object.members.first?.name {
        case "doubleValue": .double
        case "intValue", "boolValue", "arrayValue", "kvlistValue": .json
        case "bytesValue": .bytes
        default: .string
        }
    }

    /// The attributes of a resource, without its service's name and without credentials: a JSON
    /// object, or nothing, also where they are more than resources are. They are recorded with each
    /// span and metric.
    var told: [UInt8] {
        var attributes = attributes
        attributes["service.name"] = nil
        for name in attributes.members.map(\.name) where Self.secrets.contains(name.lowercased()) {
            attributes[name] = .string("[REDACTED]")
        }
        let bytes = JSONValue.object(attributes).text.bytes
        return attributes.members.isEmpty || bytes.count > 4096 ? [] : bytes
    }

    var scope: TelemetryScope {
        TelemetryScope(name: self["name"].name, version: self["version"].name)
    }

    /// Names of attributes whose values are credentials (services 2, C.3).
    private static let secrets: Set<String> = [
        "authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "api-key",
        "api_key", "access_token", "refresh_token", "password", "secret", "credential",
    ]
}

extension [TelemetryAttribute] {
    /// As listings show them: `[[name, value], …]`.
    func write(into json: inout JSONBuilder) {
        json.beginArray()
        for attribute in self {
            json.beginArray()
            json.string(attribute.name)
            json.string(attribute.value)
            json.endArray()
        }
        json.endArray()
    }

    /// The value of a name; nil: it is not there.
    subscript(_ name: String) -> String? { first { $0.name == name }?.value }

    /// What they take in memory, in bytes, roughly.
    var byteCount: Int { reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 32 } }
}
