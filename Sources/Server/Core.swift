import CPlatform
import CommitLog
import ConfigurationEntries
import Disk
import Engine
import Events
import Folding
import Glibc
import HTTP
import HTTPFunctions
import Observability
import Primitives
import RecordFormat
import State
import Synchronization

/// The core thread: opens the log, recovers, and runs the loop until it is stopped.
final class Core: Sendable {
    let inbox: Inbox
    private let waker: Waker
    private let configuration: Configuration
    private let outbound: OutboundPolicy
    private let report: Report
    private let segments: SegmentKeeper
    /// The data directory.
    private var path: String { configuration.engine.data }
    /// Whoever follows the log learns by it how far it is durable.
    let tail: DurableTail
    /// Told how much of the log a start has read, from 0 to 1.
    private let progress: @Sendable (Double) -> Void
    /// Whether the machine has more than one processor.
    private let hasOwnProcessor: Bool
    private let drained = AsyncEvent()
    private let ended = AsyncEvent()

    init(
        _ configuration: Configuration,
        outbound: OutboundPolicy,
        progress: @escaping @Sendable (Double) -> Void,
        hasOwnProcessor: Bool,
        _ report: Report
    ) throws(ServeError) {
        self.progress = progress
        self.hasOwnProcessor = hasOwnProcessor
        self.configuration = configuration
        self.outbound = outbound
        self.report = report
        do throws(StorageError) {
            waker = try Waker()
            tail = DurableTail(waker: try Waker())
            segments = try SegmentKeeper(configuration, report: report)
            inbox = Inbox(waker: waker, telemetry: TelemetryIntake(waker: try Waker()))
        } catch {
            throw ServeError(error)
        }
    }

    /// - Returns: what recovery found, once the log is ready.
    func start(
        sinks: [@Sendable ([Effect]) -> Void]
    ) async throws(ServeError) -> RecoveryReport {
        typealias Outcome = Result<RecoveryReport, ServeError>
        let outcome: Outcome = await withUnsafeContinuation { continuation in
            let opened: @Sendable (Outcome) -> Void = {
                continuation.resume(returning: $0)
            }
            let isStarted = ServerThread.tryStart { self.main(sinks, opened) }
            if !isStarted { opened(.failure(.noThread)) }
        }
        return try outcome.get()
    }

    /// Puts in force what may change while the engine runs.
    @Sendable
    func configure(_ configuration: Configuration) {
        let options = EngineOptions(configuration, version: Server.version, outbound: outbound)
        inbox.offer(.configure(LiveSettings(options)))
    }

    /// No new work; returns when what runs has ended, or `engine.drain_timeout` is over and who
    /// waited for a call has been told, which a full disk may prevent.
    func drain() async {
        let limit = configuration.engine.drainTimeout
        inbox.offer(.drain)
        await drained.wait(limit: .nanoseconds(limit.nanoseconds))
        inbox.offer(.endDrain(limit: Quantity.text(limit)))
        await drained.wait(limit: .seconds(Limits.cutOffSeconds))
    }

    /// Handles what is there, closes the log, and returns when the thread has ended, or its time is
    /// over. The process ends where the log cannot be closed.
    ///
    /// - Returns: whether the log is closed in order.
    func stop() async -> Bool {
        inbox.close()
        return await ended.wait(limit: .seconds(Limits.stopSeconds))
    }

    // MARK: On the core thread

    private func main(
        _ sinks: [@Sendable ([Effect]) -> Void],
        _ opened: @Sendable (Result<RecoveryReport, ServeError>) -> Void
    ) {
        platform_name_thread("iii-core")
        // Every client of a batch waits for this thread to learn that it is on disk. Among busy
        // threads it would otherwise wait for a tick of the scheduler, several times the sync.
        _ = platform_use_slices(Limits.coreSlice)
        switch configuration.log.io {
        case .plain:
            run(PlainStorage(path: path, waker: waker), sinks, opened)
        case .uring, .auto:
            let ring: UringStorage
            do throws(StorageError) {
                ring = try UringStorage(path: path, waker: waker)
            } catch {
                guard configuration.log.io == .auto, case .ringUnavailable = error else {
                    return opened(.failure(ServeError(error)))
                }
                report.notice(
                    Notice(severity: .warning, text: "\(error); plain system calls are used")
                )
                return run(
                    PlainStorage(path: path, waker: waker, reason: error),
                    sinks,
                    opened
                )
            }
            run(ring, sinks, opened)
        }
    }

    private func run<Store: Storage & ~Copyable>(
        _ store: consuming Store,
        _ sinks: [@Sendable ([Effect]) -> Void],
        _ opened: @Sendable (Result<RecoveryReport, ServeError>) -> Void
    ) {
        var entropy = SystemEntropy()
        let engine: Engine<Store, SystemEntropy>
        let recovery: RecoveryReport
        do throws(LogError) {
            let claim = try LogClaim(store)
            // Only now does nobody else make snapshots, and remove what an older one needs.
            let snapshot = Snapshot.newest(for: configuration, skipped: warn)
            let known = snapshot.start
            // They have one owner: what a second one holds would be copied on a change, and stay.
            var views = (consume snapshot).views
            let progress = RecoveryProgress(path: path, from: known.next, tell: self.progress)
            let log = try CommitLog(
                opening: claim,
                options: LogOptions(segmentBytes: configuration.log.segmentBytes),
                entropy: &entropy,
                now: SystemClock().now().wall,
                known: known,
                replay: { (record) throws(DecodeError) in
                    progress.passed(record.offset)
                    try views.apply(record)
                }
            )
            recovery = log.recovery
            Snapshot.setAside(above: recovery.next, in: path, tell: warn)
            // Reading the log may have taken long: what counts from the start counts from here.
            let start = SystemClock().now()
            engine = try Engine(
                log: log,
                views: consume views,
                options: engineOptions,
                random: entropy,
                now: start
            )
        } catch {
            return opened(.failure(ServeError(error, data: path)))
        }
        let first = engine.log.segment(of: recovery.snapshot ?? .zero)
        let rolled = keepers(engine: engine.log.engine, segment: first)
        tail.move(to: engine.log.durable)
        let loop = CoreLoop(
            engine: engine,
            inbox: inbox,
            clock: SystemClock(),
            sinks: sinks,
            notify: report.notice,
            rolled: rolled,
            tail: tail,
            polling: hasOwnProcessor ? HaltPolling() : nil,
            drained: drained.arrive
        )
        warnOfFileSystem()
        opened(.success(recovery))
        live(loop)
    }

    private func live<Store: Storage & ~Copyable>(
        _ loop: consuming CoreLoop<Store, SystemEntropy, SystemClock>
    ) {
        do throws(LogError) {
            try loop.run()
            ended.arrive()
        } catch {
            fail(error)
        }
    }

    private var engineOptions: EngineOptions {
        EngineOptions(configuration, version: Server.version, outbound: outbound)
    }

    /// Who is told where the log goes on: both look after what was sealed.
    private func keepers(
        engine: UUID128,
        segment: UInt64
    ) -> @Sendable (_ segment: UInt64, _ base: Offset) -> Void {
        let snapshots = SnapshotKeeper(
            configuration,
            engine: engine,
            segment: segment,
            notify: report.notice,
            rewritten: segments.look
        )
        segments.accompany(snapshots.look)
        return { [segments] number, base in
            snapshots.rolled(to: number, base: base)
            segments.look()
        }
    }

    private func warnOfFileSystem() {
        // What cannot be asked need not be warned of.
        guard let warning = try? FileSystem(of: path).warning(path: path) else { return }
        warn(warning)
    }

    private func warn(_ text: String) { report.notice(Notice(severity: .warning, text: text)) }

    /// The device broke its promise: nobody may be told anything more. What was told is on disk.
    private func fail(_ error: LogError) -> Never {
        let isThere = access("\(path)/MANIFEST", F_OK) == 0 || errno != ENOENT
        let fate =
            isThere
            ? "Everything that was acknowledged is on disk. The engine stops here; start it again "
                + "when the device is well."
            : "The files of \(path) were removed while the engine ran, and what was written to them "
                + "is gone. The engine stops here; restore a backup before it is started again."
        report.fatal(
            "the log cannot go on: \(error)\n\(fate)",
            code: ServeError(error, data: path).code
        )
        platform_end_groups()
        _exit(74)
    }
}

extension EngineOptions {
    init(_ configuration: Configuration, version: String, outbound: OutboundPolicy) {
        self.init(
            version: version,
            process: UInt64(getpid()),
            queues: configuration.queue.queues.mapValues { QueueSettings($0) },
            duplicates: configuration.engine.duplicateFunctions == .reject ? .reject : .balance,
            namespaceGrace: configuration.engine.registrationNamespaceGrace.unsigned,
            responseTimeout: configuration.http.timeout.unsigned,
            invocationTimeout: configuration.engine.invocationTimeout?.unsigned,
            deliveryLease: configuration.queue.lease.nanoseconds > 0
                ? configuration.queue.lease.unsigned : nil,
            observe: configuration.engine.observe,
            recordBytes: LogOptions(segmentBytes: configuration.log.segmentBytes).recordBytes,
            outbound: outbound
        )
        let all = configuration.allWorkerListeners
        listeners = all.map(\.access.rules)
        for (number, listener) in all.enumerated() {
            listenerSecrets[number] = listener.access.secrets(configuration.httpFunctions.secrets)
        }
        streamAuthentication = configuration.stream.authFunction
        streamJoinsNeedAnswers = configuration.stream.join == .required
        placeholders = Placeholders(
            // The engine's own variables, its token among them, are no business of workers.
            variables: Configuration.Sources.environment().filter { !$0.key.hasPrefix("III_") },
            version: version,
            bytesMax: 1 << 20
        )
        configurationTTL =
            configuration.entries.ttl.nanoseconds > 0 ? configuration.entries.ttl.unsigned : nil
        timeZones = ZoneDatabase.zones(standard: configuration.cron.timezone)
        http = configuration.http.rules
        stateTriggers = configuration.state.triggersEnabled
        stateValueBytes = configuration.state.maxValueBytes
        telemetry = configuration.telemetry
        if case .interval(let ahead) = configuration.engine.durability {
            releaseAhead = ahead.unsigned
        }
        holdsBatches = true
    }
}

extension QueueSettings {
    /// A function queue calls its function as often as it may retry, and at least once
    /// (services 2, A.5).
    fileprivate init(_ queue: Configuration.FunctionQueue) {
        self.init(
            fifo: queue.type == .fifo,
            concurrency: queue.concurrency,
            attempts: max(1, queue.maxRetries),
            backoff: queue.backoff,
            groupField: queue.messageGroupField
        )
    }
}

extension Timestamp.Span {
    fileprivate var unsigned: UInt64 { UInt64(max(0, nanoseconds)) }
}
