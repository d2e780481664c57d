import AccessControl
package import CommitLog
import Cron
package import Disk
import Events
package import Folding
import HTTP
import HTTPFunctions
import JSON
import Observability
package import Primitives
import Queue
import State

/// The deterministic core: commands in, records and effects out.
///
/// It sees no socket, no file but through the log, and no clock but the one it is handed. What it
/// decides it records, what it records it applies, and what it answers waits in the gate until the
/// record is on disk.
///
/// Invariants:
/// * An effect is held for every record that it tells of or rests on.
/// * A worker can answer only what it was asked (`Worker.serving`).
/// * One thread owns an engine; nothing here suspends.
package struct Engine<Store: Storage & ~Copyable, Random: Entropy>: ~Copyable {
    package internal(set) var log: CommitLog<Store>
    package internal(set) var views: Views
    var gate = Gate()
    var timers = Timers()
    var random: Random
    var now: Now
    var options: EngineOptions
    /// When this life of the engine began.
    let started: Now
    /// Whether there was one before: only then are workers to come back.
    let hasPast: Bool
    let registry = Registry()
    var router = Router()
    /// Routes of the life before that are not back yet, until the time for that is over.
    var expectedRoutes = ExpectedRoutes()
    var observers = Observers()
    /// Events that have led to as many activations as one may, and of which that is to be told.
    var exhaustedChains: [ActivationChain] = []
    /// What became of the slots of this life.
    var cronHistory = CronHistory(limit: CronQuery.countMax)
    /// HTTP requests that wait for their response.
    var exchanges: [ExchangeID: OpenExchange] = [:]
    /// Those whose response is a stream, whose function goes on, and whose client has not left.
    var streaming: Set<ExchangeID> = []
    /// Requests that have not begun, for their bodies have not come.
    var awaitedBodies: [ExchangeID: AwaitedRequest] = [:]
    /// Those that have begun, and whose bodies have not come; all of them are in `exchanges`.
    var awaitedRuns: [ExchangeID: AwaitedRun] = [:]
    /// Those that have not begun, since there are enough of the others.
    var waitingRequests = WaitingRequests()
    /// Runs of requests with an `Idempotency-Key`.
    var keyedRuns = KeyedRuns()
    /// Those of them whose responses are streams that go on.
    var keyedStreams: [ExchangeID: KeyedStream] = [:]
    /// Requests that get a response of the log, by the name of its read.
    var waitingReplies: [UInt64: WaitingReply] = [:]
    /// Cron runs of before a crash, until the function that they miss was served for a moment.
    var waitingFirings: [FunctionName: [Offset]] = [:]
    var stateTriggers = StateTriggers()
    var configuration = LiveConfiguration()
    /// State triggers of before a crash, until a worker serves the function that they miss.
    var waitingReactions: [FunctionName: [Reactions]] = [:]
    var restingReactions = RestingReactions()
    var runningCount = 0
    /// On the monotonic clock, not after the first run whose worker has been silent for too long.
    var silenceDue: UInt64?
    var watchers = Watchers()
    var streams = LiveStreams()
    var subscriptions = Subscriptions()
    /// What goes along with the messages of topics, by the names of their queues.
    var topicTriggers: [String: TopicTrigger] = [:]
    var topicConsumers = TopicConsumers()
    /// Types of triggers that nobody served when they came, until that is looked at again.
    var awaitedTypes: Set<String> = []
    /// What nobody serves and would be asked about messages of topics.
    var awaitedConditions: [FunctionName: AwaitedCondition] = [:]
    /// Queues whose next message waits until its workers have answered others, by their names.
    var crowdedQueues: [String: CrowdedHead] = [:]
    /// Queues of which enough has ended for a moment, by their names.
    var restingQueues: Set<String> = []
    /// Calls that wait for what a provider says to their trigger, by the trigger's id.
    var waitingBindings: [String: WaitingBinding] = [:]
    /// Answers that wait for a value of the state, by the name of its read.
    var waitingAnswers: [UInt64: WaitingAnswer] = [:]
    var lastRead: UInt64 = 0
    /// Channels that are not over, as far as the edges have told.
    var channels = ChannelLedger()
    var logQueryCalls = LogQueryCalls()
    /// Sockets that an auth function is asked about, or waited for.
    var admissions: [AdmissionID: PendingAdmission] = [:]
    /// Runs that take place elsewhere, by the id of their request.
    var fetches: [UUID128: Fetching] = [:]
    /// Since when, at the most, the oldest record that is not durable has waited.
    var unsyncedSince: UInt64?
    var flushedAt: UInt64 = 0
    /// Nil: a batch goes to the device as soon as that is free.
    var hold: BatchHold?
    /// The end of the log when it was last seen quiet.
    var quietSince: Offset?
    /// What the engine counts about itself.
    var metrics = EngineMetrics()
    /// The records of this life.
    var counts = RecordCounts()
    /// What is listened on, by the names of the ports file.
    var addresses: [String: String] = [:]
    /// What workers tell of their processes.
    var gauges = LatestGauges()
    /// What workers want to run for what is reported.
    var telemetryTriggers = TelemetryTriggers()
    var alertWatch = AlertWatch()
    /// Questions that a follower of the log is to answer, by their names.
    var telemetryCallers: [UInt64: TelemetryCaller] = [:]
    /// Messages of telemetry that were dropped, those of spans among them.
    var droppedFrames = 0
    var droppedSpans: UInt64 = 0
    var dropNotices = NoticeLimit()
    /// The same of runs that those triggers did not lead to.
    var firingNotices = NoticeLimit()
    /// Of calls that came to nothing, and whose callers do not hear of it.
    var unheardFailures = NoticeLimit()
    var requestNotices = RequestNotices()
    /// What was said that is said once.
    var once = OnceTold<String>()
    var unknownMembers = UnknownMembers()
    var isDraining = false
    /// Whether a drain has had its time.
    var isCutOff = false
    /// Whether whoever runs the engine wants it to end: asked where a command waits for the log.
    var isEnding: @Sendable () -> Bool = { false }
    /// Whether new work is refused because the disk is full.
    var isInShortage = false
    /// When the oldest message of a queue was enqueued that was looked at last.
    var oldest: [String: (offset: Offset, time: Timestamp)] = [:]
    var batches: BatchWatch
    var device = DeviceWatch()
    var jumps = ClockWatch()
    /// Whether the clock was set back so far that cron jobs begin anew with it.
    var beginsCronAnew = false
    /// By the queues that had a line about dead letters within the last second.
    var untoldLetters: [String: UntoldLetters] = [:]
    /// Lines for whoever watches the engine's own output, taken by the loop after every turn.
    var notices: [Notice] = []
    /// Keeps the compiler from loading an engine: a type that it may load is copied, with all its
    /// 3 kB, to call a method on it that does not change it. One with an opaque value inside has to
    /// be passed by its address.
    private let stayingInPlace: any Sendable = ()

    /// Begins a life on a log that was opened and recovered, with the views folded from it. `now`
    /// is what the clocks say.
    ///
    /// - Throws: what the log threw.
    package init(
        log: consuming CommitLog<Store>,
        views: Views,
        options: EngineOptions,
        random: Random,
        now: Now
    ) throws(LogError) {
        self.log = log
        self.views = views
        self.options = options
        self.random = random
        self.now = Now(wall: self.log.stamp(now.wall), monotonic: now.monotonic)
        started = self.now
        hasPast = self.log.staged > .zero
        hold = options.holdsBatches ? BatchHold() : nil
        batches = BatchWatch(at: self.log.durable)
        streams.recent = RecentStreamEvents(from: self.log.staged)
        if let notice = ClockWatch.notice(end: self.now.wall, wall: now.wall) {
            notices.append(notice)
        }
        followClock(now.wall)
        try start()
    }

    private mutating func start() throws(LogError) {
        expectRoutes()
        views.work.queue.beginTallies()
        try record(.started(Started(version: options.version, process: options.process)))
        try defineQueues()
        arrangeAlerts()
        try restoreBindings()
        for firing in views.work.cron.openFirings {
            waitingFirings[firing.fired.function, default: []].append(firing.offset)
        }
        try restoreReactions()
        // What is for builtins goes now; the rest is held until a worker serves it.
        for queue in views.work.queue.queues.keys.sorted() {
            try givingUpTooLarge { (engine) throws(LogError) in try engine.pump(queue) }
        }
    }

    // MARK: One turn

    /// Whether commands are taken before the device has caught up: the log has room for their
    /// records, and the gate for their answers.
    package var hasRoom: Bool { log.hasRoom && gate.hasRoom }

    /// - Throws: what the log threw; the engine must end then.
    package mutating func handle(_ command: Command) throws(LogError) {
        try begin(command)
        if !waitingRequests.isEmpty { try beginWaitingRequests() }
    }

    mutating func begin(_ command: Command) throws(LogError) {
        let refusal = try givingUpTooLarge { (engine) throws(LogError) in
            try engine.perform(command)
        }
        if let refusal { refuse(command, refusal) }
    }

    /// What can be too large for a record is refused where it comes in; this keeps the rest alive.
    ///
    /// - Returns: why `work` was given up; nil: it was not.
    @discardableResult
    mutating func givingUpTooLarge(
        _ work: (inout Engine) throws(LogError) -> Void
    ) throws(LogError) -> ErrorBody? {
        do throws(LogError) {
            try work(&self)
            return nil
        } catch .recordTooLarge(let bytes, let limit) {
            let refusal = ErrorBody(
                code: "payload_too_large",
                message: "its record would have \(bytes) bytes; at most \(limit) can be recorded"
            )
            notice(.error, "something was given up: \(refusal.message)")
            return refusal
        }
    }

    /// Tells whoever waits that a command came to nothing.
    private mutating func refuse(_ command: Command, _ refusal: ErrorBody) {
        switch command {
        case .call(let connection, let call):
            answer(call, on: connection, .failure(refusal), after: nil)
        case .request(let exchange, _, _), .requestBody(let exchange, _):
            takeOpen(exchange)
            let reply = HTTPReply(status: 413, error: refusal)
            gate.hold(.respond(exchange, reply, trace: nil), after: nil)
        default: break
        }
    }

    private mutating func perform(_ command: Command) throws(LogError) {
        if log.isDiskFull, refusesForShortage(command) { return }
        switch command {
        case .admit(let id, let admission): try admit(id, admission)
        case .workerJoined(let connection, let address, let access, let listener):
            try join(connection, address, access, listener)
        case .workerLeft(let connection, let reason): try leave(connection, reason)
        case .register(let connection, let registration):
            try register(connection, registration)
        case .reattach(let connection, let previous, let token):
            try reattach(connection, previous: previous, token: token)
        case .call(let connection, let call): try self.call(connection, call)
        case .result(let connection, let result): try complete(connection, result)
        case .observed(let connection, let report): try self.report(connection, report)
        case .triggerAnswered(let connection, let answer):
            try triggerAnswered(connection, answer)
        case .answeredProbe(let connection): try answeredProbe(connection)
        case .pinged(let connection): send(.pong, to: connection, after: nil)
        case .reported(let batch): try report(batch)
        case .request(let exchange, let request, let propagation):
            try self.request(exchange, request, propagation)
        case .requestAbandoned(let exchange): try abandon(exchange)
        case .requestBody(let exchange, let body): try take(body, of: exchange)
        case .requestStreams(let exchange, let status): try stream(exchange, status: status)
        case .responseSpoilt(let exchange, let defect): try refuse(exchange, because: defect)
        case .responseUnheard(let key): refuseResponse(byChannelKey: key)
        case .responseStreamed(let exchange, let succeeded):
            try streamEnded(exchange, succeeded ? .whole : .cut)
        case .fetched(let id, let result): try fetched(id, result)
        case .channelEnded(let id): channels.close(id)
        case .logRead(let id, let reading): wasRead(id, reading)
        case .foundMessages(let id, let found): explain(id, found)
        case .telemetryAnswered(let id, let result, let alerts):
            try telemetryAnswered(id, result, alerts)
        case .sawTraces(let seen): try sawTraces(seen)
        case .sawSpans(let pushes): push(pushes)
        case .stream(let command): try stream(command)
        case .configure(let settings): try configure(settings)
        case .listening(let addresses): self.addresses = addresses
        case .requestPicture(let request): takePicture(request)
        case .takeFiles(let files): try take(files)
        case .drain:
            // Workers that leave behind it are not gone for good.
            try record(.stopping(Stopping()))
            try fireLeavesOfAll()
            isDraining = true
            refuseWaitingRequests()
            endAllWaiting()
        case .endDrain(let limit): try endDrain(limit)
        }
    }

    /// How long nothing will be due, in nanoseconds; nil: nothing is waited for.
    package mutating func timeUntilDue() -> UInt64? {
        // Where no slots are fired, one that is due must not keep the loop awake.
        let nextSlot = isDraining || isInShortage ? nil : nextSlotDue
        let nextExpiry = isInShortage ? nil : views.state.nextExpiry
        let wallDue = [views.work.queue.nextDue(), nextSlot, nextExpiry].compactMap { $0 }.min()
        let wallWait = wallDue.map { UInt64(max(0, now.wall.distance(to: $0).nanoseconds)) }
        let deadline = [timers.next, nextSilence].compactMap { $0 }.min()
        let deadlineWait = deadline.map { $0 > now.monotonic ? $0 - now.monotonic : 0 }
        let watchWait = device.timeUntilDue(now.monotonic)
        return [wallWait, deadlineWait, watchWait].compactMap { $0 }.min()
    }

    /// Whether a drain has come to its end: nothing runs, nobody waits, nothing is held.
    package var isQuiet: Bool {
        runningCount == 0 && exchanges.isEmpty && keyedStreams.isEmpty && waitingAnswers.isEmpty
            && logQueryCalls.isEmpty && waitingBindings.isEmpty && telemetryCallers.isEmpty
            && gate.isEmpty
    }

    /// Lines of the engine's own about what happened since the last call.
    package mutating func takeNotices() -> [Notice] {
        if !exhaustedChains.isEmpty { tellOfExhaustedChains() }
        defer { notices.removeAll(keepingCapacity: true) }
        return notices
    }

    /// Records the end and closes the log in order.
    package consuming func close(reason: String) throws(LogError) {
        try record(.stopped(Stopped(reason: reason)))
        try log.close()
    }

    // MARK: Recording

    /// Stages `event` and applies it.
    @discardableResult
    mutating func record(
        _ event: Event,
        trace: TraceID? = nil,
        cause: Offset? = nil
    ) throws(LogError) -> Offset {
        let offset = try append(event, trace, cause)
        counts.take(event)
        if unsyncedSince == nil { unsyncedSince = now.monotonic }
        views.apply(event, at: offset, time: now.wall, trace: trace, cause: cause)
        return offset
    }

    private mutating func append(
        _ event: Event,
        _ trace: TraceID?,
        _ cause: Offset?
    ) throws(LogError) -> Offset {
        while true {
            do throws(LogError) {
                return try log.append(
                    kind: event.kind.rawValue,
                    time: now.wall,
                    trace: trace,
                    cause: cause
                ) { event.encode(into: &$0) }
            } catch .full {
                // Not even one more record.
                try waitForRoom()
            }
        }
    }

    mutating func notice(
        _ severity: Notice.Severity,
        _ text: String,
        trace: TraceID? = nil
    ) {
        notices.append(Notice(severity: severity, text: text, trace: trace))
    }
}
