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
    private static let retries = PostRetries(3)

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
            let post = OutboundPost(endpoint: endpoint, body: hook.body)
            settings.send(post, retries: Self.retries, on: loop) { outcome in
                switch outcome {
                case .accepted: break
                case .refused(let reason), .failed(let reason, _): self.tell(hook, reason)
                }
            }
        } catch {
            tell(hook, error.message)
        }
    }

    private func tell(_ hook: Effect.Webhook, _ reason: String) {
        let url = AlertRule.Action.shown(hook.url)
        let text = "alert \(hook.alert) could not be told to \(url): \(reason)"
        report.notice(Notice(severity: .warning, text: text))
    }
}
