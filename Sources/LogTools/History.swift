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
package struct HistoryCollector {
    private let subject: TraceID?
    private var members: HistoryMembers
    private var surroundings = HistorySurroundings()
    private var records: [LogRecord] = []
    /// What the records take in memory, about.
    private(set) var byteCount = 0

    /// - Parameters:
    ///   - trace: whose history is wanted.
    ///   - root: the record to begin with, where it has no trace.
    package init(trace: TraceID?, root: Offset? = nil) {
        subject = trace
        members = HistoryMembers(trace: trace, root: root)
    }

    /// Looks at the next record of the pass.
    package mutating func take(_ view: RecordView) {
        if HistorySurroundings.concerns(view) { surroundings.follow(LogRecord(view)) }
        guard members.take(view) else { return }
        let record = LogRecord(view)
        surroundings.add(record)
        records.append(record)
        byteCount += view.memoryBytes
    }

    /// The history; nil when no record belongs to it.
    package consuming func finish() -> History? {
        History(trace: subject, records: records, surroundings)
    }
}

/// Which records belong to a history.
///
/// A record belongs to it when it has the trace, when its cause belongs to it, or when it redrives,
/// discards or purges a message of it. A cron slot that is run again after a crash has a trace of
/// its own: what is caused by a member brings its trace along.
struct HistoryMembers {
    private let root: Offset?
    private(set) var traces: Set<TraceID> = []
    private var members: Set<Offset> = []

    init(trace: TraceID?, root: Offset?) {
        self.root = root
        if let trace { traces.insert(trace) }
    }

    /// Whether the next record of a pass belongs to it.
    mutating func take(_ view: RecordView) -> Bool {
        let isMember = judge(view)
        if isMember { members.insert(view.offset) }
        return isMember
    }

    private mutating func judge(_ view: RecordView) -> Bool {
        switch EventKind(rawValue: view.kind) {
        case .redriven, .discarded:
            if let message = LogRecord(view).event?.message, members.contains(message) {
                return true
            }
        case .purged:
            if LogRecord(view).event?.purged.contains(where: members.contains) == true {
                return true
            }
        default:
            break
        }
        let isCaused = view.cause.map(members.contains) ?? false
        if isCaused, let trace = view.trace { traces.insert(trace) }
        let isTraced = view.trace.map(traces.contains) ?? false
        return isTraced || isCaused || view.offset == root
    }
}

/// What happens around a history: who the workers are that take part, and what cut off what began.
/// It is told of members and of other records in the order of the log.
struct HistorySurroundings {
    /// Members that have begun and not ended, and who runs them.
    private var open: [Offset: UUID128] = [:]
    private(set) var interruptions: [Offset: History.Interruption] = [:]
    /// The workers connected where the pass is.
    private var connected: [UUID128: WorkerName] = [:]
    private(set) var workers: [UUID128: WorkerName] = [:]
    /// Workers that take part and have not said who they are.
    private var unnamed: Set<UUID128> = []

    // MARK: Members

    mutating func add(_ record: LogRecord) {
        for worker in record.workers { meet(worker) }
        switch record.event {
        case .invoked(let event):
            open[record.offset] = event.worker
        case .queue(.delivered(let event)):
            open[record.offset] = event.worker
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

    /// Whether ``follow(_:)`` wants to know of a record.
    static func concerns(_ view: RecordView) -> Bool {
        switch EventKind(rawValue: view.kind) {
        case .started, .workerDescribed, .workerLeft: true
        default: false
        }
    }

    mutating func follow(_ record: LogRecord) {
        switch record.event {
        case .started:
            connected = [:]
            for start in open.keys { interrupt(start, .restart, record) }
            open = [:]
        case .workerDescribed(let event):
            connected[event.worker] = WorkerName(event)
            if unnamed.remove(event.worker) != nil { workers[event.worker] = WorkerName(event) }
        case .workerLeft(let event):
            connected[event.worker] = nil
            // The engine fails what it ran: mostly an end follows, which takes this back.
            for (start, worker) in open where worker == event.worker {
                interrupt(start, .workerLeft(event.reason), record)
            }
        default:
            break
        }
    }

    private mutating func interrupt(
        _ start: Offset,
        _ reason: History.Interruption.Reason,
        _ record: LogRecord
    ) {
        guard interruptions[start] == nil else { return }
        interruptions[start] = History.Interruption(
            reason: reason,
            offset: record.offset,
            time: record.time
        )
    }
}

extension History {
    /// Nil when there is no record.
    init?(trace: TraceID?, records: [LogRecord], _ surroundings: HistorySurroundings) {
        guard !records.isEmpty else { return nil }
        self.init(
            trace: trace,
            records: records,
            workers: surroundings.workers,
            interruptions: surroundings.interruptions
        )
    }
}

extension RecordView {
    /// What it takes in memory as a ``LogRecord``, about.
    var memoryBytes: Int { payload.count + 256 }
}

extension LogRecord {
    /// The workers that take part in what it says.
    var workers: [UUID128] {
        switch event {
        case .invoked(let event): [event.worker, event.caller]
        case .queue(.delivered(let event)): [event.worker]
        default: []
        }
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
        case .defined, .subscribed, .unsubscribed, .enqueued, .purged: return nil
        }
    }

    /// The messages that a purge has dropped.
    var purged: [Offset] {
        if case .queue(.purged(let event)) = self { event.messages } else { [] }
    }
}
