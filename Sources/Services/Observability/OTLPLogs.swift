import Events
package import JSON
import Primitives

/// OTLP/JSON log exports, in the forms that the SDKs write (protocol 11.2).
package enum OTLPLogs {
    /// Reads `{"resourceLogs": […]}`.
    ///
    /// - Returns: every log record in it; what is not one is passed over, since telemetry is not
    ///   worth a connection.
    package static func decode(_ export: JSONText) -> [LogLine] {
        var lines: [LogLine] = []
        for group in export.value()["resourceLogs"].elements {
            let resource = group["resource"]["attributes"].attributes
            for scope in group["scopeLogs"].elements {
                for record in scope["logRecords"].elements {
                    lines.append(line(record, resource, scope["scope"]))
                }
            }
        }
        return lines
    }

    private static func line(
        _ record: JSONValue,
        _ resource: JSONObject,
        _ scope: JSONValue
    ) -> LogLine {
        let attributes = record["attributes"].attributes
        let severity = UInt8(clamping: record["severityNumber"].integer ?? 0)
        let text = record["severityText"].name ?? LogLine.severityText(severity)
        let service = resource["service.name"]?.content ?? attributes["service.name"]?.content
        return LogLine(
            record: Logged(
                severity: severity,
                severityText: text,
                body: LogLine.plain(record["body"].plain.display),
                service: service ?? "unknown",
                span: record["spanId"].span,
                attributes: JSONValue.object(attributes).text.bytes,
                time: record["timeUnixNano"].time,
                observed: record["observedTimeUnixNano"].time,
                resource: JSONValue.object(resource).text.bytes,
                scope: scope.scope
            ),
            trace: record["traceId"].trace
        )
    }
}
