import Primitives

@testable import Events

/// Random events that lean towards the awkward.
struct EventGenerator {
    var entropy: SeededEntropy

    init(seed: UInt64) { entropy = SeededEntropy(seed: seed) }

    mutating func text() -> String {
        let samples = ["", "a", "orders::ship", "ключ", "\u{0}", "👩‍👩‍👧", "\"\\"]
        switch entropy.next() % 8 {
        case 7: return String(repeating: "x", count: Int(entropy.next() % 400))
        case let index: return samples[Int(index) % samples.count]
        }
    }

    mutating func optionalText() -> String? { entropy.next() % 2 == 0 ? nil : text() }

    mutating func bytes() -> [UInt8] {
        (0..<entropy.next() % 40).map { _ in UInt8(truncatingIfNeeded: entropy.next()) }
    }

    /// Small, large and extreme numbers alike.
    mutating func number() -> UInt64 {
        switch entropy.next() % 4 {
        case 0: entropy.next() % 300
        case 1: .max
        case 2: 0
        default: entropy.next()
        }
    }

    mutating func count() -> UInt32 { UInt32(truncatingIfNeeded: number()) }
    mutating func mark() -> CronMark {
        CronMark(function: function(), expression: text(), at: time())
    }

    mutating func time() -> Timestamp { Timestamp(nanoseconds: Int64(bitPattern: number())) }
    mutating func span() -> Timestamp.Span {
        Timestamp.Span(nanoseconds: Int64(bitPattern: number()))
    }
    mutating func flag() -> Bool { entropy.next() % 2 == 0 }
    mutating func uuid() -> UUID128 { UUID128(high: number(), low: number()) }
    mutating func offset() -> Offset { Offset(number()) }
    /// Of a record, which a log can hold.
    mutating func place() -> Offset { Offset(number() >> 1) }
    mutating func function() -> FunctionName { FunctionName(namespace: text(), id: text()) }
    mutating func error() -> ErrorBody {
        ErrorBody(code: text(), message: text(), stacktrace: optionalText())
    }

    mutating func result() -> FunctionResult {
        switch entropy.next() % 3 {
        case 0: .none
        case 1: .value(bytes())
        default: .failure(error())
        }
    }

    mutating func settings() -> QueueSettings {
        QueueSettings(
            fifo: flag(),
            concurrency: count(),
            attempts: count(),
            backoff: span(),
            groupField: optionalText()
        )
    }
}

extension EventGenerator {
    mutating func event(_ kind: EventKind) -> Event {
        switch kind {
        case .started, .stopped, .stopping: engine(kind)
        case .triggered, .invoked, .completed: invocation(kind)
        case .responded, .requestKeyed, .requestKept, .requestReleased, .requestRepeated:
            request(kind)
        case .logged, .spanReported, .metricReported: telemetry(kind)
        case .alertChanged:
            .alertChanged(
                AlertChanged(
                    alert: text(),
                    metric: text(),
                    value: flag() ? double() : nil,
                    comparison: text(),
                    threshold: double(),
                    isFiring: flag()
                )
            )
        case .telemetryCleared:
            .telemetryCleared(TelemetryCleared(.init(rawValue: UInt8(entropy.next() % 3))))
        case .stateSet:
            .state(
                .set(
                    StateSet(
                        scope: text(),
                        key: text(),
                        value: bytes(),
                        function: text(),
                        expires: flag() ? time() : nil,
                        previous: flag() ? place() : nil
                    )
                )
            )
        case .stateDeleted:
            .state(
                .deleted(
                    StateDeleted(
                        scope: text(),
                        key: text(),
                        reason: flag() ? .expired : .deleted,
                        previous: flag() ? place() : nil
                    )
                )
            )
        case .streamSet, .streamDeleted, .streamSent, .streamRelayed: .stream(stream(kind))
        case .configurationRegistered, .configurationSet, .configurationDeleted,
            .configurationFileTaken:
            .configuration(configuration(kind))
        case .cronFired, .cronSkipped, .cronWatched, .cronForgotten, .cronPaused, .cronResumed:
            .cron(cron(kind))
        case .workerJoined, .workerDescribed, .workerLeft, .functionRegistered,
            .functionUnregistered, .triggerRegistered, .triggerUnregistered,
            .triggerTypeRegistered, .triggerTypeUnregistered, .triggerBound, .triggerUnbound:
            registry(kind)
        case .queueDefined, .subscribed, .unsubscribed, .enqueued, .delivered, .acked, .retried,
            .deadLettered, .redriven, .discarded, .purged:
            .queue(queue(kind))
        }
    }

    private mutating func cron(_ kind: EventKind) -> CronEvent {
        switch kind {
        case .cronFired:
            .fired(
                CronFired(
                    trigger: text(),
                    function: function(),
                    expression: text(),
                    scheduled: time(),
                    actual: time()
                )
            )
        case .cronSkipped:
            .skipped(CronSkipped(trigger: text(), scheduled: time(), reason: text()))
        case .cronWatched: .watched(mark())
        case .cronForgotten: .forgotten(mark())
        case .cronPaused: .paused(mark())
        default: .resumed(mark())
        }
    }

    private mutating func registry(_ kind: EventKind) -> Event {
        switch kind {
        case .workerJoined: .workerJoined(WorkerJoined(worker: uuid(), address: text()))
        case .workerDescribed:
            .workerDescribed(
                WorkerDescribed(
                    worker: uuid(),
                    name: text(),
                    namespace: text(),
                    runtime: text(),
                    version: text()
                )
            )
        case .workerLeft: .workerLeft(WorkerLeft(worker: uuid(), reason: text()))
        case .functionRegistered:
            .functionRegistered(
                FunctionRegistered(worker: uuid(), function: function(), definition: bytes())
            )
        case .functionUnregistered:
            .functionUnregistered(FunctionUnregistered(worker: uuid(), function: function()))
        case .triggerRegistered:
            .triggerRegistered(
                TriggerRegistered(
                    worker: uuid(),
                    trigger: text(),
                    type: text(),
                    function: function(),
                    config: bytes(),
                    metadata: bytes()
                )
            )
        case .triggerTypeRegistered:
            .triggerTypeRegistered(
                TriggerTypeProvision(worker: uuid(), namespace: text(), type: text())
            )
        case .triggerTypeUnregistered:
            .triggerTypeUnregistered(
                TriggerTypeProvision(worker: uuid(), namespace: text(), type: text())
            )
        case .triggerBound:
            .triggerBound(
                TriggerBound(
                    trigger: text(),
                    type: text(),
                    typeNamespace: optionalText(),
                    function: function(),
                    config: bytes(),
                    metadata: bytes()
                )
            )
        case .triggerUnbound: .triggerUnbound(TriggerUnbound(trigger: text()))
        default: .triggerUnregistered(TriggerUnregistered(trigger: text()))
        }
    }

    private mutating func invocation(_ kind: EventKind) -> Event {
        switch kind {
        case .triggered:
            .triggered(
                Triggered(
                    type: text(),
                    trigger: text(),
                    summary: text(),
                    function: function(),
                    event: bytes(),
                    condition: flag() ? function() : nil,
                    metadata: flag() ? bytes() : [],
                    parent: remoteSpan()
                )
            )
        case .invoked:
            .invoked(
                Invoked(
                    invocation: uuid(),
                    function: function(),
                    worker: uuid(),
                    caller: uuid(),
                    awaited: flag(),
                    isCondition: flag(),
                    input: bytes(),
                    parent: number(),
                    flags: flag() ? 1 : nil
                )
            )
        default:
            .completed(Completed(invocation: uuid(), result: result(), duration: span()))
        }
    }

    private mutating func queue(_ kind: EventKind) -> QueueEvent {
        switch kind {
        case .queueDefined:
            .defined(QueueDefined(queue: text(), settings: settings(), isConfigured: flag()))
        case .subscribed:
            .subscribed(
                Subscribed(
                    topic: text(),
                    function: function(),
                    condition: optionalText(),
                    settings: settings()
                )
            )
        case .unsubscribed:
            .unsubscribed(
                Unsubscribed(topic: text(), function: function(), keepsMessages: flag())
            )
        case .enqueued:
            .enqueued(
                Enqueued(
                    queue: text(),
                    target: flag() ? function() : nil,
                    receipt: uuid(),
                    group: optionalText(),
                    baggage: optionalText(),
                    payload: bytes(),
                    parent: remoteSpan()
                )
            )
        case .delivered:
            .delivered(
                Delivered(
                    queue: text(),
                    message: offset(),
                    worker: uuid(),
                    invocation: uuid(),
                    attempt: count()
                )
            )
        case .acked:
            .acked(Acked(queue: text(), message: offset(), result: result(), duration: span()))
        default: failure(kind)
        }
    }

    private mutating func failure(_ kind: EventKind) -> QueueEvent {
        switch kind {
        case .retried:
            .retried(
                Retried(
                    queue: text(),
                    message: offset(),
                    failures: count(),
                    notBefore: time(),
                    error: error()
                )
            )
        case .deadLettered:
            .deadLettered(
                DeadLettered(queue: text(), message: offset(), failures: count(), error: error())
            )
        case .redriven: .redriven(Redriven(queue: text(), message: offset()))
        case .discarded: .discarded(Discarded(queue: text(), message: offset()))
        default: .purged(purged())
        }
    }
}

// MARK: Telemetry

extension EventGenerator {
    private mutating func telemetry(_ kind: EventKind) -> Event {
        switch kind {
        case .logged:
            .logged(
                Logged(
                    severity: UInt8(truncatingIfNeeded: number()),
                    severityText: text(),
                    body: text(),
                    service: text(),
                    span: number(),
                    attributes: bytes(),
                    time: time(),
                    observed: time(),
                    resource: bytes(),
                    scope: scope(),
                    isTraceInferred: flag()
                )
            )
        case .spanReported:
            .spanReported(
                SpanReported(
                    span: number(),
                    parent: number(),
                    name: text(),
                    service: text(),
                    start: time(),
                    end: time(),
                    status: SpanReported.Status(rawValue: UInt8(entropy.next() % 3)) ?? .ok,
                    statusDescription: optionalText(),
                    attributes: attributes(),
                    events: bytes(),
                    links: bytes(),
                    flags: flag() ? count() : nil,
                    traceState: optionalText(),
                    scope: scope(),
                    role: SpanReported.Role(rawValue: UInt8(entropy.next() % 6)) ?? .server,
                    resource: bytes()
                )
            )
        default:
            .metricReported(
                MetricReported(
                    name: text(),
                    description: text(),
                    unit: text(),
                    service: text(),
                    form: MetricReported.Form(rawValue: UInt8(entropy.next() % 4)) ?? .gauge,
                    points: (0..<entropy.next() % 3).map { _ in point() },
                    scope: scope(),
                    temporality: flag() ? .delta : .cumulative,
                    resource: bytes()
                )
            )
        }
    }

    private mutating func scope() -> TelemetryScope {
        TelemetryScope(name: optionalText(), version: optionalText())
    }

    private mutating func double() -> Double {
        let value = Double(bitPattern: number())
        return value.isNaN ? .infinity : value
    }

    private mutating func point() -> MetricPoint {
        MetricPoint(
            attributes: attributes(),
            time: time(),
            value: flag() ? .number(double()) : .histogram(histogram()),
            start: time(),
            integer: flag() ? 7 : nil
        )
    }

    private mutating func histogram() -> MetricPoint.Histogram {
        MetricPoint.Histogram(
            count: number(),
            sum: double(),
            buckets: (0..<entropy.next() % 4).map { _ in number() },
            bounds: (0..<entropy.next() % 4).map { _ in double() },
            min: flag() ? double() : nil,
            max: flag() ? double() : nil
        )
    }
}
