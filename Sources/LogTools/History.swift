import Events
package import Primitives
package import RecordFormat

/// All records of one request, and what is needed to read them.
package struct History: Sendable {
    /// Nil for records that belong to no request.
    package let trace: TraceID?
    /// In the order of the log, never empty.
    package let records: [LogRecord]
    /// The workers that took part, as far as they said who they are.
    package let workers: [UUID128: WorkerName]
    /// Why what has no end has none, by the offset of its start.
    package let interruptions: [Offset: Interruption]

    /// What happened to the log after something began that did not end.
    package struct Interruption: Equatable, Sendable {
        package enum Reason: Equatable, Sendable {
            /// The engine was started again: the run before had ended without it.
            case restart
            /// The worker's connection ended.
            case workerLeft(String)
        }

        package let reason: Reason
        package let offset: Offset
        package let time: Timestamp
    }
}

/// Picks one request's records out of a pass over the log, and keeps no other.
///
/// A record belongs to the history when it has the trace, when its cause belongs to it, or when it
/// redrives or discards a message of it. A cron slot that is run again after a crash has a trace of
/// its own: what is caused by a member brings its trace along.
package struct HistoryCollector {
    private let subject: TraceID?
    private let root: Offset?
    private var traces: Set<TraceID> = []
    private var members: Set<Offset> = []
    private var records: [LogRecord] = []
    /// Members that have begun and not ended, and who runs them.
    private var open: [Offset: UUID128] = [:]
    private var interruptions: [Offset: History.Interruption] = [:]
    /// The workers connected where the pass is.
    private var connected: [UUID128: WorkerName] = [:]
    private var workers: [UUID128: WorkerName] = [:]
    /// Workers that take part and have not said who they are.
    private var unnamed: Set<UUID128> = []

    /// - Parameters:
    ///   - trace: whose history is wanted.
    ///   - root: the record to begin with, where it has no trace.
    package init(trace: TraceID?, root: Offset? = nil) {
        subject = trace
        self.root = root
        if let trace { traces.insert(trace) }
    }

    /// Looks at the next record of the pass.
    package mutating func take(_ view: RecordView) {
        switch EventKind(rawValue: view.kind) {
        case .started, .workerDescribed, .workerLeft:
            if let event = LogRecord(view).event { follow(event, view) }
        case .redriven, .discarded:
            if let message = LogRecord(view).event?.message, members.contains(message) {
                return add(LogRecord(view))
            }
        default:
            break
        }
        let isCaused = view.cause.map(members.contains) ?? false
        if isCaused, let trace = view.trace { traces.insert(trace) }
        let isTraced = view.trace.map(traces.contains) ?? false
        if isTraced || isCaused || view.offset == root { add(LogRecord(view)) }
    }

    /// The history; nil when no record belongs to it.
    package consuming func finish() -> History? {
        guard !records.isEmpty else { return nil }
        return History(
            trace: subject,
            records: records,
            workers: workers,
            interruptions: interruptions
        )
    }

    // MARK: Members

    private mutating func add(_ record: LogRecord) {
        members.insert(record.offset)
        records.append(record)
        switch record.event {
        case .invoked(let event):
            open[record.offset] = event.worker
            meet(event.worker)
            meet(event.caller)
        case .queue(.delivered(let event)):
            open[record.offset] = event.worker
            meet(event.worker)
        case .completed, .queue(.acked), .queue(.retried), .queue(.deadLettered):
            if let start = record.cause {
                open[start] = nil
                interruptions[start] = nil
            }
        default:
            break
        }
    }

    private mutating func meet(_ worker: UUID128) {
        if let name = connected[worker] {
            workers[worker] = name
        } else if workers[worker] == nil {
            unnamed.insert(worker)
        }
    }

    // MARK: What happens around

    private mutating func follow(_ event: Event, _ view: RecordView) {
        switch event {
        case .started:
            connected = [:]
            for start in open.keys { interrupt(start, .restart, view) }
            open = [:]
        case .workerDescribed(let event):
            connected[event.worker] = WorkerName(event)
            if unnamed.remove(event.worker) != nil { workers[event.worker] = WorkerName(event) }
        case .workerLeft(let event):
            connected[event.worker] = nil
            // The engine fails what it ran: mostly an end follows, which takes this back.
            for (start, worker) in open where worker == event.worker {
                interrupt(start, .workerLeft(event.reason), view)
            }
        default:
            break
        }
    }

    private mutating func interrupt(
        _ start: Offset,
        _ reason: History.Interruption.Reason,
        _ view: RecordView
    ) {
        guard interruptions[start] == nil else { return }
        interruptions[start] = History.Interruption(
            reason: reason,
            offset: view.offset,
            time: view.time
        )
    }
}

extension Event {
    /// The message that a queue's event is about.
    var message: Offset? {
        guard case .queue(let event) = self else { return nil }
        switch event {
        case .delivered(let event): return event.message
        case .acked(let event): return event.message
        case .retried(let event): return event.message
        case .deadLettered(let event): return event.message
        case .redriven(let event): return event.message
        case .discarded(let event): return event.message
        case .defined, .subscribed, .unsubscribed, .enqueued: return nil
        }
    }
}
