import Primitives
package import RecordFormat

/// A line that a worker logged. Appended, never waited for.
package struct Logged: EventBody {
    package static let kind = EventKind.logged

    /// OpenTelemetry's severity number: 5 debug, 9 info, 13 warn, 17 error.
    package let severity: UInt8
    package let severityText: String
    package let body: String
    package let service: String
    /// The span it was logged in; 0: none.
    package let span: UInt64
    /// A JSON object.
    package let attributes: [UInt8]

    package init(
        severity: UInt8,
        severityText: String,
        body: String,
        service: String,
        span: UInt64,
        attributes: [UInt8]
    ) {
        self.severity = severity
        self.severityText = severityText
        self.body = body
        self.service = service
        self.span = span
        self.attributes = attributes
    }

    package func encode(into writer: inout ByteWriter) {
        writer.byte(severity)
        writer.text(severityText)
        writer.text(body)
        writer.text(service)
        writer.varint(span)
        writer.bytes(attributes)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        severity = try reader.byte()
        severityText = try reader.text()
        body = try reader.text()
        service = try reader.text()
        span = try reader.varint()
        attributes = try reader.bytes()
    }
}
