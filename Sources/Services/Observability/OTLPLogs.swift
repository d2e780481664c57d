package import JSON
import Events
import Primitives

/// OTLP/JSON log exports, in the forms that the SDKs write (protocol 11.2).
package enum OTLPLogs {
    /// Reads `{"resourceLogs": […]}`.
    ///
    /// - Returns: every log record in it; what is not one is passed over, since telemetry is not
    ///   worth a connection.
    package static func decode(_ export: JSONText) -> [LogLine] {
        var lines: [LogLine] = []
        for resource in export.value()["resourceLogs"].elements {
            let service = attributes(resource["resource"]["attributes"])["service.name"]
            for scope in resource["scopeLogs"].elements {
                for record in scope["logRecords"].elements {
                    lines.append(line(record, service: service?.content))
                }
            }
        }
        return lines
    }

    private static func line(_ record: JSONValue, service: String?) -> LogLine {
        let attributes = attributes(record["attributes"])
        let severity = UInt8(clamping: record["severityNumber"].integer ?? 0)
        let text = record["severityText"].content ?? LogLine.severityText(severity)
        let span = record["spanId"].content.flatMap { UInt64($0, radix: 16) } ?? 0
        return LogLine(
            record: Logged(
                severity: severity,
                severityText: text,
                body: LogLine.plain(plainValue(record["body"]).display),
                service: service ?? attributes["service.name"]?.content ?? "unknown",
                span: span,
                attributes: JSONValue.object(attributes).text.bytes
            ),
            trace: record["traceId"].content.flatMap { TraceID($0) }
        )
    }

    /// A list of `{key, value: AnyValue}` as a plain object.
    private static func attributes(_ list: JSONValue) -> JSONObject {
        var object = JSONObject()
        for item in list.elements {
            if let key = item["key"].content { object[key] = plainValue(item["value"]) }
        }
        return object
    }

    /// An OTLP `AnyValue` as the JSON value that it stands for.
    private static func plainValue(_ value: JSONValue) -> JSONValue {
        guard case .object(let object) = value, let member = object.members.first else {
            return value
        }
        switch member.name {
        case "intValue":
            return member.value.integer.map { .integer($0) } ?? member.value
        case "arrayValue":
            return .array(member.value["values"].elements.map(plainValue))
        case "kvlistValue":
            return .object(attributes(member.value["values"]))
        default:
            return member.value
        }
    }
}

extension JSONValue {
    /// A member of an object; null where there is none.
    fileprivate subscript(_ name: String) -> JSONValue {
        guard case .object(let object) = self else { return .null }
        return object[name] ?? .null
    }

    fileprivate var elements: [JSONValue] {
        guard case .array(let elements) = self else { return [] }
        return elements
    }

    fileprivate var content: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    /// A number, or decimal digits in a string.
    fileprivate var integer: Int64? {
        switch self {
        case .number(let number): number.int64Value
        case .string(let digits): Int64(digits)
        default: nil
        }
    }

    /// A string's content, or any other value's JSON.
    fileprivate var display: String {
        if case .string(let content) = self { return content }
        return self == .null ? "" : String(decoding: text.bytes, as: UTF8.self)
    }
}
