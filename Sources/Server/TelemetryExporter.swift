import Engine
import HTTPFunctions
import HTTPInvoker
import NIOCore
import Observability
import Primitives

/// Sends what the follower of the log keeps to a collector of OpenTelemetry, by OTLP over HTTP: a
/// batch of each kind at a time, and again what may be taken later, with growing pauses.
///
/// Confined to its event loop. Memory is bounded by `ExportQueue`: while the collector is away, the
/// oldest makes room, and is counted. Nothing else waits for it.
final class TelemetryExporter {
    /// Where to, and how.
    struct Settings: Sendable {
        /// Without the paths that OTLP has for each kind.
        let base: String
        let isJSON: Bool
        /// Beside those that OTLP needs.
        let headers: [(name: String, value: String)]
        /// What the engine says of itself.
        let resource: OTLPExport.Resource
        /// Between two reports of the engine's own metrics.
        let metricsPeriod: TimeAmount
        let isDelta: Bool
    }

    /// Has the engine's own metrics collected, on the event loop; called back at most once.
    typealias Collector = @Sendable (@escaping ([MetricFamily]) -> Void) -> Void

    /// A batch that is being sent, or will be again.
    private struct Pending {
        let post: OutboundPost
        let count: Int
        let path: String
    }

    private let log: FollowedLog
    private let settings: Settings
    private let invoker: InvokerSettings
    private let loop: any EventLoop
    private let report: Report
    private let collect: Collector
    private var own: OwnMetrics
    /// Told when all was sent, once that is asked for.
    private var emptied: AsyncEvent?
    /// By the paths that are busy.
    private var busy: Set<String> = []
    private var lost = 0
    private var lastNotice: NIODeadline?

    /// Of each kind at a time.
    private static let batch = 512
    private static let period = TimeAmount.seconds(1)
    private static let timeout: Int64 = 10_000
    private static let retries = PostRetries(5)
    /// In the place of a path, so that they do not wait for workers' metrics.
    private static let ownMetrics = "own metrics"

    private init(
        _ log: FollowedLog,
        _ settings: Settings,
        _ invoker: InvokerSettings,
        _ loop: any EventLoop,
        _ report: Report,
        _ collect: @escaping Collector
    ) {
        self.collect = collect
        own = OwnMetrics(
            service: settings.resource.service,
            version: Server.version,
            isDelta: settings.isDelta,
            started: SystemClock().now().wall
        )
        self.log = log
        self.settings = settings
        self.invoker = invoker
        self.loop = loop
        self.report = report
    }

    /// Sends from now on, on `loop`.
    ///
    /// - Returns: who can be asked to send the rest.
    static func start(
        _ log: FollowedLog,
        _ settings: Settings,
        _ invoker: InvokerSettings,
        on loop: any EventLoop,
        report: Report,
        collect: @escaping Collector
    ) -> Handle {
        log.export()
        let exporter = loop.submit {
            let exporter = TelemetryExporter(log, settings, invoker, loop, report, collect)
            exporter.wait()
            exporter.waitForMetrics()
            return NIOLoopBound(exporter, eventLoop: loop)
        }
        return Handle(loop: loop, exporter: exporter)
    }

    /// An exporter, for other threads.
    struct Handle: Sendable {
        fileprivate let loop: any EventLoop
        fileprivate let exporter: EventLoopFuture<NIOLoopBound<TelemetryExporter>>

        /// Has the engine's own metrics taken once more, while there is an engine to ask.
        func takeLastMetrics() async {
            let taken = AsyncEvent()
            exporter.whenSuccess { $0.value.sendMetrics { taken.arrive() } }
            await taken.wait(limit: .seconds(1))
        }

        /// Sends what there is, and returns when all was taken or `limit` is over.
        func flush(limit: Duration) async {
            let emptied = AsyncEvent()
            exporter.whenSuccess { bound in
                bound.value.emptied = emptied
                bound.value.look()
            }
            await emptied.wait(limit: limit)
        }
    }

    private func wait() {
        loop.assumeIsolated().scheduleTask(in: Self.period) {
            self.look()
            self.wait()
        }
    }

    private func waitForMetrics() {
        loop.assumeIsolated().scheduleTask(in: settings.metricsPeriod) {
            self.sendMetrics {}
            self.waitForMetrics()
        }
    }

    /// `done` is called when they were taken, not when they were sent.
    private func sendMetrics(_ done: @escaping () -> Void) {
        collect { families in
            defer { done() }
            // A collector that does not take the last ones gets none.
            guard !self.busy.contains(Self.ownMetrics) else { return }
            let batch = self.own.take(families, at: SystemClock().now().wall)
            self.send(batch, as: Self.ownMetrics)
        }
    }

    private func look() {
        let free: Set<String> = Set(OTLPExport.paths).subtracting(busy)
        if !free.isEmpty {
            for batch in log.takeExports(limit: Self.batch, of: free) {
                send(batch, as: batch.path)
            }
        }
        if busy.isEmpty { emptied?.arrive() }
    }

    private func send(_ batch: OTLPExport, as name: String) {
        do throws(ErrorBody) {
            send(try pending(batch, as: name))
        } catch {
            lose(batch.count, error.message)
        }
    }

    /// The request is over, whatever it came to.
    private func ended(_ pending: Pending) {
        busy.remove(pending.path)
        // Who wants all sent does not wait for the next look.
        if emptied != nil { look() }
    }

    private func pending(_ batch: OTLPExport, as name: String) throws(ErrorBody) -> Pending {
        var headers = JSONHeaders()
        for header in settings.headers { headers.add(header.name, header.value) }
        headers.add("content-type", settings.isJSON ? "application/json" : "application/x-protobuf")
        let endpoint = try Endpoint(
            headers.invocation(url: settings.base + batch.path, timeout: Self.timeout),
            invoker.policy
        )
        return Pending(
            post: OutboundPost(
                endpoint: endpoint,
                body: batch.body(isJSON: settings.isJSON, of: settings.resource)
            ),
            count: batch.count,
            path: name
        )
    }

    private func send(_ pending: Pending) {
        busy.insert(pending.path)
        invoker.send(pending.post, retries: Self.retries, on: loop) { outcome in
            switch outcome {
            case .accepted(let answer): self.heed(answer, to: pending)
            case .refused(let reason), .failed(let reason, _): self.lose(pending.count, reason)
            }
            self.ended(pending)
        }
    }

    /// A collector may take a request and yet not all that is in it. That is not sent again.
    private func heed(_ answer: [UInt8], to pending: Pending) {
        guard let partial = PartialSuccess(answer, isJSON: settings.isJSON) else { return }
        // Of metrics it counts the points.
        let count = min(partial.rejected, pending.count)
        let reason = partial.reason.prefix(200)
        lose(count, "a part of it was rejected" + (reason.isEmpty ? "" : ": \(reason)"))
    }

    /// Told at the first loss, and once a minute while it goes on.
    private func lose(_ count: Int, _ reason: String) {
        lost += count
        log.exportsLost(count)
        let now = NIODeadline.now()
        if let lastNotice, now - lastNotice < .seconds(60) { return }
        lastNotice = now
        let text =
            "the collector at \(settings.base) does not take telemetry: \(reason); \(lost) spans, "
            + "logs and metrics were given up since the start"
        report.notice(Notice(severity: .warning, text: text))
    }
}
