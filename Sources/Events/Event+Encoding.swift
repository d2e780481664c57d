import Primitives
package import RecordFormat

extension Event {
    package var kind: EventKind {
        switch self {
        case .started: Started.kind
        case .stopped: Stopped.kind
        case .stopping: Stopping.kind
        case .workerJoined: WorkerJoined.kind
        case .workerDescribed: WorkerDescribed.kind
        case .workerLeft: WorkerLeft.kind
        case .functionRegistered: FunctionRegistered.kind
        case .functionUnregistered: FunctionUnregistered.kind
        case .triggerRegistered: TriggerRegistered.kind
        case .triggerUnregistered: TriggerUnregistered.kind
        case .triggerTypeRegistered: .triggerTypeRegistered
        case .triggerTypeUnregistered: .triggerTypeUnregistered
        case .triggerBound: TriggerBound.kind
        case .triggerUnbound: TriggerUnbound.kind
        case .triggered: Triggered.kind
        case .invoked: Invoked.kind
        case .completed: Completed.kind
        case .responded: Responded.kind
        case .logged: Logged.kind
        case .spanReported: SpanReported.kind
        case .metricReported: MetricReported.kind
        case .alertChanged: AlertChanged.kind
        case .telemetryCleared: TelemetryCleared.kind
        case .request(let event): event.kind
        case .queue(let event): event.kind
        case .state(let event): event.kind
        case .cron(let event): event.kind
        case .stream(let event): event.kind
        case .configuration(let event): event.kind
        }
    }

    package func encode(into writer: inout ByteWriter) {
        switch self {
        case .started(let event): event.encode(into: &writer)
        case .stopped(let event): event.encode(into: &writer)
        case .stopping(let event): event.encode(into: &writer)
        case .workerJoined(let event): event.encode(into: &writer)
        case .workerDescribed(let event): event.encode(into: &writer)
        case .workerLeft(let event): event.encode(into: &writer)
        case .functionRegistered(let event): event.encode(into: &writer)
        case .functionUnregistered(let event): event.encode(into: &writer)
        case .triggerRegistered(let event): event.encode(into: &writer)
        case .triggerUnregistered(let event): event.encode(into: &writer)
        case .triggerTypeRegistered(let event), .triggerTypeUnregistered(let event):
            event.encode(into: &writer)
        case .triggerBound(let event): event.encode(into: &writer)
        case .triggerUnbound(let event): event.encode(into: &writer)
        case .triggered(let event): event.encode(into: &writer)
        case .invoked(let event): event.encode(into: &writer)
        case .completed(let event): event.encode(into: &writer)
        case .responded(let event): event.encode(into: &writer)
        case .logged(let event): event.encode(into: &writer)
        case .spanReported(let event): event.encode(into: &writer)
        case .metricReported(let event): event.encode(into: &writer)
        case .alertChanged(let event): event.encode(into: &writer)
        case .telemetryCleared(let event): event.encode(into: &writer)
        case .request(let event): event.encode(into: &writer)
        case .queue(let event): event.encode(into: &writer)
        case .state(let event): event.encode(into: &writer)
        case .cron(let event): event.encode(into: &writer)
        case .stream(let event): event.encode(into: &writer)
        case .configuration(let event): event.encode(into: &writer)
        }
    }
}

extension Event {
    /// The bytes of its payload.
    package var byteCount: Int {
        var counter = ByteWriter(UnsafeMutableRawBufferPointer(start: nil, count: 0))
        encode(into: &counter)
        return counter.count
    }
}

extension QueueEvent {
    var kind: EventKind {
        switch self {
        case .defined: QueueDefined.kind
        case .subscribed: Subscribed.kind
        case .unsubscribed: Unsubscribed.kind
        case .enqueued: Enqueued.kind
        case .delivered: Delivered.kind
        case .acked: Acked.kind
        case .retried: Retried.kind
        case .deadLettered: DeadLettered.kind
        case .redriven: Redriven.kind
        case .discarded: Discarded.kind
        case .purged: Purged.kind
        }
    }

    func encode(into writer: inout ByteWriter) {
        switch self {
        case .defined(let event): event.encode(into: &writer)
        case .subscribed(let event): event.encode(into: &writer)
        case .unsubscribed(let event): event.encode(into: &writer)
        case .enqueued(let event): event.encode(into: &writer)
        case .delivered(let event): event.encode(into: &writer)
        case .acked(let event): event.encode(into: &writer)
        case .retried(let event): event.encode(into: &writer)
        case .deadLettered(let event): event.encode(into: &writer)
        case .redriven(let event): event.encode(into: &writer)
        case .discarded(let event): event.encode(into: &writer)
        case .purged(let event): event.encode(into: &writer)
        }
    }
}

extension StateEvent {
    var kind: EventKind {
        switch self {
        case .set: StateSet.kind
        case .deleted: StateDeleted.kind
        }
    }

    func encode(into writer: inout ByteWriter) {
        switch self {
        case .set(let event): event.encode(into: &writer)
        case .deleted(let event): event.encode(into: &writer)
        }
    }
}

extension CronEvent {
    var kind: EventKind {
        switch self {
        case .fired: CronFired.kind
        case .skipped: CronSkipped.kind
        case .watched: .cronWatched
        case .forgotten: .cronForgotten
        case .paused: .cronPaused
        case .resumed: .cronResumed
        }
    }

    func encode(into writer: inout ByteWriter) {
        switch self {
        case .fired(let event): event.encode(into: &writer)
        case .skipped(let event): event.encode(into: &writer)
        case .watched(let mark), .forgotten(let mark), .paused(let mark), .resumed(let mark):
            mark.encode(into: &writer)
        }
    }
}

extension StreamEvent {
    var kind: EventKind {
        switch self {
        case .set: StreamSet.kind
        case .deleted: StreamDeleted.kind
        case .sent: StreamSent.kind
        case .relayed: StreamRelayed.kind
        }
    }

    func encode(into writer: inout ByteWriter) {
        switch self {
        case .set(let event): event.encode(into: &writer)
        case .deleted(let event): event.encode(into: &writer)
        case .sent(let event): event.encode(into: &writer)
        case .relayed(let event): event.encode(into: &writer)
        }
    }
}
