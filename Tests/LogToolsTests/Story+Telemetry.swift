import Events
import Primitives

/// What workers report of their work.
extension Story {
    mutating func log(
        _ body: String,
        _ service: String,
        at time: Double,
        trace: TraceID? = Story.trace,
        span: UInt64 = 0
    ) {
        add(
            .logged(
                Logged(
                    severity: 9,
                    severityText: "INFO",
                    body: body,
                    service: service,
                    span: span,
                    attributes: Self.json("{}")
                )
            ),
            at: time,
            trace: trace
        )
    }

    /// The report of a span; times in milliseconds, `end` nil: it has not ended.
    mutating func span(
        _ id: UInt64,
        _ name: String,
        below parent: UInt64,
        from start: Int64 = 0,
        to end: Int64? = 1,
        at time: Double? = nil
    ) {
        let none = Timestamp(nanoseconds: 0)
        add(
            .spanReported(
                SpanReported(
                    span: id,
                    parent: parent,
                    name: name,
                    service: "shop",
                    start: Self.start.advanced(by: .milliseconds(start)),
                    end: end.map { Self.start.advanced(by: .milliseconds($0)) } ?? none,
                    status: .ok,
                    statusDescription: nil,
                    attributes: [],
                    events: Self.json("[]"),
                    links: Self.json("[]"),
                    flags: nil,
                    traceState: nil,
                    scope: TelemetryScope()
                )
            ),
            at: time
        )
    }
}
