package import AccessControl
package import CommitLog
import Cron
package import Disk
package import Events
package import Folding
package import HTTP
package import HTTPFunctions
import JSON
package import Observability
package import Primitives
import Queue

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
    let options: EngineOptions
    /// When this life of the engine began.
    let started: Timestamp
    let registry = Registry()
    var router = Router()
    var observers = Observers()
    /// HTTP requests that wait for their response.
    var exchanges: [ExchangeID: OpenExchange] = [:]
    /// Those that have not begun, since there are enough of the others.
    var waitingRequests = WaitingRequests()
    /// Runs of requests with an `Idempotency-Key`, by their `keyed` records.
    var keyedRuns: [Offset: KeyedRun] = [:]
    /// Requests that get a response of the log, by the name of its read.
    var waitingReplies: [UInt64: WaitingReply] = [:]
    /// Cron runs of before a crash, until a worker serves their function.
    var waitingFirings: [FunctionName: [Offset]] = [:]
    var runningCount = 0
    /// On the monotonic clock, not after the first run whose worker has been silent for too long.
    var silenceDue: UInt64?
    var watchers = Watchers()
    /// Calls that wait for what a provider says to their trigger, by the trigger's id.
    var waitingBindings: [String: WaitingBinding] = [:]
    /// Answers that wait for a value of the state, by the name of its read.
    var waitingAnswers: [UInt64: WaitingAnswer] = [:]
    var lastRead: UInt64 = 0
    /// Sockets that the auth function is being asked about.
    var admissions: Set<AdmissionID> = []
    /// Runs that take place elsewhere, by the id of their request.
    var fetches: [UUID128: Fetching] = [:]
    /// Since when, at the most, the oldest record that is not durable has waited.
    private var unsyncedSince: UInt64?
    private var flushedAt: UInt64 = 0
    /// The end of the log when it was last seen quiet.
    private var quietSince: Offset?
    /// The youngest of what workers report.
    var telemetry: TelemetryStore
    /// Messages of telemetry that were dropped, and when that was told last.
    var droppedFrames = 0
    var lastDropNotice: UInt64?
    var isDraining = false
    /// Whether new work is refused because the disk is full.
    var isInShortage = false
    private var device = DeviceWatch()
    /// Lines for whoever watches the engine's own output, taken by the loop after every turn.
    var notices: [Notice] = []

    /// Begins a life on a log that was opened and recovered, with the views folded from it.
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
        self.now = now
        started = now.wall
        telemetry = TelemetryStore(options.telemetry)
        try start()
    }

    private mutating func start() throws(LogError) {
        try record(.started(Started(version: options.version, process: options.process)))
        for (name, settings) in options.queues.sorted(by: { $0.key < $1.key }) {
            if let defined = views.work.queue.decideDefine(name, settings) {
                try record(.queue(.defined(defined)))
            }
        }
        try restoreBindings()
        for firing in views.work.cron.openFirings {
            waitingFirings[firing.fired.function, default: []].append(firing.offset)
        }
        // What is for builtins goes now; the rest is held until a worker serves it.
        for queue in views.work.queue.queues.keys.sorted() { try pump(queue) }
    }

    // MARK: One turn

    /// Takes the time for what follows. The wall clock never goes back.
    package mutating func advance(to time: Now) {
        now = Now(wall: max(now.wall, time.wall), monotonic: max(now.monotonic, time.monotonic))
    }

    /// Whether the log takes more before the device has caught up.
    package var hasRoom: Bool { log.hasRoom }

    /// - Throws: what the log threw; the engine must end then.
    package mutating func handle(_ command: Command) throws(LogError) {
        try begin(command)
        if !waitingRequests.isEmpty { try beginWaitingRequests() }
    }

    mutating func begin(_ command: Command) throws(LogError) {
        do throws(LogError) {
            try perform(command)
        } catch .recordTooLarge(let bytes, let limit) {
            // What can be that large is refused where it comes in; this keeps the rest alive.
            let refusal = ErrorBody(
                code: "payload_too_large",
                message: "its record would have \(bytes) bytes; at most \(limit) can be recorded"
            )
            notice(.error, "a command was refused: \(refusal.message)")
            refuse(command, refusal)
        }
    }

    /// Tells whoever waits that a command came to nothing.
    private mutating func refuse(_ command: Command, _ refusal: ErrorBody) {
        switch command {
        case .call(let connection, let call):
            answer(call, on: connection, .failure(refusal), after: nil)
        case .request(let exchange, _, _):
            exchanges[exchange] = nil
            let reply = HTTPReply(status: 413, error: refusal)
            gate.hold(.respond(exchange, reply, trace: nil), after: nil)
        default: break
        }
    }

    private mutating func perform(_ command: Command) throws(LogError) {
        if log.isDiskFull, refusesForShortage(command) { return }
        switch command {
        case .admit(let id, let admission): try admit(id, admission)
        case .workerJoined(let connection, let address, let access):
            try join(connection, address, access)
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
        case .reported(let batch): try report(batch)
        case .request(let exchange, let request, let propagation):
            try self.request(exchange, request, propagation)
        case .requestAbandoned(let exchange): try abandon(exchange)
        case .requestStreams(let exchange): try stream(exchange)
        case .fetched(let id, let result): try fetched(id, result)
        case .drain:
            isDraining = true
            refuseWaitingRequests()
        }
    }

    /// How long nothing will be due, in nanoseconds; nil: nothing is waited for.
    package mutating func timeUntilDue() -> UInt64? {
        // Where no slots are fired, one that is due must not keep the loop awake.
        let nextSlot = isDraining || isInShortage ? nil : views.work.cron.nextDue
        let wallDue = [views.work.queue.nextDue(), nextSlot].compactMap { $0 }.min()
        let wallWait = wallDue.map { UInt64(max(0, now.wall.distance(to: $0).nanoseconds)) }
        let deadline = [timers.next, nextSilence].compactMap { $0 }.min()
        let deadlineWait = deadline.map { $0 > now.monotonic ? $0 - now.monotonic : 0 }
        let watchWait = device.timeUntilDue(now.monotonic)
        return [wallWait, deadlineWait, watchWait].compactMap { $0 }.min()
    }

    /// Hands what was recorded to the device, and what is durable to the edges.
    package mutating func release(into effects: inout [Effect]) throws(LogError) {
        let before = log.durable
        try log.reap()
        if log.durable != before { unsyncedSince = log.isIdle ? nil : flushedAt }
        answerReads()
        gate.release(below: durableTail, into: &effects)
        try log.flush()
        flushedAt = now.monotonic
        // The plain backend has written by now.
        try log.reap()
        if log.isIdle { unsyncedSince = nil }
        gate.release(below: durableTail, into: &effects)
        watchStorage(hasMoved: log.durable != before)
    }

    private mutating func watchStorage(hasMoved: Bool) {
        watchShortage()
        watchFunctions()
        let isBusy = !log.isIdle && !log.isDiskFull
        if let alarm = device.look(isBusy: isBusy, hasMoved: hasMoved, now: now.monotonic) {
            notices.append(alarm)
        }
    }

    /// Sleeps until the device is done with something, the inbox rings, or something is due. Where
    /// the log is quiet it is marked as durable to its end first, after 10 ms.
    package mutating func sleep() throws(LogError) {
        // The last look at the device may have freed it for what was staged meanwhile; nobody would
        // ring for that.
        guard !log.canFlush else { return }
        let due = timeUntilDue()
        guard log.needsIdleMark else { return try log.wait(nanoseconds: due) }
        let staged = log.staged
        try log.wait(nanoseconds: min(due ?? .max, Limits.idleMarkDelay))
        if quietSince == staged { try log.flushIdle() }
        quietSince = staged
    }

    /// The tail that the gate obeys: what is durable, and with ``EngineOptions/releaseAhead`` also
    /// what has not waited longer than that for the device.
    private var durableTail: Offset {
        if Mutant.is(.ackBeforeSync) { return log.staged }
        guard let ahead = options.releaseAhead, let since = unsyncedSince,
            now.monotonic - since <= ahead
        else { return log.durable }
        return log.staged
    }

    /// Whether a drain has come to its end: nothing runs, nobody waits, nothing is held.
    package var isQuiet: Bool {
        runningCount == 0 && exchanges.isEmpty && waitingAnswers.isEmpty
            && waitingBindings.isEmpty && gate.isEmpty
    }

    /// Lines of the engine's own about what happened since the last call.
    package mutating func takeNotices() -> [Notice] {
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
                // Not even one more record: let the device take what is staged.
                try log.flush()
                try log.wait(nanoseconds: 1_000_000)
                try log.reap()
            }
        }
    }

    mutating func notice(_ severity: Notice.Severity, _ text: String) {
        notices.append(Notice(severity: severity, text: text))
    }
}

/// What the engine is told at its start.
package struct EngineOptions: Sendable {
    /// What an engine and a worker say that know of observers (protocol 12.1).
    package static let observeFeature = "observe.v1"

    /// With `reject`, one worker at a time serves a function (protocol 3.1).
    package enum Duplicates: Sendable { case balance, reject }

    package var version: String
    package var process: UInt64
    package var queues: [String: QueueSettings]
    package var duplicates: Duplicates
    /// How long a worker's registrations wait for its namespace, in nanoseconds.
    package var namespaceGrace: UInt64
    /// From a request to the head of its response, in nanoseconds.
    package var responseTimeout: UInt64
    /// How long a worker may take for anything but a message, in nanoseconds; nil: for ever.
    package var invocationTimeout: UInt64?
    /// How long a worker may take for a message before it is delivered again, in nanoseconds; nil:
    /// for ever.
    package var deliveryLease: UInt64?
    /// How long effects may leave ahead of their records' durability, in nanoseconds; nil: never,
    /// as every other promise of the engine assumes.
    package var releaseAhead: UInt64?
    /// Whether workers may observe functions (protocol 12); else they are told that they cannot.
    package var observe: Bool
    /// The largest payload, result or definition that is recorded, in bytes: what the log's records
    /// hold, less room for what else is in them.
    package var payloadBytes: Int
    /// Where functions that are invoked by HTTP may lead.
    package var outbound: OutboundPolicy
    /// The rules of every listener for workers, by its number.
    package var listeners: [AccessRules] = [AccessRules()]
    package var telemetry = TelemetryStore.Settings()
    package var http = HTTPRules()

    package init(
        version: String,
        process: UInt64 = 0,
        queues: [String: QueueSettings] = ["default": .standard],
        duplicates: Duplicates = .balance,
        namespaceGrace: UInt64 = 5_000_000_000,
        responseTimeout: UInt64 = 30_000_000_000,
        invocationTimeout: UInt64? = nil,
        deliveryLease: UInt64? = 1_800_000_000_000,
        releaseAhead: UInt64? = nil,
        observe: Bool = true,
        recordBytes: Int = Limits.recordBytes,
        outbound: OutboundPolicy = OutboundPolicy()
    ) {
        self.version = version
        self.process = process
        self.queues = queues
        self.duplicates = duplicates
        self.namespaceGrace = namespaceGrace
        self.responseTimeout = responseTimeout
        self.invocationTimeout = invocationTimeout
        self.deliveryLease = deliveryLease
        self.releaseAhead = releaseAhead
        self.observe = observe
        payloadBytes = recordBytes - Limits.recordOverheadBytes
        self.outbound = outbound
    }
}

/// Something that an operator may want to read.
package struct Notice: Equatable, Sendable {
    package enum Severity: String, Sendable { case info, warning, error }

    package let severity: Severity
    package let text: String

    package init(severity: Severity, text: String) {
        self.severity = severity
        self.text = text
    }
}
