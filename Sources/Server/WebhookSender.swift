import Engine
import HTTPFunctions
import HTTPInvoker
import NIOCore
import Observability
import Primitives

/// Tells servers that operators named of alerts, under the rules for functions that are invoked by
/// HTTP. What is not taken is sent again three times; nobody waits for it, and a stop of the engine
/// ends it.
final class WebhookSender: Sendable {
    private let settings: InvokerSettings
    private let report: Report

    /// For one attempt, in milliseconds.
    private static let timeout: Int64 = 30_000
    /// Before each further attempt, unless the server asks for a longer pause.
    private static let pauses: [TimeAmount] = [.seconds(1), .seconds(2), .seconds(4)]

    init(_ settings: InvokerSettings, report: Report) {
        self.settings = settings
        self.report = report
    }

    /// On `loop`.
    func send(_ hook: Effect.Webhook, on loop: any EventLoop) {
        var headers = JSONHeaders()
        headers.add("content-type", "application/json")
        do throws(ErrorBody) {
            let endpoint = try Endpoint(
                headers.invocation(url: hook.url, timeout: Self.timeout),
                settings.policy
            )
            send(OutboundPost(endpoint: endpoint, body: hook.body), hook, Self.pauses[...], loop)
        } catch {
            tell(hook, error.message)
        }
    }

    private func send(
        _ post: OutboundPost,
        _ hook: Effect.Webhook,
        _ pauses: ArraySlice<TimeAmount>,
        _ loop: any EventLoop
    ) {
        settings.send(post, on: loop) { outcome in
            switch outcome {
            case .accepted: break
            case .refused(let reason): self.tell(hook, reason)
            case .failed(let reason, let asked):
                guard let pause = pauses.first else { return self.tell(hook, reason) }
                loop.assumeIsolated().scheduleTask(in: max(pause, asked)) {
                    self.send(post, hook, pauses.dropFirst(), loop)
                }
            }
        }
    }

    private func tell(_ hook: Effect.Webhook, _ reason: String) {
        let url = AlertRule.Action.shown(hook.url)
        let text = "alert \(hook.alert) could not be told to \(url): \(reason)"
        report.notice(Notice(severity: .warning, text: text))
    }
}
