import CPlatform
import CommitLog
import Disk
import Engine
import Events
import Observability
import Primitives
import RecordFormat
import Synchronization

/// Follows the log up to its durable end on a thread of its own, behind everything else: reads what
/// was written, decodes it once, and hands it to ``FollowedLog``.
///
/// It costs the core a store for each batch. It looks for more ten times a second at the most,
/// goes on in short steps with rests between them (``BackgroundPace``), and sleeps while there is
/// no more. What comes faster than it can read is passed over, and counted; few records are read
/// however late they are.
///
/// It has a small share of a processor, but always some of one. In idle time (`SCHED_IDLE`,
/// sched(7)) its processor would count as free for whoever wakes; but while all are busy it would
/// get a thousandth of one, and what it holds then, be it the allocator's lock, for seconds.
final class LogFollower: Sendable {
    let log: FollowedLog
    let tail: DurableTail
    private let path: String
    private let report: Report
    /// Questions that wait until all was read that they are about, in order.
    private let questions = Mutex<[Effect.TelemetryQuery]>([])
    private let inbox: Inbox

    /// How much of the log is read at a start.
    private static let history = 64 << 20
    /// Bytes that are read at a time, and records that are taken at a time.
    private static let piece = 32 << 10
    private static let step = 64
    /// Between two looks, in nanoseconds.
    private static let pause: UInt64 = 100_000_000
    /// Before a log that cannot be read is looked at again.
    private static let longPause: UInt64 = 1_000_000_000
    /// How old a record may be by the time that it is read, where more than `backlog` of them are
    /// behind it.
    private static let patience = Timestamp.Span.seconds(2)
    private static let backlog = 4096
    /// What it yields to others (nice(2)): of a processor that two others want it gets a twentieth.
    private static let niceness: Int32 = 10

    /// Where its thread is.
    struct Progress: ~Copyable {
        var reader: LogTail<ReadOnlyDirectory>
        /// Up to here nothing is passed over for its age: it is what was before this start.
        let history: Offset
        var pace = BackgroundPace()
        /// When it told what has ended, on the clock of ``platform_boottime``.
        var told: UInt64 = 0
        /// Whether it was told that rollups are cut short.
        var isCutTold = false

        init(_ reader: consuming LogTail<ReadOnlyDirectory>, history: Offset) {
            self.reader = reader
            self.history = history
        }
    }

    init(_ configuration: Configuration, _ core: Core, report: Report) {
        path = configuration.engine.data
        self.report = report
        inbox = core.inbox
        tail = core.tail
        let observability = configuration.observability
        log = FollowedLog(
            telemetry: configuration.telemetry,
            needsWork: observability.dashboard || observability.exporter != .memory
        )
    }

    /// Begins, once the log is open and ``tail`` was moved to its end.
    ///
    /// - Throws: where there is no thread for it.
    func start() throws(ServeError) { try ServerThread.start { self.run() } }

    /// Takes settings that were edited. Any thread.
    @Sendable
    func configure(_ configuration: Configuration) {
        let settings = configuration.telemetry
        log.configure(settings, now: SystemClock().now().wall)
    }

    /// Spans have begun. Any thread.
    func began(_ spans: [ReportedSpan]) {
        log.began(spans)
        // Nothing of it is in the log, that would wake who sleeps.
        if log.watchesSpans { tail.waker.wake() }
    }

    /// Has a question answered once all was read that it is about. Any thread.
    func ask(_ query: Effect.TelemetryQuery) {
        questions.withLock { $0.append(query) }
        tail.waker.wake()
    }

    /// What ends together is told of together: most traces are a few spans. Where reading does not
    /// come to its end it is told of meanwhile: only so much is kept.
    private func tellOfTraces(_ progress: inout Progress) {
        progress.told = platform_boottime()
        let seen = log.takeSeenTraces()
        if !seen.isEmpty { inbox.offer(.sawTraces(seen)) }
        let pushes = log.takePushes()
        if !pushes.isEmpty { inbox.offer(.sawSpans(pushes)) }
        report.echo(log.takeEchoes())
        if !progress.isCutTold, log.areRollupsCut {
            progress.isCutTold = true
            tellOfCut()
        }
    }

    private func tellOfCut() {
        let text =
            "metrics have so many names, or histograms so many buckets, that the oldest of what is "
            + "put together by five minutes and by the hour makes room early; "
            + "engine::rollups::list has less of it than it would"
        report.notice(Notice(severity: .warning, paragraph: text))
    }

    private var isAsked: Bool { questions.withLock { !$0.isEmpty } }

    private func answer(before next: Offset) {
        let due = questions.withLock { questions in
            let due = questions.filter { $0.end <= next }
            questions.removeAll { $0.end <= next }
            return due
        }
        for query in due {
            let (result, alerts) = log.answer(query.function, query.input, query.context)
            inbox.offer(.telemetryAnswered(query.id, result, alerts: alerts))
        }
    }

    private func run() -> Never {
        platform_name_thread("iii-follower")
        platform_lower_priority(Self.niceness)
        // Whoever wakes is not to wait for the scheduler's next tick.
        _ = platform_use_slices(Limits.coreSlice)
        let history = tail.durable
        var progress = Progress(LogTail(ReadOnlyDirectory(path: path)), history: history)
        log.live(from: history)
        var isLost = false
        do throws(LogError) {
            try progress.reader.start(bytes: Self.history, before: history)
            log.skip(to: progress.reader.next)
            try follow(&progress, until: history)
        } catch {
            tell(error)
            isLost = true
        }
        while true {
            do throws(LogError) {
                if isLost { try goOnAtEnd(&progress.reader) }
                isLost = false
                try follow(&progress)
                answer(before: progress.reader.next)
                tail.waker.sleep(nanoseconds: Self.pause)
                tellOfTraces(&progress)
                // A question may have ended that sleep.
                if !isAsked, tail.announceWait(past: progress.reader.next) {
                    tail.waker.sleep(nanoseconds: nil)
                }
            } catch {
                if !isLost { tell(error) }
                isLost = true
                // What is asked is answered with what there is.
                answer(before: .max)
                tail.waker.sleep(nanoseconds: Self.longPause)
            }
        }
    }

    /// Reads up to `end`; nil: until nothing more is durable.
    ///
    /// - Throws: where the log cannot be read on.
    func follow(_ progress: inout Progress, until end: Offset? = nil) throws(LogError) {
        while progress.reader.next < end ?? tail.durable {
            var records: [FollowedRecord] = []
            let isWhole = log.followsWork
            defer {
                take(records, &progress)
                log.skip(to: progress.reader.next)
                answer(before: progress.reader.next)
                if platform_boottime() - progress.told >= Self.pause { tellOfTraces(&progress) }
            }
            _ = try progress.reader.read(below: tail.durable, bytes: Self.piece) {
                records.append(.init($0, isWhole: isWhole))
            }
            if let last = records.last, last.offset >= progress.history, isOvertaken(at: last) {
                try progress.reader.skip(to: tail.durable)
            }
        }
    }

    /// What was there before this start is taken without a rest: nobody is served yet.
    private func take(_ records: [FollowedRecord], _ progress: inout Progress) {
        for start in stride(from: 0, to: records.count, by: Self.step) {
            let step = records[start..<min(start + Self.step, records.count)]
            log.take(step)
            if let rest = progress.pace.rest(), records[start].offset >= progress.history {
                tail.waker.sleep(nanoseconds: rest)
            }
        }
    }

    /// Whether the log grows faster than it is followed. Age alone is a processor that was not to
    /// be had, and few records are read as soon as it is.
    private func isOvertaken(at record: FollowedRecord) -> Bool {
        record.offset.distance(to: tail.durable) > Self.backlog
            && record.time.distance(to: SystemClock().now().wall) > Self.patience
    }

    private func goOnAtEnd(_ reader: inout LogTail<ReadOnlyDirectory>) throws(LogError) {
        let end = tail.durable
        try reader.start(bytes: 0, before: end)
        log.skip(to: reader.next)
    }

    private func tell(_ error: LogError) { report.notice(Self.notice(of: error, in: path)) }

    /// Damage is told of as what it is: that telemetry is not whole comes of it.
    static func notice(of error: LogError, in data: String) -> Notice {
        if case .damaged(let damages) = error, let first = damages.first {
            let more = "Telemetry and the list of requests go on at the log's end. "
            return .damage(damages, of: first.segment, in: data, more: more)
        }
        let text =
            "the log cannot be read for telemetry and the list of requests, which go on at its end "
            + "as soon as that can be read: \(error)"
        return Notice(severity: .warning, paragraph: text)
    }
}

extension FollowedRecord {
    /// What is read of it; where it need not be whole, only what tells of telemetry.
    fileprivate init(_ view: RecordView, isWhole: Bool) {
        let isWanted = isWhole || EventKind(rawValue: view.kind)?.isTelemetry ?? false
        self.init(
            offset: view.offset,
            time: view.time,
            trace: view.trace,
            cause: view.cause,
            event: isWanted ? try? Event(view) : nil,
            byteCount: view.payload.count
        )
    }
}
