import DequeModule
import Events
package import Primitives

/// A row for each of the youngest requests.
///
/// Invariants:
/// * At most `limit` rows: the one that was begun first makes room.
/// * Numbers of changes only grow.
package struct RequestBook: Sendable {
    private var rows: [TraceID: RequestRow] = [:]
    /// In the order in which they were begun.
    private var order: Deque<TraceID> = []
    /// How workers call themselves that are connected.
    private var workers: [UUID128: String] = [:]
    private let limit: Int
    /// The number of the last change.
    package private(set) var cursor: UInt64 = 0
    /// How many requests have had a row.
    package private(set) var seen: UInt64 = 0

    package init(limit: Int = 10_000) { self.limit = limit }

    package subscript(_ trace: TraceID) -> RequestRow? { rows[trace] }

    // MARK: Asking

    /// Those that `filter` asks for, the youngest first.
    package func list(_ filter: RequestFilter) -> [RequestRow] {
        var found: [RequestRow] = []
        for trace in order.reversed() {
            guard found.count < filter.limit else { break }
            if let row = rows[trace], filter.matches(row) { found.append(row) }
        }
        return found
    }

    /// Rows that are new or have changed since `cursor` was what it is given as, the least recently
    /// changed first: the `limit` youngest of them.
    ///
    /// - Returns: besides, how many more there were.
    package func changes(since cursor: UInt64, limit: Int) -> (rows: [RequestRow], passed: Int) {
        guard cursor < self.cursor else { return ([], 0) }
        let changed = rows.values.filter { $0.changed > cursor }
            .sorted { $0.changed < $1.changed }
        return (Array(changed.suffix(limit)), max(0, changed.count - limit))
    }

    // MARK: Folding

    mutating func take(_ record: FollowedRecord, _ change: WorkChange) {
        follow(record)
        for work in change.interrupted { interrupt(work, at: record.time) }
        if let work = change.revived { alter(work.trace, record) { $0.revive() } }
        if let work = change.discarded, work.isDead {
            alter(work.trace, record) { $0.discard() }
        }
        guard let trace = record.trace, let event = record.event, event.makesRows else { return }
        if rows[trace] == nil {
            let (kind, name, function) = event.headline
            begin(RequestRow(trace: trace, record, kind: kind, name: name, function: function))
        } else if rows[trace]?.kind == "log", event.isWork {
            // A line may be heard of before the work that it was written in.
            let (kind, name, function) = event.headline
            rows[trace]?.kind = kind
            rows[trace]?.name = name
            rows[trace]?.function = function
        }
        alter(trace, record) { row in
            row.records += 1
            row.take(change)
        }
        if let worker = change.began?.worker, rows[trace]?.worker == nil {
            rows[trace]?.worker = workers[worker]
        }
    }

    /// Nothing is known of how what was under way went on.
    mutating func loseTrack() {
        for (trace, row) in rows where row.open > 0 || row.queued > 0 {
            cursor += 1
            rows[trace]?.isUnknown = true
            rows[trace]?.changed = cursor
        }
        workers = [:]
    }

    private mutating func begin(_ row: RequestRow) {
        rows[row.trace] = row
        order.append(row.trace)
        seen += 1
        while order.count > limit, let oldest = order.popFirst() { rows[oldest] = nil }
    }

    private mutating func alter(
        _ trace: TraceID?,
        _ record: FollowedRecord,
        _ body: (inout RequestRow) -> Void
    ) {
        guard let trace, let place = rows.index(forKey: trace) else { return }
        cursor += 1
        body(&rows.values[place])
        rows.values[place].changed = cursor
        if record.event?.isWork ?? false { rows.values[place].last = record.time }
    }

    private mutating func follow(_ record: FollowedRecord) {
        switch record.event {
        case .started: workers = [:]
        case .workerDescribed(let event): workers[event.worker] = event.name
        case .workerLeft(let event): workers[event.worker] = nil
        default: break
        }
    }

    /// The engine that ran it was killed.
    private mutating func interrupt(_ work: Work, at time: Timestamp) {
        guard let trace = work.trace, let place = rows.index(forKey: trace) else { return }
        cursor += 1
        rows.values[place].open = max(0, rows.values[place].open - 1)
        rows.values[place].changed = cursor
        if work.kind == .trigger || work.cause == nil {
            rows.values[place].fail("the engine was started again before it ended")
            rows.values[place].last = time
        }
    }
}

extension RequestRow {
    fileprivate mutating func take(_ change: WorkChange) {
        if let work = change.began { begin(work) }
        if let (work, outcome) = change.ended { end(work, outcome) }
        if let (work, outcome) = change.endedToo { end(work, outcome) }
    }

    private mutating func begin(_ work: Work) {
        switch work.kind {
        case .trigger, .run: open += 1
        case .message where !work.isTopic: queued += 1
        case .message: break
        case .delivery:
            open += 1
            attempts = max(attempts, Int(work.attempt))
        }
    }

    private mutating func end(_ work: Work, _ outcome: WorkOutcome) {
        switch work.kind {
        case .trigger:
            open = max(0, open - 1)
            if let failure = outcome.error { fail(failure.message) }
        case .run:
            open = max(0, open - 1)
            // A run within another one fails its caller, or does not.
            if work.cause == nil, let failure = outcome.error { fail(failure.message) }
        case .delivery:
            open = max(0, open - 1)
            if case .retried(let failure) = outcome { error = failure.message }
            if work.isTopic, case .dead(let failure) = outcome {
                dead += 1
                error = failure.message
            }
        case .message where work.isTopic: break
        case .message:
            queued = max(0, queued - 1)
            if case .dead(let failure) = outcome {
                dead += 1
                error = failure.message
            } else if !hasFailed {
                error = nil
            }
        }
    }

    fileprivate mutating func fail(_ message: String) {
        hasFailed = true
        error = message
    }

    /// A dead letter is a message again.
    fileprivate mutating func revive() {
        dead = max(0, dead - 1)
        queued += 1
    }

    /// A dead letter was thrown away: what it was for did not happen.
    fileprivate mutating func discard() {
        dead = max(0, dead - 1)
        hasFailed = true
    }
}

extension Event {
    /// Whether a trace that it belongs to has a row. Spans tell once more what records of the work
    /// itself say.
    fileprivate var makesRows: Bool {
        switch self {
        case .spanReported, .metricReported, .alertChanged, .telemetryCleared: false
        default: true
        }
    }

    /// Whether it is something that happened, and not something that was told of it.
    fileprivate var isWork: Bool {
        if case .logged = self { false } else { makesRows }
    }

    /// Of a request that begins with it: its kind, its name, and its function's id.
    fileprivate var headline: (kind: String, name: String, function: String) {
        switch self {
        case .triggered(let event): return (event.type, event.summary, event.function.id)
        case .invoked(let event): return ("call", event.function.id, event.function.id)
        case .queue(.enqueued(let event)):
            guard let function = event.target?.id else {
                return ("publish", "publish \(event.queue)", "")
            }
            return ("queue", "\(event.queue) → \(function)", function)
        case .queue: return ("queue", "queue", "")
        case .cron(.fired(let event)):
            return ("cron", "cron \(event.expression)", event.function.id)
        case .cron(.skipped(let event)):
            return ("cron", "cron slot skipped", event.schedule?.function.id ?? "")
        case .cron: return ("cron", "cron", "")
        case .state(.set(let event)):
            return ("state", "\(event.function) \(event.scope)/\(event.key)", event.function)
        case .state(.deleted(let event)):
            return ("state", "state::delete \(event.scope)/\(event.key)", "state::delete")
        case .stream(let event): return ("stream", event.name, "")
        case .logged(let event): return ("log", String(event.body.prefix(120)), "")
        default: return ("call", "\(kind)", "")
        }
    }
}

extension StreamEvent {
    fileprivate var name: String {
        switch self {
        case .set(let event): "\(event.function) \(event.stream)/\(event.group)/\(event.item)"
        case .deleted(let event): "stream::delete \(event.stream)/\(event.group)/\(event.item)"
        case .sent(let event): "stream::send \(event.stream)/\(event.group)"
        case .relayed(let event): "stream \(event.stream)/\(event.group)/\(event.item)"
        }
    }
}
