import Events
import JSON
import Primitives

/// One field of an event, named as in JSON output.
struct EventField: Equatable {
    enum Value: Equatable {
        case text(String)
        case number(UInt64)
        case flag(Bool)
        case time(Timestamp)
        case span(Timestamp.Span)
        /// What should be JSON, and is checked before it is passed on as such.
        case json([UInt8])
    }

    let name: String
    let value: Value

    init(_ name: String, _ value: Value) {
        self.name = name
        self.value = value
    }

    init(_ name: String, _ text: String) { self.init(name, .text(text)) }
    init(_ name: String, _ id: UUID128) { self.init(name, .text(id.description)) }
    init(_ name: String, _ offset: Offset) { self.init(name, .number(offset.rawValue)) }

    /// A function's id, and its namespace.
    static func function(_ name: FunctionName) -> [EventField] {
        [EventField("function", name.id), EventField("namespace", name.namespace)]
    }

    static func error(_ error: ErrorBody) -> [EventField] {
        var fields = [
            EventField("error_code", error.code), EventField("error_message", error.message),
        ]
        if let trace = error.stacktrace { fields.append(EventField("stacktrace", trace)) }
        return fields
    }

    static func result(_ result: FunctionResult) -> [EventField] {
        switch result {
        case .value(let value): [EventField("result", .json(value))]
        case .none: []
        case .failure(let error): Self.error(error)
        }
    }

    /// JSON of `name`, or nothing where there is none.
    static func json(_ name: String, _ bytes: [UInt8]) -> [EventField] {
        bytes.isEmpty ? [] : [EventField(name, .json(bytes))]
    }

    /// A record that this one goes back to, or nothing where there is none.
    static func record(_ name: String, _ offset: Offset?) -> [EventField] {
        offset.map { [EventField(name, $0)] } ?? []
    }

    static func optional(_ name: String, _ text: String?) -> [EventField] {
        text.map { [EventField(name, $0)] } ?? []
    }
}

extension EventField {
    func write(into json: inout JSONBuilder) {
        json.key(name)
        writeValue(into: &json)
    }

    func writeValue(into json: inout JSONBuilder) {
        switch value {
        case .text(let text): json.string(text)
        case .number(let number): json.integer(number)
        case .flag(let flag): json.bool(flag)
        case .time(let time): json.string(time.rfc3339())
        case .span(let span): json.double(Double(span.nanoseconds) / 1_000_000)
        // What is on disk is input.
        case .json(let bytes): json.raw(JSONText(orText: bytes))
        }
    }
}

extension Event {
    var fields: [EventField] {
        switch self {
        case .started(let event):
            [EventField("version", event.version), EventField("process", .number(event.process))]
        case .stopped(let event): [EventField("reason", event.reason)]
        case .stopping: []
        case .workerJoined(let event):
            [EventField("worker", event.worker), EventField("address", event.address)]
        case .workerDescribed(let event): event.fields
        case .workerLeft(let event):
            [EventField("worker", event.worker), EventField("reason", event.reason)]
        case .functionRegistered(let event):
            [EventField("worker", event.worker)] + EventField.function(event.function)
                + EventField.json("definition", event.definition)
        case .functionUnregistered(let event):
            [EventField("worker", event.worker)] + EventField.function(event.function)
        case .triggerRegistered(let event): event.fields
        case .triggerUnregistered(let event): [EventField("trigger", event.trigger)]
        case .triggerTypeRegistered(let event), .triggerTypeUnregistered(let event):
            EventField.type(event.type, in: event.namespace, of: event.worker)
        case .triggerBound(let event): event.fields
        case .triggerUnbound(let event): [EventField("trigger", event.trigger)]
        case .triggered(let event): event.fields
        case .invoked(let event): event.fields
        case .completed(let event):
            [EventField("invocation", event.invocation)] + EventField.result(event.result)
                + [EventField("duration_ms", .span(event.duration))]
        case .responded(let event): event.fields
        case .request(let event): event.fields
        case .queue(let event): event.fields
        case .state(let event): event.fields
        case .cron(let event): event.fields
        case .stream(let event): event.fields
        case .configuration(let event): event.fields
        case .logged(let event): event.fields
        case .spanReported(let event): event.fields
        case .metricReported(let event): event.fields
        case .alertChanged(let event): event.fields
        case .telemetryCleared(let event): event.fields
        }
    }
}

extension WorkerDescribed {
    fileprivate var fields: [EventField] {
        [
            EventField("worker", worker), EventField("name", name),
            EventField("namespace", namespace), EventField("runtime", runtime),
            EventField("version", version),
        ]
    }
}

extension TriggerRegistered {
    fileprivate var fields: [EventField] {
        [
            EventField("worker", worker), EventField("trigger", trigger), EventField("type", type),
        ] + EventField.function(function) + EventField.json("config", config)
            + EventField.json("metadata", metadata)
    }
}

extension EventField {
    fileprivate static func type(
        _ type: String,
        in namespace: String,
        of worker: UUID128
    ) -> [EventField] {
        [
            EventField("worker", worker), EventField("type", type),
            EventField("namespace", namespace),
        ]
    }
}

extension TriggerBound {
    fileprivate var fields: [EventField] {
        [EventField("trigger", trigger), EventField("type", type)]
            + (typeNamespace.map { [EventField("type_namespace", $0)] } ?? [])
            + EventField.function(function) + EventField.json("config", config)
            + EventField.json("metadata", metadata)
    }
}

extension Triggered {
    fileprivate var fields: [EventField] {
        [
            EventField("type", type), EventField("trigger", trigger),
            EventField("summary", summary),
        ] + EventField.function(function)
            + EventField.optional("condition", condition?.description)
            + EventField.json("metadata", metadata) + EventField.json("input", event)
            + EventField.optional("parent_span", parent.map { hexadecimal($0.span) })
    }
}

extension Invoked {
    fileprivate var fields: [EventField] {
        [EventField("invocation", invocation)] + EventField.function(function)
            + [
                EventField("worker", worker), EventField("caller", caller),
                EventField("awaited", .flag(awaited)), EventField("condition", .flag(isCondition)),
            ] + EventField.json("input", input)
            + (parent == 0 ? [] : [EventField("parent_span", hexadecimal(parent))])
    }
}

extension QueueEvent {
    fileprivate var fields: [EventField] {
        switch self {
        case .defined(let event):
            [EventField("queue", event.queue)] + event.settings.fields
                + [EventField("configured", .flag(event.isConfigured))]
        case .subscribed(let event):
            [EventField("topic", event.topic)] + EventField.function(event.function)
                + EventField.optional("condition", event.condition) + event.settings.fields
        case .unsubscribed(let event):
            [EventField("topic", event.topic)] + EventField.function(event.function)
                + [EventField("keeps_messages", .flag(event.keepsMessages))]
        case .enqueued(let event): event.fields
        case .delivered(let event):
            [
                EventField("queue", event.queue), EventField("message", event.message),
                EventField("worker", event.worker), EventField("invocation", event.invocation),
                EventField("attempt", .number(UInt64(event.attempt))),
            ]
        case .acked(let event):
            [EventField("queue", event.queue), EventField("message", event.message)]
                + EventField.result(event.result)
                + [EventField("duration_ms", .span(event.duration))]
        case .retried(let event):
            [
                EventField("queue", event.queue), EventField("message", event.message),
                EventField("failures", .number(UInt64(event.failures))),
                EventField("not_before", .time(event.notBefore)),
            ] + EventField.error(event.error)
        case .deadLettered(let event):
            [
                EventField("queue", event.queue), EventField("message", event.message),
                EventField("failures", .number(UInt64(event.failures))),
            ] + EventField.error(event.error)
        case .redriven(let event):
            [EventField("queue", event.queue), EventField("message", event.message)]
        case .discarded(let event):
            [EventField("queue", event.queue), EventField("message", event.message)]
        case .purged(let event): event.fields
        }
    }
}

extension Purged {
    fileprivate var fields: [EventField] {
        var fields = [EventField("queue", queue)]
        fields += EventField.optional("by", by)
        fields.append(EventField("messages", .number(UInt64(messages.count))))
        fields += EventField.record("first", messages.first)
        fields += EventField.record("last", messages.last)
        if areDead { fields.append(EventField("dead", .flag(true))) }
        return fields
    }
}

extension Enqueued {
    fileprivate var fields: [EventField] {
        [EventField("queue", queue)] + (target.map(EventField.function) ?? [])
            + [EventField("receipt", receipt)] + EventField.optional("group", group)
            + EventField.optional("baggage", baggage) + EventField.json("payload", payload)
            + EventField.optional("parent_span", parent.map { hexadecimal($0.span) })
    }
}

extension QueueSettings {
    fileprivate var fields: [EventField] {
        [
            EventField("fifo", .flag(fifo)),
            EventField("concurrency", .number(UInt64(concurrency))),
            EventField("attempts", .number(UInt64(attempts))),
            EventField("backoff_ms", .span(backoff)),
        ] + EventField.optional("group_field", groupField)
    }
}

extension StateEvent {
    fileprivate var fields: [EventField] {
        switch self {
        case .set(let event):
            [
                EventField("scope", event.scope), EventField("key", event.key),
                EventField("by", event.function),
            ] + (event.expires.map { [EventField("expires", .time($0))] } ?? [])
                + EventField.record("previous", event.previous)
                + EventField.json("value", event.value)
        case .deleted(let event):
            [
                EventField("scope", event.scope), EventField("key", event.key),
                EventField("reason", "\(event.reason)"),
            ] + EventField.record("previous", event.previous)
        }
    }
}

extension StreamEvent {
    fileprivate var fields: [EventField] {
        func place(_ stream: String, _ group: String, _ item: String?) -> [EventField] {
            [EventField("stream", stream), EventField("group", group)]
                + EventField.optional("item", item)
        }
        return switch self {
        case .set(let event):
            place(event.stream, event.group, event.item)
                + [EventField("by", event.function), EventField("new", .flag(event.isNew))]
                + EventField.json("value", event.value)
        case .deleted(let event):
            place(event.stream, event.group, event.item) + EventField.json("old", event.old)
        case .sent(let event):
            place(event.stream, event.group, event.item) + [EventField("type", event.type)]
                + EventField.json("data", event.data)
        case .relayed(let event):
            place(event.stream, event.group, event.item)
                + [EventField("change", "\(event.change)")]
                + EventField.json("data", event.data)
        }
    }
}

extension CronEvent {
    fileprivate var fields: [EventField] {
        switch self {
        case .fired(let event):
            [EventField("trigger", event.trigger)] + EventField.function(event.function)
                + [
                    EventField("expression", event.expression),
                    EventField("scheduled", .time(event.scheduled)),
                    EventField("actual", .time(event.actual)),
                ]
        case .skipped(let event):
            [
                EventField("trigger", event.trigger),
                EventField("scheduled", .time(event.scheduled)),
                EventField("reason", event.reason),
            ]
                + (event.schedule.map {
                    EventField.function($0.function) + [EventField("expression", $0.expression)]
                } ?? [])
        case .watched(let mark), .forgotten(let mark), .paused(let mark), .resumed(let mark):
            EventField.function(mark.function)
                + [EventField("expression", mark.expression), EventField("at", .time(mark.at))]
        }
    }
}

extension Logged {
    fileprivate var fields: [EventField] {
        [
            EventField("severity", .number(UInt64(severity))),
            EventField("severity_text", severityText), EventField("body", body),
            EventField("service", service), EventField("span", hexadecimal(span)),
        ] + EventField.json("attributes", attributes) + EventField.json("resource", resource)
    }
}
