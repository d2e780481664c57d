package import Events
import JSON
package import Primitives

/// What is sent to a collector of OpenTelemetry in one request.
package enum OTLPExport: Sendable {
    case spans([ReportedSpan])
    /// With when each was received.
    case logs([(line: LogLine, received: Timestamp)])
    case metrics([(metric: MetricReported, received: Timestamp)])
    /// The engine's own metrics, and from when on sums and histograms count.
    case own([MetricReported], since: Timestamp)

    /// What the engine says of itself, beside its name: a JSON object.
    package struct Resource: Sendable {
        package let service: String
        package let attributes: [UInt8]

        package init(service: String = "iii", attributes: [UInt8] = []) {
            self.service = service
            self.attributes = attributes
        }

        /// What is said of where a span comes from: of the engine's own what is known, of others
        /// what they told.
        fileprivate func of(_ span: SpanReported) -> [UInt8] {
            let isOwn = span.service == service && span.scope.name == "iii"
            return isOwn ? attributes : span.resource
        }
    }

    package var count: Int {
        switch self {
        case .spans(let spans): spans.count
        case .logs(let lines): lines.count
        case .metrics(let metrics): metrics.count
        case .own(let metrics, _): metrics.count
        }
    }

    /// The path of OTLP/HTTP for it.
    package var path: String {
        switch self {
        case .spans: Self.spansPath
        case .logs: Self.logsPath
        case .metrics, .own: Self.metricsPath
        }
    }

    package static let paths = [spansPath, logsPath, metricsPath]
    static let spansPath = "/v1/traces"
    static let logsPath = "/v1/logs"
    static let metricsPath = "/v1/metrics"

    /// The request's body, as protobuf or as JSON.
    package func body(isJSON: Bool, of own: Resource = Resource()) -> [UInt8] {
        OTLPWriter.message(isJSON: isJSON) { writer in
            switch self {
            case .spans(let spans):
                let groups = Group.of(spans) { span in
                    (span.record.service, span.record.scope, own.of(span.record))
                }
                writer.groups(groups, "resourceSpans", "scopeSpans", "spans") { $0.span($1) }
            case .logs(let lines):
                let groups = Group.of(lines) { entry in
                    let record = entry.line.record
                    return (record.service, record.scope, record.resource)
                }
                writer.groups(groups, "resourceLogs", "scopeLogs", "logRecords") {
                    $0.line($1.line, received: $1.received)
                }
            case .metrics(let metrics):
                let groups = Group.of(metrics) { entry in
                    let metric = entry.metric
                    return (metric.service, metric.scope, metric.resource)
                }
                writer.groups(groups, "resourceMetrics", "scopeMetrics", "metrics") {
                    $0.metric($1.metric, received: $1.received)
                }
            case .own(let metrics, let start):
                let groups = Group.of(metrics) { ($0.service, $0.scope, own.attributes) }
                writer.groups(groups, "resourceMetrics", "scopeMetrics", "metrics") {
                    $0.metric($1, received: start, since: start)
                }
            }
        }
    }

    /// What comes from one place.
    fileprivate struct Group<Element> {
        let service: String
        let scope: TelemetryScope
        /// A JSON object, or nothing.
        let resource: [UInt8]
        var elements: [Element]

        /// In the order in which they first appear.
        static func of(
            _ elements: [Element],
            _ origin: (Element) -> (String, TelemetryScope, [UInt8])
        ) -> [Group] {
            var groups: [Group] = []
            for element in elements {
                let (service, scope, resource) = origin(element)
                let place = groups.lastIndex {
                    $0.service == service && $0.scope == scope && $0.resource == resource
                }
                if let place {
                    groups[place].elements.append(element)
                } else {
                    groups.append(
                        Group(
                            service: service,
                            scope: scope,
                            resource: resource,
                            elements: [element]
                        )
                    )
                }
            }
            return groups
        }
    }
}

// MARK: The messages of opentelemetry-proto 1.x

extension OTLPWriter {
    fileprivate mutating func groups<Element>(
        _ groups: [OTLPExport.Group<Element>],
        _ name: String,
        _ scopes: String,
        _ elements: String,
        _ body: (inout OTLPWriter, Element) -> Void
    ) {
        repeated(1, name, groups) { writer, group in
            writer.message(1, "resource") { $0.resource(group.service, group.resource) }
            writer.message(2, scopes, isRepeated: true) { writer in
                writer.message(1, "scope") { writer in
                    writer.string(1, "name", group.scope.name ?? "")
                    writer.string(2, "version", group.scope.version ?? "")
                }
                writer.repeated(2, elements, group.elements, body)
            }
        }
    }

    /// A message that is the only one of a repeated field.
    private mutating func message(
        _ number: UInt64,
        _ name: String,
        isRepeated: Bool,
        _ body: (inout OTLPWriter) -> Void
    ) {
        repeated(number, name, CollectionOfOne(())) { writer, _ in body(&writer) }
    }

    private mutating func resource(_ service: String, _ told: [UInt8]) {
        var attributes = JSONObject()
        if !told.isEmpty, case .object(let object) = JSONText(trusted: told).value() {
            attributes = object
        }
        if attributes["service.name"] == nil { attributes["service.name"] = .string(service) }
        keyValues(1, "attributes", attributes)
    }

    fileprivate mutating func span(_ span: ReportedSpan) {
        let record = span.record
        id(1, "traceId", span.trace.high, span.trace.low)
        id(2, "spanId", record.span)
        string(3, "traceState", record.traceState ?? "")
        if record.parent != 0 { id(4, "parentSpanId", record.parent) }
        string(5, "name", record.name)
        integer(6, "kind", UInt64(record.role.rawValue))
        fixed64(7, "startTimeUnixNano", record.start.unsigned)
        fixed64(8, "endTimeUnixNano", record.end.unsigned)
        texts(9, "attributes", record.attributes)
        let events = JSONText(trusted: record.events).elements ?? []
        repeated(11, "events", events) { writer, event in
            let time = event.member("timestamp_unix_nano")?.numberValue?.int64Value ?? 0
            writer.fixed64(1, "timeUnixNano", UInt64(max(0, time)))
            writer.string(2, "name", event.member("name")?.stringValue ?? "")
            writer.texts(3, "attributes", Self.pairs(event.member("attributes")))
        }
        let links = (JSONText(trusted: record.links).elements ?? []).compactMap { link in
            link.member("trace_id")?.stringValue.flatMap { TraceID($0) }.map { ($0, link) }
        }
        repeated(13, "links", links) { writer, link in
            writer.id(1, "traceId", link.0.high, link.0.low)
            let span = link.1.member("span_id")?.stringValue.flatMap { hexadecimal($0.utf8) }
            writer.id(2, "spanId", span ?? 0)
            writer.string(3, "traceState", link.1.member("trace_state")?.stringValue ?? "")
            writer.texts(4, "attributes", Self.pairs(link.1.member("attributes")))
        }
        message(15, "status") { writer in
            writer.string(2, "message", record.statusDescription ?? "")
            writer.integer(3, "code", UInt64(record.status.rawValue))
        }
        if let flags = record.flags { fixed32(16, "flags", flags) }
    }

    fileprivate mutating func line(_ line: LogLine, received: Timestamp) {
        let record = line.record
        let observed = record.observed.nanoseconds == 0 ? received : record.observed
        if record.time.nanoseconds != 0 { fixed64(1, "timeUnixNano", record.time.unsigned) }
        integer(2, "severityNumber", UInt64(record.severity))
        string(3, "severityText", record.severityText)
        message(5, "body") { $0.value(.string(record.body)) }
        if case .object(let object) = JSONText(trusted: record.attributes).value() {
            keyValues(6, "attributes", object)
        }
        if let trace = line.trace { id(9, "traceId", trace.high, trace.low) }
        if record.span != 0 { id(10, "spanId", record.span) }
        fixed64(11, "observedTimeUnixNano", observed.unsigned)
    }

    fileprivate mutating func metric(
        _ metric: MetricReported,
        received: Timestamp,
        since start: Timestamp? = nil
    ) {
        string(1, "name", metric.name)
        string(2, "description", metric.description)
        string(3, "unit", metric.unit)
        let (number, name): (UInt64, String) =
            switch metric.form {
            case .gauge: (5, "gauge")
            case .counter, .upDownCounter: (7, "sum")
            case .histogram: (9, "histogram")
            }
        message(number, name) { writer in
            writer.repeated(1, "dataPoints", metric.points) {
                let told = $1.start.nanoseconds == 0 ? nil : $1.start
                $0.point($1, received, since: metric.form == .gauge ? told : start ?? told)
            }
            guard metric.form != .gauge else { return }
            // Those that say nothing send what is cumulative.
            let temporality = metric.temporality == .delta ? metric.temporality : .cumulative
            writer.integer(2, "aggregationTemporality", UInt64(temporality.rawValue))
            if metric.form == .counter { writer.bool(3, "isMonotonic", true) }
        }
    }

    private mutating func point(
        _ point: MetricPoint,
        _ received: Timestamp,
        since start: Timestamp?
    ) {
        let time = point.time.nanoseconds == 0 ? received : point.time
        if let start { fixed64(2, "startTimeUnixNano", start.unsigned) }
        switch point.value {
        case .number(let number):
            fixed64(3, "timeUnixNano", time.unsigned)
            if let integer = point.integer {
                sfixed64(6, "asInt", integer)
            } else {
                double(4, "asDouble", number)
            }
            texts(7, "attributes", point.attributes)
        case .histogram(let histogram):
            fixed64(3, "timeUnixNano", time.unsigned)
            fixed64(4, "count", histogram.count)
            double(5, "sum", histogram.sum)
            fixed64s(6, "bucketCounts", histogram.buckets)
            doubles(7, "explicitBounds", histogram.bounds)
            texts(9, "attributes", point.attributes)
            if let min = histogram.min { double(11, "min", min) }
            if let max = histogram.max { double(12, "max", max) }
        }
    }

    // MARK: Attributes

    private mutating func texts(
        _ number: UInt64,
        _ name: String,
        _ attributes: [TelemetryAttribute]
    ) {
        guard !attributes.isEmpty else { return }
        repeated(number, name, attributes) { writer, attribute in
            writer.string(1, "key", attribute.name)
            writer.message(2, "value") { $0.value(of: attribute) }
        }
    }

    private mutating func keyValues(_ number: UInt64, _ name: String, _ object: JSONObject) {
        repeated(number, name, object.members.map { ($0.name, $0.value) }) { writer, member in
            writer.string(1, "key", member.0)
            writer.message(2, "value") { $0.value(member.1) }
        }
    }

    private mutating func value(of attribute: TelemetryAttribute) {
        switch attribute.form {
        case .double:
            if let number = Double(attribute.value), number.isFinite {
                return double(4, "doubleValue", number)
            }
        case .json:
            if let json = try? JSONText(validating: Array(attribute.value.utf8)) {
                return value(json.value())
            }
        case .bytes:
            if let content = Base64.bytes(of: attribute.value) {
                return binary(7, "bytesValue", content, base64: attribute.value)
            }
        case .string: break
        }
        value(.string(attribute.value))
    }

    /// An `AnyValue`; null is one that has nothing.
    private mutating func value(_ value: JSONValue) {
        switch value {
        case .null: break
        case .string(let text): string(1, "stringValue", text, always: true)
        case .bool(let flag): bool(2, "boolValue", flag)
        case .number(let number):
            if let integer = number.int64Value {
                int64(3, "intValue", integer)
            } else {
                double(4, "doubleValue", number.doubleValue ?? 0)
            }
        case .array(let elements):
            message(5, "arrayValue") { writer in
                writer.repeated(1, "values", elements) { $0.value($1) }
            }
        case .object(let object):
            message(6, "kvlistValue") { $0.keyValues(1, "values", object) }
        }
    }

    private static func pairs(_ attributes: JSONText?) -> [TelemetryAttribute] {
        (attributes?.elements ?? []).compactMap { pair in
            guard let elements = pair.elements, elements.count == 2,
                let key = elements[0].stringValue, let value = elements[1].stringValue
            else { return nil }
            return TelemetryAttribute(key, value)
        }
    }
}

extension Timestamp {
    fileprivate var unsigned: UInt64 { UInt64(max(0, nanoseconds)) }
}
