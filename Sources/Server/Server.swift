import CPlatform
import Dashboard
import Engine
import Glibc
import HTTPInvoker
import NIOCore
import NIOPosix
import Observability
import Primitives
import StreamGateway

/// The composition root: builds the parts in the order in which they depend on each other, runs
/// them, and takes them down in the opposite one.
package enum Server {
    package static let version = Release.version

    /// Serves until SIGTERM or SIGINT, then drains: no new work, what runs may finish for a while.
    ///
    /// `sources` is where `loaded` comes from, and is looked at again when the file is edited.
    ///
    /// - Returns: when everything is closed in order.
    /// - Throws: where it could not start, or not close in order; it has been told.
    package static func serve(
        _ loaded: Configuration.Loaded,
        from sources: Configuration.Sources,
        options: ServeOptions
    ) async throws(ServeError) {
        let report = Report(loaded.configuration.observability, isJSON: options.json)
        do throws(ServeError) {
            try await run(loaded, from: sources, options, report)
        } catch {
            report.fatal(error.message, code: error.code)
            throw error
        }
    }

    /// Tells programs, as an engine that reports as JSON, why there is no configuration to start
    /// with.
    package static func refuse(_ errors: ConfigurationErrors) {
        let report = Report(isJSON: true)
        for error in errors.errors { report.fatal("\(error)", code: error.code.rawValue) }
    }

    private static func run(
        _ loaded: Configuration.Loaded,
        from sources: Configuration.Sources,
        _ options: ServeOptions,
        _ report: Report
    ) async throws(ServeError) {
        let configuration = loaded.configuration
        let (files, outside) = prepareProcess()
        let signals = ProcessSignals()
        report.warn(loaded.warnings)
        PortsFile.removeStale(options.portsFile, data: configuration.engine.data)
        let descriptors = try Descriptors(configuration, limit: files, loops: loops, report)
        let outbound = try InvokerSettings(configuration, descriptors.outbound.share)
        let stage = DashboardStage(hosts: configuration.observability.dashboardHosts)
        let core = try Core(configuration, outbound, stage, report)
        let follower = LogFollower(configuration, core, report: report)
        let board = ProcessBoard()
        let dashboard = try DashboardEdge(configuration, stage, follower, board)
        let group = eventLoops()
        let edges = try Edges(configuration, group, core, outbound, dashboard, follower, report)
        let early = await dashboard.listen(descriptors.dashboard, edges: edges, group: group)
        let opened = try await core.start(sinks: edges.sinks)
        report.opened(opened, configuration)
        EntryFolder(configuration.entries, inbox: core.inbox, report: report)?.start()
        let exporter = exporter(of: follower.log, configuration, outbound, edges, group, report)
        let listeners: Listeners
        do throws(ServeError) {
            try follower.start()
            try TelemetryReader.start(core.inbox)
            let page = try early.get()
            listeners = try await .open(configuration, page, descriptors, edges, group, report)
            core.inbox.offer(.listening(listeners.addressTable))
            dashboard.ready(loaded, opened, listeners)
            report.listening(listeners, configuration)
            try await listeners.publishPorts(in: options.portsFile, report)
        } catch {
            _ = await core.stop()
            throw error
        }
        let processes = WorkerProcesses(loaded, sources, listeners, outside, options, board, report)
        processes.want(configuration.exec)
        let edits = ConfigurationWatch(loaded, from: sources, report: report) { edited in
            dashboard.configure(edited)
            guard edited.isTaken else { return }
            core.configure(edited.inForce)
            edges.configure(edited.inForce)
            follower.configure(edited.inForce)
            processes.want(edited.inForce.exec)
        }
        await take(edits, until: signals, report)
        PortsFile.remove(options.portsFile)
        dashboard.system.stage.stopping()
        let isClosed = await stop(core, listeners, processes, exporter, follower)
        try end(isClosed: isClosed, report)
        signals.cancel()
    }

    /// What a stop came to is the last thing that is said.
    ///
    /// - Throws: where the log is not closed.
    static func end(isClosed: Bool, _ report: Report) throws(ServeError) {
        guard isClosed else { throw .notClosed }
        report.stopped()
    }

    /// Takes edits until a signal asks for a stop; from then on the next one ends the process.
    private static func take(
        _ edits: ConfigurationWatch,
        until signals: ProcessSignals,
        _ report: Report
    ) async {
        edits.start()
        signals.onHangUp(edits.readAgain)
        let cause = await signals.arrivals.next()
        exitOnSecondSignal(signals.arrivals)
        report.stopping(cause)
        edits.stop()
    }

    /// In the opposite order of the start; what is told of it all reaches collectors last.
    ///
    /// - Returns: whether the log is closed in order.
    private static func stop(
        _ core: Core,
        _ listeners: Listeners,
        _ processes: WorkerProcesses,
        _ exporter: TelemetryExporter.Handle?,
        _ follower: LogFollower
    ) async -> Bool {
        await listeners.stopAccepting()
        await core.drain()
        // Before their connections end: else they would look for another engine.
        await processes.stop()
        await listeners.close()
        await exporter?.takeLastMetrics()
        let isClosed = await core.stop()
        await exporter?.flush(of: follower)
        return isClosed
    }

    /// Sends from now on what the configuration says; nil: nothing.
    private static func exporter(
        of log: FollowedLog,
        _ configuration: Configuration,
        _ outbound: InvokerSettings,
        _ edges: Edges,
        _ group: MultiThreadedEventLoopGroup,
        _ report: Report
    ) -> TelemetryExporter.Handle? {
        let environment = Configuration.Sources.environment()
        guard
            let settings = TelemetryExporter.Settings(configuration.observability, environment)
        else { return nil }
        return TelemetryExporter.start(
            log,
            settings,
            outbound.trusting(certificate: environment["OTEL_EXPORTER_OTLP_CERTIFICATE"]),
            on: group.next(),
            report: report,
            collect: edges.collectMetrics
        )
    }

    /// Files are for their owner alone; a vanished peer or a file limit is an error, not a signal.
    ///
    /// - Returns: how many file descriptors there may be, and what was changed that processes of
    ///   others are to have as it was.
    private static func prepareProcess() -> (files: Int, surroundings: ChildProcess.Surroundings) {
        let mask = umask(0o077)
        platform_keep_memory(Limits.keptBytes)
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        // Every worker is a file, and what a shell allows at first is about a thousand.
        let files = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard getrlimit(files, &limit) == 0 else {
            return (1024, ChildProcess.Surroundings(mask: mask, descriptors: 1024))
        }
        let surroundings = ChildProcess.Surroundings(
            mask: mask,
            descriptors: UInt64(limit.rlim_cur)
        )
        let allowed = limit.rlim_cur
        limit.rlim_cur = limit.rlim_max
        let granted = setrlimit(files, &limit) == 0 ? limit.rlim_cur : allowed
        return (Int(clamping: granted), surroundings)
    }

    /// How many event loops there are: one core is left for the core thread.
    static var loops: Int { max(1, System.coreCount - 1) }

    private static func eventLoops() -> MultiThreadedEventLoopGroup {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: loops)
        for loop in group.makeIterator() {
            loop.execute { _ = platform_use_slices(Limits.loopSlice) }
        }
        return group
    }

    /// Nothing is lost by it: what anybody was told is on disk.
    private static func exitOnSecondSignal(_ signals: ProcessSignals.Arrivals) {
        signals.onNext { _ in
            platform_end_groups()
            exit(1)
        }
    }
}

/// What `iii serve` is told beside the configuration.
package struct ServeOptions: Equatable, Sendable {
    /// Gets the ports that are listened on, as JSON.
    package var portsFile: String?
    /// Reports as JSON Lines.
    package var json: Bool
    /// Starts worker processes anew when their sources are edited.
    package var watchesSources: Bool

    package init(portsFile: String? = nil, json: Bool = false, watchesSources: Bool = false) {
        self.portsFile = portsFile
        self.json = json
        self.watchesSources = watchesSources
    }
}

extension Core {
    fileprivate convenience init(
        _ configuration: Configuration,
        _ outbound: InvokerSettings,
        _ stage: DashboardStage,
        _ report: Report
    ) throws(ServeError) {
        try self.init(
            configuration,
            outbound: outbound.policy,
            progress: stage.recovered,
            hasOwnProcessor: System.coreCount > 1,
            report
        )
    }
}

extension Edges {
    fileprivate convenience init(
        _ configuration: Configuration,
        _ group: MultiThreadedEventLoopGroup,
        _ core: Core,
        _ outbound: InvokerSettings,
        _ dashboard: DashboardEdge,
        _ follower: LogFollower,
        _ report: Report
    ) throws(ServeError) {
        self.init(
            group: group,
            inbox: core.inbox,
            outbound: outbound,
            http: configuration.http,
            streams: StreamSettings(configuration.stream),
            dashboard: dashboard.system,
            replayer: try StreamReplayer(path: configuration.engine.data, inbox: core.inbox),
            readings: try LogReadings(configuration, inbox: core.inbox),
            follower: follower,
            report: report
        )
    }
}

extension WorkerProcesses {
    fileprivate convenience init(
        _ loaded: Configuration.Loaded,
        _ sources: Configuration.Sources,
        _ listeners: Listeners,
        _ process: ChildProcess.Surroundings,
        _ options: ServeOptions,
        _ board: ProcessBoard,
        _ report: Report
    ) {
        let host = Host(
            url: listeners.workerURL(loaded.configuration),
            environment: sources.environment,
            surroundings: process,
            data: loaded.configuration.engine.data,
            watchesSources: options.watchesSources,
            board: board,
            report: report
        )
        self.init(host)
    }
}

extension StreamSettings {
    fileprivate init(_ configuration: Configuration.Stream) {
        self.init()
        slow = configuration.slow
        asksFunction = configuration.authFunction != nil
    }
}
