import Events
import JSON
import Primitives
import Testing

@testable import Observability

/// A store that is fed and asked as the engine does it.
struct StoreBench {
    var store: TelemetryStore
    var gauges = LatestGauges()
    var engine = EngineMetrics()
    var droppedSpans: UInt64 = 0
    var figures: [String: Double] = [:]
    var now = Timestamp(seconds: 1_900_000_000)

    init(_ adjust: (inout TelemetryStore.Settings) -> Void = { _ in }) {
        var settings = TelemetryStore.Settings()
        adjust(&settings)
        store = TelemetryStore(settings)
    }

    mutating func add(_ items: Telemetry...) {
        for item in items {
            store.apply(item, bytes: 100, at: now)
            if case .metric(let metric) = item { gauges.apply(metric, at: now) }
        }
    }

    mutating func ask(
        _ function: TelemetryFunction,
        _ input: String = "{}",
        baggage: String? = nil
    ) throws -> JSONText {
        let context = TelemetryContext(
            now: now,
            version: "1.2",
            baggage: baggage,
            logging: store.settings.logging,
            tracing: store.settings.tracing,
            droppedSpans: droppedSpans,
            engine: engine.json(activeWorkers: 3),
            figures: figures
        )
        return try store.answer(
            function,
            JSONText(validating: Array(input.utf8)),
            context
        )
    }

    mutating func failure(_ function: TelemetryFunction, _ input: String = "{}") -> String? {
        do {
            _ = try ask(function, input)
            return nil
        } catch let error as ErrorBody {
            return error.code
        } catch {
            return "\(error)"
        }
    }

    /// The names of the spans that a list has.
    mutating func names(_ input: String = "{}") throws -> [String] {
        let list = try ask(.listTraces, input)
        return (list.member("spans")?.elements ?? []).compactMap {
            $0.member("name")?.stringValue
        }
    }
}

extension Telemetry {
    /// A span of trace `trace`, from `start` to `end` milliseconds behind the start of 2030.
    static func span(
        _ name: String,
        trace: UInt64 = 1,
        id: UInt64,
        in parent: UInt64 = 0,
        from start: Int64 = 0,
        to end: Int64? = 1,
        service: String = "shop",
        status: SpanReported.Status = .unset,
        _ attributes: [(String, String)] = []
    ) -> Telemetry {
        let epoch: Int64 = 1_900_000_000_000
        return .span(
            ReportedSpan(
                record: SpanReported(
                    span: id,
                    parent: parent,
                    name: name,
                    service: service,
                    start: Timestamp(milliseconds: epoch + start),
                    end: end.map { Timestamp(milliseconds: epoch + $0) }
                        ?? Timestamp(nanoseconds: 0),
                    status: status,
                    statusDescription: nil,
                    attributes: attributes.map { TelemetryAttribute($0.0, $0.1) },
                    events: JSONText.emptyArray.bytes,
                    links: JSONText.emptyArray.bytes,
                    flags: nil,
                    traceState: nil,
                    scope: TelemetryScope()
                ),
                trace: TraceID(high: 0, low: trace) ?? .one
            )
        )
    }

    static func log(
        _ body: String,
        severity: UInt8 = 9,
        trace: UInt64 = 0,
        span: UInt64 = 0,
        at milliseconds: Int64 = 0
    ) -> Telemetry {
        .log(
            LogLine(
                record: Logged(
                    severity: severity,
                    severityText: LogLine.severityText(severity),
                    body: body,
                    service: "shop",
                    span: span,
                    attributes: JSONText.emptyObject.bytes,
                    time: Timestamp(milliseconds: milliseconds)
                ),
                trace: TraceID(high: 0, low: trace)
            )
        )
    }

    static func gauge(
        _ name: String,
        _ value: Double,
        at milliseconds: Int64 = 0,
        _ attributes: [(String, String)] = []
    ) -> Telemetry {
        .metric(
            MetricReported(
                name: name,
                description: "",
                unit: "By",
                service: "shop",
                form: .gauge,
                points: [
                    MetricPoint(
                        attributes: attributes.map { TelemetryAttribute($0.0, $0.1) },
                        time: Timestamp(milliseconds: milliseconds),
                        value: .number(value)
                    )
                ],
                scope: TelemetryScope()
            )
        )
    }
}

extension TraceID {
    static var one: TraceID {
        guard let one = TraceID(high: 0, low: 1) else { preconditionFailure("not all zero") }
        return one
    }
}

extension JSONText {
    func path(_ names: String...) -> JSONText? {
        names.reduce(self as JSONText?) { $0?.member($1) }
    }

    func column(_ rows: String, _ name: String) -> [String] {
        (member(rows)?.elements ?? []).map { $0.member(name)?.description ?? "absent" }
    }
}
