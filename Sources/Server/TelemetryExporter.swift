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
    }

    /// A batch that is being sent, or will be again.
    private struct Pending {
        let post: OutboundPost
        let count: Int
        let path: String
        var attempts = 0
    }

    private let log: FollowedLog
    private let settings: Settings
    private let invoker: InvokerSettings
    private let loop: any EventLoop
    private let report: Report
    /// By the paths that are busy.
    private var busy: Set<String> = []
    private var lost = 0
    private var lastNotice: NIODeadline?

    /// Of each kind at a time.
    private static let batch = 512
    private static let period = TimeAmount.seconds(1)
    private static let timeout: Int64 = 10_000
    private static let attempts = 6

    private init(
        _ log: FollowedLog,
        _ settings: Settings,
        _ invoker: InvokerSettings,
        _ loop: any EventLoop,
        _ report: Report
    ) {
        self.log = log
        self.settings = settings
        self.invoker = invoker
        self.loop = loop
        self.report = report
    }

    /// Sends from now on, on `loop`.
    static func start(
        _ log: FollowedLog,
        _ settings: Settings,
        _ invoker: InvokerSettings,
        on loop: any EventLoop,
        report: Report
    ) {
        log.export()
        loop.execute {
            TelemetryExporter(log, settings, invoker, loop, report).wait()
        }
    }

    private func wait() {
        loop.assumeIsolated().scheduleTask(in: Self.period) {
            self.look()
            self.wait()
        }
    }

    private func look() {
        let free: Set<String> = Set(OTLPExport.paths).subtracting(busy)
        guard !free.isEmpty else { return }
        for batch in log.takeExports(limit: Self.batch, of: free) {
            do throws(ErrorBody) {
                send(try pending(batch))
            } catch {
                lose(batch.count, error.message)
            }
        }
    }

    private func pending(_ batch: OTLPExport) throws(ErrorBody) -> Pending {
        var headers = JSONHeaders()
        for header in settings.headers { headers.add(header.name, header.value) }
        headers.add("content-type", settings.isJSON ? "application/json" : "application/x-protobuf")
        let endpoint = try Endpoint(
            headers.invocation(url: settings.base + batch.path, timeout: Self.timeout),
            invoker.policy
        )
        return Pending(
            post: OutboundPost(endpoint: endpoint, body: batch.body(isJSON: settings.isJSON)),
            count: batch.count,
            path: batch.path
        )
    }

    private func send(_ pending: Pending) {
        busy.insert(pending.path)
        invoker.send(pending.post, on: loop) { outcome in
            switch outcome {
            case .accepted: self.busy.remove(pending.path)
            case .refused(let reason):
                self.busy.remove(pending.path)
                self.lose(pending.count, reason)
            case .failed(let reason): self.retry(pending, reason)
            }
        }
    }

    private func retry(_ pending: Pending, _ reason: String) {
        var next = pending
        next.attempts += 1
        guard next.attempts < Self.attempts else {
            busy.remove(pending.path)
            return lose(pending.count, reason)
        }
        let pause = TimeAmount.seconds(Int64(1) << Int64(pending.attempts))
        loop.assumeIsolated().scheduleTask(in: pause) { self.send(next) }
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
