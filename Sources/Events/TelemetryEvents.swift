package import Primitives
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
    /// When it was written, and when it was seen, by the worker's clock; 0: not told.
    package let time: Timestamp
    package let observed: Timestamp
    /// A JSON object: where it comes from, as its worker says. Empty: not told.
    package let resource: [UInt8]
    package let scope: TelemetryScope
    /// Whether the line itself names no trace: the record's is that of whoever wrote it.
    package let isTraceInferred: Bool

    package init(
        severity: UInt8,
        severityText: String,
        body: String,
        service: String,
        span: UInt64,
        attributes: [UInt8],
        time: Timestamp = Timestamp(nanoseconds: 0),
        observed: Timestamp = Timestamp(nanoseconds: 0),
        resource: [UInt8] = [],
        scope: TelemetryScope = TelemetryScope(),
        isTraceInferred: Bool = false
    ) {
        self.isTraceInferred = isTraceInferred
        self.severity = severity
        self.severityText = severityText
        self.body = body
        self.service = service
        self.span = span
        self.attributes = attributes
        self.time = time
        self.observed = observed
        self.resource = resource
        self.scope = scope
    }

    package func encode(into writer: inout ByteWriter) {
        writer.byte(severity)
        writer.text(severityText)
        writer.text(body)
        writer.text(service)
        writer.varint(span)
        writer.bytes(attributes)
        writer.i64(time.nanoseconds)
        writer.i64(observed.nanoseconds)
        writer.bytes(resource)
        writer.scope(scope)
        writer.byte(isTraceInferred ? 1 : 0)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        severity = try reader.byte()
        severityText = try reader.text()
        body = try reader.text()
        service = try reader.text()
        span = try reader.varint()
        attributes = try reader.bytes()
        // The first versions wrote no more than this.
        let isShort = reader.isAtEnd
        time = isShort ? Timestamp(nanoseconds: 0) : try reader.timestamp()
        observed = isShort ? Timestamp(nanoseconds: 0) : try reader.timestamp()
        resource = isShort ? [] : try reader.bytes()
        scope = isShort ? TelemetryScope() : try reader.scope()
        isTraceInferred = reader.isAtEnd ? false : try reader.byte() != 0
    }
}

/// What a worker measured the time of: a part of a request. Appended, never waited for. The trace
/// that it belongs to is the record's.
package struct SpanReported: EventBody {
    package static let kind = EventKind.spanReported

    package enum Status: UInt8, Sendable { case unset, ok, error }

    /// What it is in the exchange between two parties (OpenTelemetry, "SpanKind").
    package enum Role: UInt8, Sendable {
        case unspecified, `internal`, server, client, producer, consumer
    }

    package let span: UInt64
    /// The span that it is a part of; 0: none.
    package let parent: UInt64
    package let name: String
    package let service: String
    package let start: Timestamp
    /// 0: it has not ended.
    package let end: Timestamp
    package let status: Status
    package let statusDescription: String?
    package let attributes: [TelemetryAttribute]
    /// What happened in it: a JSON array of `{name, timestamp_unix_nano, attributes}`.
    package let events: [UInt8]
    /// Spans that it has to do with: a JSON array of `{trace_id, span_id, trace_state,
    /// attributes}`.
    package let links: [UInt8]
    package let flags: UInt32?
    package let traceState: String?
    package let scope: TelemetryScope
    package let role: Role
    /// What it says of where it comes from beside the service: a JSON object, or nothing.
    package let resource: [UInt8]

    package init(
        span: UInt64,
        parent: UInt64,
        name: String,
        service: String,
        start: Timestamp,
        end: Timestamp,
        status: Status,
        statusDescription: String?,
        attributes: [TelemetryAttribute],
        events: [UInt8],
        links: [UInt8],
        flags: UInt32?,
        traceState: String?,
        scope: TelemetryScope,
        role: Role = .unspecified,
        resource: [UInt8] = []
    ) {
        self.role = role
        self.resource = resource
        self.span = span
        self.parent = parent
        self.name = name
        self.service = service
        self.start = start
        self.end = end
        self.status = status
        self.statusDescription = statusDescription
        self.attributes = attributes
        self.events = events
        self.links = links
        self.flags = flags
        self.traceState = traceState
        self.scope = scope
    }

    package func encode(into writer: inout ByteWriter) {
        writer.u64(span)
        writer.u64(parent)
        writer.text(name)
        writer.text(service)
        writer.i64(start.nanoseconds)
        writer.i64(end.nanoseconds)
        writer.byte(status.rawValue)
        writer.text(statusDescription)
        writer.attributes(attributes)
        writer.bytes(events)
        writer.bytes(links)
        writer.byte(flags == nil ? 0 : 1)
        if let flags { writer.u32(flags) }
        writer.text(traceState)
        writer.scope(scope)
        writer.byte(role.rawValue)
        writer.bytes(resource)
        writer.forms(of: attributes)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        span = try reader.u64()
        parent = try reader.u64()
        name = try reader.text()
        service = try reader.text()
        start = try reader.timestamp()
        end = try reader.timestamp()
        status = Status(rawValue: try reader.byte()) ?? .unset
        statusDescription = try reader.optionalText()
        let texts = try reader.attributes()
        events = try reader.bytes()
        links = try reader.bytes()
        flags = try reader.byte() == 0 ? nil : try reader.u32()
        traceState = try reader.optionalText()
        scope = try reader.scope()
        // The first versions ended here.
        role = reader.isAtEnd ? .unspecified : Role(rawValue: try reader.byte()) ?? .unspecified
        // And those of before they told of a resource here.
        let isShort = reader.isAtEnd
        resource = isShort ? [] : try reader.bytes()
        attributes = isShort ? texts : try reader.forms(of: texts)
    }
}

// MARK: Fields that several of them share

/// What wrote it: a library and its version, as OpenTelemetry names it.
package struct TelemetryScope: Equatable, Sendable {
    package let name: String?
    package let version: String?

    package init(name: String? = nil, version: String? = nil) {
        self.name = name
        self.version = version
    }
}

/// A name and a value as text: a string as it is, anything else as JSON.
package struct TelemetryAttribute: Equatable, Sendable {
    /// What the value is, for whoever is told of it again.
    package enum Form: UInt8, Sendable {
        case string
        /// A number that is no integer, or that was sent as such.
        case double
        /// An integer, a boolean, an array or an object.
        case json
        /// Bytes, in base64. Earlier versions take it for a string.
        case bytes
    }

    package let name: String
    package let value: String
    package let form: Form

    package init(_ name: String, _ value: String, _ form: Form = .string) {
        self.name = name
        self.value = value
        self.form = form
    }
}

extension ByteWriter {
    mutating func scope(_ scope: TelemetryScope) {
        text(scope.name)
        text(scope.version)
    }

    mutating func attributes(_ attributes: [TelemetryAttribute]) {
        varint(UInt64(attributes.count))
        for attribute in attributes {
            text(attribute.name)
            text(attribute.value)
        }
    }

    /// A byte for each, or nothing where all are strings.
    mutating func forms(of attributes: [TelemetryAttribute]) {
        let isPlain = attributes.allSatisfy { $0.form == .string }
        bytes(isPlain ? [] : attributes.map(\.form.rawValue))
    }
}

extension ByteReader {
    mutating func scope() throws(DecodeError) -> TelemetryScope {
        let name = try optionalText()
        return TelemetryScope(name: name, version: try optionalText())
    }

    mutating func attributes() throws(DecodeError) -> [TelemetryAttribute] {
        var attributes: [TelemetryAttribute] = []
        for _ in 0..<(try varint()) {
            let name = try text()
            attributes.append(TelemetryAttribute(name, try text()))
        }
        return attributes
    }

    /// The same attributes with their forms.
    mutating func forms(
        of attributes: [TelemetryAttribute]
    ) throws(DecodeError) -> [TelemetryAttribute] {
        let forms = try bytes()
        guard forms.count == attributes.count else { return attributes }
        return zip(attributes, forms).map { attribute, form in
            let form = TelemetryAttribute.Form(rawValue: form) ?? .string
            return TelemetryAttribute(attribute.name, attribute.value, form)
        }
    }
}
