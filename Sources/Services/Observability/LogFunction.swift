import Events
package import JSON
package import Primitives

/// `engine::log::info` and its siblings (services 2, C.5).
package enum LogFunction: String, CaseIterable, Sendable {
    case trace = "engine::log::trace"
    case debug = "engine::log::debug"
    case info = "engine::log::info"
    case warn = "engine::log::warn"
    case error = "engine::log::error"

    /// OpenTelemetry's severity number.
    var severity: UInt8 {
        switch self {
        case .trace: 1
        case .debug: 5
        case .info: 9
        case .warn: 13
        case .error: 17
        }
    }

    /// The line that a call writes; the engine's version stands for the library's.
    ///
    /// - Throws: `deserialization_error` where the input has no message.
    package func decide(_ input: JSONText, version: String) throws(ErrorBody) -> LogLine {
        try JSONFields.read(input, of: rawValue) { (fields) throws(JSONFieldError) in
            let data = fields.optionalValue("data")
            let trace = try fields.optionalString("trace_id").flatMap { TraceID($0) }
            return LogLine(
                record: Logged(
                    severity: severity,
                    severityText: LogLine.severityText(severity),
                    body: LogLine.plain(try fields.requiredString("message")),
                    service: try fields.optionalString("service_name") ?? "unknown",
                    span: try fields.optionalString("span_id").flatMap {
                        hexadecimal($0.utf8)
                    } ?? 0,
                    attributes: data.flatMap { $0.isObject ? $0.bytes : nil }
                        ?? JSONText.emptyObject.bytes,
                    scope: TelemetryScope(name: "iii", version: version),
                    isTraceInferred: trace == nil
                ),
                trace: trace
            )
        }
    }
}
