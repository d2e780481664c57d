import Events
import JSON
import Primitives

/// A span that is being put together.
struct SpanDraft {
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

    static func call(_ function: String, kind: String) -> SpanDraft {
        SpanDraft(
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

    /// Every entry that a message brings along is an attribute of the span in which it is sent, and
    /// of its delivery's.
    mutating func add(broughtAlong baggage: String?) {
        for entry in CallerBaggage.entries(baggage).members
        where !CallerBaggage.spanTags.contains(entry.name) {
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
        service: String,
        story: SpanDetails = SpanDetails()
    ) -> ReportedSpan {
        attributes += story.attributes
        var events = story.events
        if let error {
            attributes += [
                TelemetryAttribute("error.message", error.message),
                TelemetryAttribute("error.type", error.code),
            ]
            if let trace = error.stacktrace {
                attributes.append(TelemetryAttribute("error.stack", trace))
            }
            events.append(.exception(error, at: end))
        }
        let status: SpanReported.Status = story.isOpen ? .unset : .ok
        return ReportedSpan(
            record: SpanReported(
                span: EngineSpans.id(of: record),
                parent: parent,
                name: name,
                service: service,
                start: start,
                end: end,
                status: error == nil ? status : .error,
                statusDescription: error?.message,
                attributes: attributes,
                events: events.text.bytes,
                links: story.links.bytes,
                flags: 1,
                traceState: nil,
                scope: TelemetryScope(name: "iii"),
                role: role
            ),
            trace: trace
        )
    }
}

// MARK: Of work that has ended

extension SpanDraft {
    /// With what is known once it has ended: the status of a response, and what it brought along.
    init(_ work: WorkFacts, status: Int?) {
        self.init(work)
        if let status { add("http.response.status_code", "\(status)") }
        add(broughtAlong: work.baggage)
    }

    /// Of work that has a span: messages have none.
    init(_ work: WorkFacts) {
        let function = work.function?.id ?? ""
        switch work.kind {
        case .message, .run: self = .call(function, kind: "user")
        case .delivery where work.isTopic: self = .topicDelivery(work, function)
        case .delivery: self = .delivery(work, function)
        case .trigger:
            switch work.type {
            case "http": self = .request(work, function)
            case "cron":
                self.init(
                    "call \(function)",
                    [("job_id", work.job), ("function_id", function), ("faas.trigger", "timer")],
                    .producer
                )
            case "state", "stream":
                self.init(
                    "\(work.type)_triggers",
                    [("iii.function.kind", "internal"), ("iii.trigger.function", function)]
                )
            default: self.init("trigger \(function)", [("function_id", function)])
            }
        }
    }

    private static func request(_ work: WorkFacts, _ function: String) -> SpanDraft {
        let attributes = work.request?.attributes ?? []
        let method = attributes["http.request.method"] ?? ""
        let route = attributes["http.route"].map { "\(method) \($0)" }
        var draft = SpanDraft(route ?? work.summary, [], .server)
        draft.attributes = attributes
        draft.add("function_id", function)
        draft.add("iii.function.kind", "user")
        return draft
    }

    private static func topicDelivery(_ work: WorkFacts, _ function: String) -> SpanDraft {
        var draft = SpanDraft("queue \(work.type)", processing(work, function), .consumer)
        draft.add("job_id", work.job)
        draft.add("baggage.queue", work.type)
        return draft
    }

    private static func delivery(_ work: WorkFacts, _ function: String) -> SpanDraft {
        var draft = SpanDraft("fn_queue \(work.type)", processing(work, function), .consumer)
        draft.add("attempt", "\(work.attempt - min(1, work.attempt))")
        draft.add("delivery_id", work.job)
        draft.add("iii.tag.kind", "queue.process")
        draft.add("iii.tag.display_name", "queue(\(work.type)) \(function)")
        return draft
    }

    private static func processing(
        _ work: WorkFacts,
        _ function: String
    ) -> [(String, String)] {
        [
            ("function_id", function), ("queue", work.type),
            ("messaging.system", "iii-queue"), ("messaging.destination.name", work.type),
            ("messaging.operation.type", "process"),
        ]
    }
}
