import Events
package import JSON
package import Primitives
import Synchronization

/// What following the log has shown: fed by the thread that follows it, asked by any.
///
/// Memory is bounded by what its parts keep; it holds no record.
package final class FollowedLog: Sendable {
    struct State: Sendable {
        var work = OpenWork()
        var requests: RequestBook
        var totals = RecordTotals()
        var telemetry: TelemetryStore
        var streams = StreamFeed()
        /// Nil: nothing is sent anywhere.
        var exports: ExportQueue?
        /// Records from here on are new: those before were counted, and perhaps sent, in another
        /// life.
        var news = Offset.max
        /// Nil: nobody wants to know.
        var seenTraces: [SeenTrace]?
        var next = Offset.zero
    }

    let state: Mutex<State>
    private let needsWork: Bool

    package init(
        requests limit: Int = 10_000,
        telemetry settings: TelemetryStore.Settings = TelemetryStore.Settings(),
        needsWork: Bool = true
    ) {
        self.needsWork = needsWork
        state = Mutex(
            State(
                requests: RequestBook(limit: limit),
                telemetry: TelemetryStore(settings)
            )
        )
    }

    // MARK: The follower

    /// Takes records that follow those before, in order.
    package func take(_ records: ArraySlice<FollowedRecord>) {
        guard let last = records.last else { return }
        state.withLock { state in
            let followsWork = needsWork || state.telemetry.settings.tracing
            for record in records {
                let change = followsWork ? state.work.take(record) : WorkChange()
                if followsWork { state.requests.take(record, change) }
                if record.offset >= state.news { state.totals.take(record, change) }
                state.keep(record, change)
                state.streams.take(record)
            }
            state.next = last.offset.advanced(by: 1)
        }
    }

    /// Whether anybody wants to know of requests, of the engine's own spans, or of totals: what is
    /// told about telemetry is wanted in any case.
    package var followsWork: Bool {
        needsWork || state.withLock { $0.telemetry.settings.tracing }
    }

    /// Records up to `end` were passed over. What was seen of the work before may have gone on in
    /// them.
    package func skip(to end: Offset) {
        state.withLock { state in
            guard end > state.next else { return }
            if end > state.news {
                state.totals.skipped += end.rawValue - max(state.next, state.news).rawValue
            }
            state.work.forgetAll()
            state.requests.loseTrack()
            state.next = end
        }
    }

    /// From `offset` on, records are of this life: only they are counted, and sent.
    package func live(from offset: Offset) { state.withLock { $0.news = offset } }

    // MARK: Any thread

    package func configure(_ settings: TelemetryStore.Settings, now: Timestamp) {
        state.withLock { $0.telemetry.configure(settings, now: now) }
    }

    /// For what stands elsewhere.
    func withTelemetry<Result>(_ body: (inout TelemetryStore) -> Result) -> Result {
        state.withLock { body(&$0.telemetry) }
    }

    /// Keeps what is new for a collector, which takes it by ``takeExports(limit:of:)``.
    package func export() { state.withLock { $0.exports = ExportQueue() } }

    /// Up to `limit` of each of the kinds that `paths` names.
    package func takeExports(limit: Int, of paths: Set<String>) -> [OTLPExport] {
        state.withLock { $0.exports?.take(limit: limit, of: paths) ?? [] }
    }

    /// A collector did not take so much.
    package func exportsLost(_ count: Int) { state.withLock { $0.exports?.lose(count) } }

    /// What no collector was told of, for want of room or since it would not hear.
    package var lostExports: UInt64 { state.withLock { $0.exports?.dropped ?? 0 } }

    package func watchTraces(_ isWanted: Bool) {
        state.withLock { state in
            state.seenTraces = isWanted ? state.seenTraces ?? [] : nil
        }
    }

    /// The traces of which spans have ended since this was asked for the last time.
    package func takeSeenTraces() -> [SeenTrace] {
        state.withLock { state in
            guard let seen = state.seenTraces, !seen.isEmpty else { return [] }
            state.seenTraces = []
            return seen
        }
    }

    /// Spans that have begun, of which there is no record.
    package func began(_ spans: [ReportedSpan]) {
        state.withLock { state in
            for span in spans where state.telemetry.samples(.reported(span), at: span.record.start)
            {
                let bytes = span.record.byteCount
                state.telemetry.apply(.span(span), bytes: bytes, at: span.record.start)
            }
        }
    }

    /// Whether metrics of so many names came, or with so many buckets, that what they were put
    /// together to is not kept for as long as it was to be.
    package var areRollupsCut: Bool { state.withLock { $0.telemetry.rollups.isCut } }

    /// Runs a function that looks into telemetry.
    ///
    /// - Returns: also what it has found out about alerts.
    package func answer(
        _ function: TelemetryFunction,
        _ input: JSONText,
        _ context: TelemetryContext
    ) -> (result: FunctionResult, alerts: [AlertChange]) {
        state.withLock { state in
            do throws(ErrorBody) {
                let value = try state.telemetry.answer(function, input, context)
                return (.value(value.bytes), state.telemetry.takeAlertChanges())
            } catch {
                return (.failure(error), [])
            }
        }
    }

    /// The record that comes next: all before it was seen, or skipped.
    package var next: Offset { state.withLock { $0.next } }

    /// How many records of this life were passed over, since they came too fast or could not be
    /// read.
    package var skipped: UInt64 { state.withLock { $0.totals.skipped } }

    /// What was counted of this life, from ``live(from:)`` on.
    package var totals: RecordTotals { state.withLock { $0.totals } }

    /// - Returns: the requests that are asked for, the youngest first, and how many were seen.
    package func requests(_ filter: RequestFilter) -> (rows: [RequestRow], seen: UInt64) {
        state.withLock { ($0.requests.list(filter), $0.requests.seen) }
    }

    package func request(_ trace: TraceID) -> RequestRow? {
        state.withLock { $0.requests[trace] }
    }

    /// The rows that are new or have changed since a call returned `cursor`, 0 for all.
    ///
    /// - Returns: the `limit` that changed last, in that order; how many more there were; and where
    ///   to go on.
    package func changes(
        since cursor: UInt64,
        limit: Int
    ) -> (rows: [RequestRow], passed: Int, cursor: UInt64) {
        state.withLock { state in
            let (rows, passed) = state.requests.changes(since: cursor, limit: limit)
            return (rows, passed, state.requests.cursor)
        }
    }
}

extension FollowedLog.State {
    /// What a log line takes in memory beside its bytes, roughly.
    fileprivate static var entryBytes: Int { 256 }

    /// Keeps what workers reported, and what the engine's records tell of its own work.
    fileprivate mutating func keep(_ record: FollowedRecord, _ change: WorkChange) {
        telemetry.heed(record, change, isOld: record.offset < news)
        switch record.event {
        case .logged(let line):
            let trace = line.isTraceInferred ? nil : record.trace
            keep(.log(LogLine(record: line, trace: trace)), record)
        case .spanReported(let span):
            guard let trace = record.trace else { break }
            keep(.reported(ReportedSpan(record: span, trace: trace)), record)
        case .metricReported(let metric): keep(.metric(metric), record)
        default: break
        }
        guard telemetry.settings.tracing else { return }
        if let call = RecordedCall(record, below: work) { keep(.call(call), record) }
        if let (work, outcome) = change.ended { keep(work, outcome, record) }
        if let (work, outcome) = change.endedToo { keep(work, outcome, record) }
    }

    private mutating func keep(_ item: Telemetry, _ record: FollowedRecord) {
        guard telemetry.samples(item, record) else { return }
        let bytes =
            if case .metric(let metric) = item {
                metric.byteCount
            } else { record.byteCount + Self.entryBytes }
        telemetry.apply(item, bytes: bytes, at: record.time)
        guard record.offset >= news else { return }
        telemetry.echo(item, at: record.time)
        exports?.append(item, bytes: bytes, at: record.time)
    }

    private mutating func keep(
        _ work: Work,
        _ outcome: WorkOutcome,
        _ record: FollowedRecord
    ) {
        if let end = EndedWork(work, outcome, record) { keep(.ended(end), record) }
    }

    private mutating func keep(_ span: KeptSpan, _ record: FollowedRecord) {
        guard telemetry.samples(span, at: record.time) else { return }
        telemetry.spans.append(span, bytes: span.byteCount, at: record.time)
        // Nobody else wants it, as a rule.
        guard record.offset >= news, exports != nil || seenTraces != nil || telemetry.isWatched
        else { return }
        let span = span.span(of: telemetry.settings.service)
        telemetry.watch.note(span, at: record.time)
        exports?.append(.span(span), bytes: span.record.byteCount, at: record.time)
        note(span)
    }

    /// What is told of the engine itself is told of nobody's trace.
    private mutating func note(_ span: ReportedSpan) {
        guard let seen = seenTraces, seen.count < Self.seenLimit, !span.record.isInternal else {
            return
        }
        let trace = SeenTrace(
            trace: span.trace,
            // As long as a name may be: so many wait to be told of.
            service: span.record.service.beginning(bytes: Limits.nameBytes),
            status: span.record.statusText
        )
        if !seen.contains(trace) { seenTraces?.append(trace) }
    }

    private static var seenLimit: Int { 512 }
}
