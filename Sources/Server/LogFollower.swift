import CPlatform
import CommitLog
import Disk
import Engine
import Observability
import Primitives
import Synchronization

/// Follows the log up to its durable end on a thread of its own: reads what was written, decodes it
/// once, and hands it to ``FollowedLog``.
///
/// It costs the core a store for each batch. It looks for more ten times a second at the most,
/// goes on in short steps with rests between them (``BackgroundPace``), and sleeps while there is
/// no more. What comes faster than it can read is passed over, and counted.
///
/// Most of the work is reading, which is done in idle time (``IdleReader``): a processor with that
/// on it is one that is free for whoever wakes. While there is no idle time it is done here, as
/// paced: whoever looks why a machine is so busy is to see it.
final class LogFollower: Sendable {
    let log: FollowedLog
    let tail: DurableTail
    private let path: String
    private let report: Report
    /// Questions that wait until all was read that they are about, in order.
    private let questions = Mutex<[Effect.Look]>([])
    private let inbox: Inbox
    private let idle: IdleReader

    /// How much of the log is read at a start.
    private static let history = 64 << 20
    /// Records that are taken at a time.
    private static let step = 64
    /// Between two looks, in nanoseconds.
    private static let pause: UInt64 = 100_000_000
    /// Before a log that cannot be read is looked at again.
    private static let longPause: UInt64 = 1_000_000_000
    /// How long a piece may take in idle time, and how long none is tried after one that took
    /// longer.
    private static let idlePatience: UInt64 = 500_000_000
    private static let busyTime: UInt64 = 30_000_000_000

    /// Where its thread is.
    struct Progress: ~Copyable {
        var reader: PieceReader
        var next = Offset.zero
        /// Up to here nothing is passed over for its age: it is what was before this start.
        var history = Offset.zero
        var pace = BackgroundPace()
        /// Until then nothing is tried in idle time; this, and when it told what has ended, on the
        /// clock of ``platform_boottime``.
        var busyUntil = UInt64.max
        var told: UInt64 = 0

        init(_ reader: consuming PieceReader) { self.reader = reader }
    }

    /// - Throws: what the system refused: it has no descriptor left.
    init(_ configuration: Configuration, _ core: Core, report: Report) throws(ServeError) {
        path = configuration.engine.data
        self.report = report
        inbox = core.inbox
        tail = core.tail
        idle = try IdleReader(asker: tail.waker)
        let observability = configuration.observability
        log = FollowedLog(
            telemetry: configuration.telemetry,
            needsWork: observability.dashboard || observability.exporter != .memory
        )
    }

    /// Begins, once the log is open and ``tail`` was moved to its end.
    func start() {
        CoreThread.start { self.run() }
        idle.start(path: path)
    }

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
    func ask(_ look: Effect.Look) {
        questions.withLock { $0.append(look) }
        tail.waker.wake()
    }

    /// What ends together is told of together: most traces are a few spans. Where reading does not
    /// come to its end it is told of meanwhile: only so much is kept.
    private func tellOfTraces(_ told: inout UInt64) {
        told = platform_boottime()
        let seen = log.takeSeenTraces()
        if !seen.isEmpty { inbox.offer(.sawTraces(seen)) }
        let pushes = log.takePushes()
        if !pushes.isEmpty { inbox.offer(.sawSpans(pushes)) }
        report.echo(log.takeEchoes())
    }

    private var isAsked: Bool { questions.withLock { !$0.isEmpty } }

    private func answer(before next: Offset) {
        let due = questions.withLock { questions in
            let due = questions.filter { $0.end <= next }
            questions.removeAll { $0.end <= next }
            return due
        }
        for look in due {
            let (result, alerts) = log.answer(look.function, look.input, look.context)
            inbox.offer(.looked(look.id, result, alerts: alerts))
        }
    }

    private func run() -> Never {
        platform_name_thread("iii-follower")
        var progress = Progress(PieceReader(path: path))
        var isLost = !readHistory(&progress)
        progress.busyUntil = 0
        while true {
            do throws(LogError) {
                if isLost { try rewind(0, &progress) }
                isLost = false
                try follow(&progress)
                answer(before: progress.next)
                tail.waker.sleep(nanoseconds: Self.pause)
                tellOfTraces(&progress.told)
                // A question may have ended that sleep.
                if !isAsked, tail.await(past: progress.next) {
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

    /// Takes what there was before this start, which is wanted soon.
    ///
    /// - Returns: false where it cannot be read.
    private func readHistory(_ progress: inout Progress) -> Bool {
        let end = tail.durable
        log.live(from: end)
        progress.history = end
        do throws(LogError) {
            try rewind(Self.history, &progress)
            try follow(&progress, until: end)
            return true
        } catch {
            tell(error)
            return false
        }
    }

    /// Goes on so many bytes before the end.
    private func rewind(_ bytes: Int, _ progress: inout Progress) throws(LogError) {
        progress.next = try progress.reader.rewind(bytes, from: tail.durable)
        log.skip(to: progress.next)
    }

    /// Takes what lies below `end`; nil: until nothing more is durable.
    ///
    /// - Throws: where the log cannot be read on.
    func follow(_ progress: inout Progress, until end: Offset? = nil) throws(LogError) {
        while progress.next < end ?? tail.durable {
            let piece = read(&progress)
            take(piece, &progress)
            progress.next = piece.next
            log.skip(to: piece.next)
            answer(before: piece.next)
            if let failure = piece.failure { throw failure }
        }
    }

    private func read(_ progress: inout Progress) -> FollowedPiece {
        let request = FollowedPiece.Request(
            from: progress.next,
            end: tail.durable,
            isWhole: log.followsWork,
            history: progress.history
        )
        let now = platform_boottime()
        if now >= progress.busyUntil {
            if let piece = idle.read(request, limit: Self.idlePatience) {
                progress.pace.add(piece.work)
                return piece
            }
            progress.busyUntil = now + Self.busyTime
        }
        return progress.reader.read(request)
    }

    /// What was there before this start is taken without a rest: nobody is served yet.
    private func take(_ piece: FollowedPiece, _ progress: inout Progress) {
        let records = piece.records
        for start in stride(from: 0, to: records.count, by: Self.step) {
            log.take(records[start..<min(start + Self.step, records.count)])
            if let rest = progress.pace.rest(), records[start].offset >= progress.history {
                tail.waker.sleep(nanoseconds: rest)
            }
            if platform_boottime() - progress.told >= Self.pause { tellOfTraces(&progress.told) }
        }
    }

    private func tell(_ error: LogError) {
        let text =
            "the log cannot be read for telemetry and the list of requests, which go on at its end "
            + "as soon as that can be read: \(error)"
        report.notice(Notice(severity: .warning, text: text))
    }
}
