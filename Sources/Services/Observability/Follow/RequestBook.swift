import Events
package import Primitives

/// A row for each of the youngest requests.
///
/// Invariants:
/// * At most `limit` rows: the one that was begun first makes room.
/// * `places` has the place in `rows` of each of them.
/// * Numbers of changes only grow.
package struct RequestBook: Sendable {
    /// In the order in which they were begun, from the place of the next one on round to it.
    private var rows: [RequestRow] = []
    private var places: [TraceID: Int] = [:]
    /// How workers call themselves that are connected.
    private var workers: [UUID128: String] = [:]
    private let limit: Int
    /// The number of the last change.
    package private(set) var cursor: UInt64 = 0
    /// How many requests have had a row.
    package private(set) var seen: UInt64 = 0

    package init(limit: Int = 10_000) { self.limit = max(1, limit) }

    package subscript(_ trace: TraceID) -> RequestRow? { places[trace].map { rows[$0] } }

    // MARK: Asking

    /// Those that `filter` asks for, the youngest first.
    package func list(_ filter: RequestFilter) -> [RequestRow] {
        var found: [RequestRow] = []
        let next = Int(seen % UInt64(limit))
        let youngestFirst = [rows[..<min(next, rows.count)], rows[min(next, rows.count)...]]
        for part in youngestFirst {
            for row in part.reversed() {
                guard found.count < filter.limit else { return found }
                if filter.matches(row) { found.append(row) }
            }
        }
        return found
    }

    /// Rows that are new or have changed since `cursor` was what it is given as, the least recently
    /// changed first: the `limit` youngest of them.
    ///
    /// - Returns: besides, how many more there were.
    package func changes(since cursor: UInt64, limit: Int) -> (rows: [RequestRow], passed: Int) {
        guard cursor < self.cursor else { return ([], 0) }
        var changed: [(number: UInt64, place: Int)] = []
        for place in rows.indices where rows[place].changed > cursor {
            changed.append((rows[place].changed, place))
        }
        changed.sort { $0.number < $1.number }
        let passed = max(0, changed.count - limit)
        return (changed.dropFirst(passed).map { rows[$0.place] }, passed)
    }

    // MARK: Folding

    mutating func take(_ record: FollowedRecord, _ change: WorkChange) {
        follow(record)
        for work in change.interrupted { interrupt(work, at: record.time) }
        if let work = change.revived { alter(work.facts.trace, record) { $0.revive(work.facts) } }
        for work in change.discarded { alter(work.facts.trace, record) { $0.discard() } }
        for work in change.purged { alter(work.facts.trace, record) { $0.purge(work.facts) } }
        guard let trace = record.trace, let event = record.event, event.makesRows else { return }
        let place: Int
        if let known = places[trace] {
            place = known
            // A line may be heard of before the work that it was written in.
            if rows[place].kind == "log", event.isWork { rows[place].rename(event.headline) }
        } else {
            place = begin(RequestRow(trace: trace, record, event.headline))
        }
        alter(place, record) { row in
            row.records += 1
            row.take(change)
        }
        if rows[place].worker == nil, let worker = change.began?.facts.worker {
            rows[place].worker = workers[worker]
        }
    }

    /// Nothing is known of how what was under way went on.
    mutating func loseTrack() {
        for place in rows.indices where rows[place].open > 0 || rows[place].queued > 0 {
            cursor += 1
            rows[place].isUnknown = true
            rows[place].changed = cursor
        }
        workers = [:]
    }

    /// - Returns: its place.
    private mutating func begin(_ row: RequestRow) -> Int {
        let place = Int(seen % UInt64(limit))
        seen += 1
        if place < rows.count {
            places[rows[place].trace] = nil
            rows[place] = row
        } else {
            rows.append(row)
        }
        places[row.trace] = place
        return place
    }

    private mutating func alter(
        _ trace: TraceID?,
        _ record: FollowedRecord,
        _ body: (inout RequestRow) -> Void
    ) {
        if let place = trace.flatMap({ places[$0] }) { alter(place, record, body) }
    }

    private mutating func alter(
        _ place: Int,
        _ record: FollowedRecord,
        _ body: (inout RequestRow) -> Void
    ) {
        cursor += 1
        body(&rows[place])
        rows[place].changed = cursor
        if record.event?.isWork ?? false { rows[place].last = record.time }
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
        guard let place = work.facts.trace.flatMap({ places[$0] }) else { return }
        cursor += 1
        rows[place].open = max(0, rows[place].open - 1)
        rows[place].changed = cursor
        if work.facts.kind == .trigger || work.facts.cause == nil {
            rows[place].fail("the engine was started again before it ended")
            rows[place].last = time
        }
    }
}

extension RequestRow {
    fileprivate mutating func take(_ change: WorkChange) {
        if let work = change.began { begin(work.facts) }
        if let (work, outcome) = change.ended { end(work.facts, outcome) }
        if let (work, outcome) = change.endedToo { end(work.facts, outcome) }
    }

    private mutating func begin(_ work: WorkFacts) {
        switch work.kind {
        case .trigger, .run: open += 1
        case .message where !work.isTopic: queued += 1
        case .message: break
        case .delivery:
            open += 1
            attempts = max(attempts, Int(work.attempt))
        }
    }

    private mutating func end(_ work: WorkFacts, _ outcome: WorkOutcome) {
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

    fileprivate mutating func rename(_ headline: Headline) {
        kind = headline.kind
        name = headline.name
        function = headline.function
    }

    fileprivate mutating func fail(_ message: String) {
        hasFailed = true
        error = message
    }

    /// A dead letter is a message again. A topic's are not counted while they wait.
    fileprivate mutating func revive(_ work: WorkFacts) {
        dead = max(0, dead - 1)
        if !work.isTopic { queued += 1 }
    }

    /// A dead letter was thrown away: what it was for did not happen.
    fileprivate mutating func discard() {
        dead = max(0, dead - 1)
        hasFailed = true
    }

    /// A message was dropped while it waited: what it was for does not happen.
    fileprivate mutating func purge(_ work: WorkFacts) {
        queued = max(0, queued - 1)
        fail("queue \(work.type) was purged, and a message of it that waited was dropped")
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

    /// Of a request that begins with it.
    fileprivate var headline: RequestRow.Headline {
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
