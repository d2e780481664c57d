import Events
import JSON
package import Primitives

/// The engine's own spans, as its records tell them (services 2, C.9).
///
///     GET /orders            triggered … completed      EngineSpans.id(of: triggered)
///       execute orders         by the SDK, below what it was handed
///       enqueue mail → mails   enqueued
///         fn_queue mails         delivered … acked     EngineSpans.id(of: delivered)
///           execute mail           by the SDK
package enum EngineSpans {
    /// The id of the span that begins with a record: never zero, different for every record, and
    /// spread over all 64 bits.
    package static func id(of record: Offset) -> UInt64 {
        let mixed = (record.rawValue &+ 1) &* 0x9E37_79B9_7F4A_7C15
        return mixed == 0 ? 1 : mixed
    }

    /// The span of a call of one of the engine's own functions that a record tells of; nil: it
    /// tells of none.
    static func span(
        of record: FollowedRecord,
        parent: UInt64,
        service: String = "iii"
    ) -> ReportedSpan? {
        guard let trace = record.trace else { return nil }
        let draft: Draft
        switch record.event {
        case .queue(.enqueued(let event)):
            guard let function = event.target?.id else {
                var call = Draft.call("iii::durable::publish", kind: "internal")
                call.role = .producer
                call.add("messaging.destination.name", event.queue)
                call.add("messaging.operation.type", "publish")
                call.add("baggage.topic", event.queue)
                draft = call
                break
            }
            draft = Draft(
                "enqueue \(function) → \(event.queue)",
                [("function_id", function), ("queue", event.queue)],
                .producer
            )
        case .state(let event) where record.cause != nil:
            guard let function = event.caller else { return nil }
            draft = .call(function, kind: "internal")
        case .stream(let event) where record.cause != nil:
            guard let function = event.caller else { return nil }
            draft = .call(function, kind: "internal")
        default: return nil
        }
        return draft.span(
            record.offset,
            trace,
            parent: parent,
            from: record.time,
            to: record.time,
            error: nil,
            service: service
        )
    }

    /// The span of work that has ended; nil: it has none of its own.
    static func span(
        of work: Work,
        _ outcome: WorkOutcome,
        at end: Timestamp,
        status: Int?,
        service: String = "iii"
    ) -> ReportedSpan? {
        guard let trace = work.trace, work.hasSpan, var draft = draft(of: work) else { return nil }
        if let status { draft.add("http.response.status_code", "\(status)") }
        draft.add(baggage: work.baggage)
        return draft.span(
            work.offset,
            trace,
            parent: work.parentSpan,
            from: work.start,
            to: end,
            error: outcome.error,
            service: service
        )
    }

    private static func draft(of work: Work) -> Draft? {
        let function = work.function?.id ?? ""
        switch work.kind {
        case .message: return nil
        case .run: return .call(function, kind: "user")
        case .delivery: return delivery(work, function)
        case .trigger:
            switch work.type {
            case "http":
                let route = work.attributes["http.route"]
                let method = work.attributes["http.request.method"]
                var draft = Draft("\(method ?? "") \(route ?? work.summary)", [], .server)
                if route == nil { draft.name = work.summary }
                draft.attributes = work.attributes
                draft.add("function_id", function)
                draft.add("iii.function.kind", "user")
                return draft
            case "cron":
                return Draft(
                    "call \(function)",
                    [
                        ("job_id", work.job), ("function_id", function),
                        ("faas.trigger", "timer"),
                    ],
                    .producer
                )
            case "state", "stream":
                let name = "\(work.type)_triggers"
                return Draft(
                    name,
                    [("iii.function.kind", "internal"), ("iii.trigger.function", function)]
                )
            default: return Draft("trigger \(function)", [("function_id", function)])
            }
        }
    }

    private static func delivery(_ work: Work, _ function: String) -> Draft {
        var draft = Draft(
            work.isTopic ? "queue \(work.type)" : "fn_queue \(work.type)",
            [
                ("function_id", function), ("queue", work.type),
                ("messaging.system", "iii-queue"), ("messaging.destination.name", work.type),
                ("messaging.operation.type", "process"),
            ],
            .consumer
        )
        if work.isTopic {
            draft.add("job_id", work.job)
            draft.add("baggage.queue", work.type)
        } else {
            draft.add("attempt", "\(work.attempt - min(1, work.attempt))")
            draft.add("delivery_id", work.job)
            draft.add("iii.tag.kind", "queue.process")
            draft.add("iii.tag.display_name", "queue(\(work.type)) \(function)")
        }
        return draft
    }

    /// A span that is being put together.
    private struct Draft {
        var name: String
        var attributes: [TelemetryAttribute]
        var role: SpanReported.Role

        init(
            _ name: String,
            _ attributes: [(String, String)],
            _ role: SpanReported.Role = .internal
        ) {
            self.name = name
            self.role = role
            self.attributes = attributes.map { TelemetryAttribute($0.0, $0.1) }
        }

        static func call(_ function: String, kind: String) -> Draft {
            Draft(
                "call \(function)",
                [
                    ("faas.invoked_name", function), ("faas.trigger", "other"),
                    ("function_id", function), ("iii.function.kind", kind),
                ],
                .server
            )
        }

        mutating func add(_ name: String, _ value: String) {
            attributes.append(TelemetryAttribute(name, value))
        }

        /// Every entry is an attribute of the span.
        mutating func add(baggage: String?) {
            for entry in CallerBaggage.entries(baggage).members {
                guard attributes[entry.name] == nil, let value = entry.value.content else {
                    continue
                }
                add(entry.name, value)
            }
        }

        consuming func span(
            _ record: Offset,
            _ trace: TraceID,
            parent: UInt64,
            from start: Timestamp,
            to end: Timestamp,
            error: ErrorBody?,
            service: String
        ) -> ReportedSpan {
            var events = JSONText.emptyArray
            if let error {
                var details = [
                    TelemetryAttribute("error.message", error.message),
                    TelemetryAttribute("error.type", error.code),
                ]
                if let trace = error.stacktrace {
                    details.append(TelemetryAttribute("error.stack", trace))
                }
                attributes += details
                events = Self.exception(error, at: end)
            }
            return ReportedSpan(
                record: SpanReported(
                    span: EngineSpans.id(of: record),
                    parent: parent,
                    name: name,
                    service: service,
                    start: start,
                    end: end,
                    status: error == nil ? .ok : .error,
                    statusDescription: error?.message,
                    attributes: attributes,
                    events: events.bytes,
                    links: JSONText.emptyArray.bytes,
                    flags: 1,
                    traceState: nil,
                    scope: TelemetryScope(name: "iii"),
                    role: role
                ),
                trace: trace
            )
        }

        private static func exception(_ error: ErrorBody, at time: Timestamp) -> JSONText {
            var json = JSONBuilder()
            json.beginArray()
            json.beginObject()
            json.key("name")
            json.string("exception")
            json.key("timestamp_unix_nano")
            json.integer(time.nanoseconds)
            json.key("attributes")
            [
                TelemetryAttribute("exception.type", error.code),
                TelemetryAttribute("exception.message", error.message),
            ].write(into: &json)
            json.endObject()
            json.endArray()
            return json.finish()
        }
    }
}

extension StateEvent {
    /// The function that wrote it; nil: nobody called one.
    fileprivate var caller: String? {
        switch self {
        case .set(let event): event.function
        case .deleted(let event): event.reason == .deleted ? "state::delete" : nil
        }
    }
}

extension StreamEvent {
    fileprivate var caller: String? {
        switch self {
        case .set(let event): event.function
        case .deleted: "stream::delete"
        case .sent: "stream::send"
        case .relayed: nil
        }
    }
}
