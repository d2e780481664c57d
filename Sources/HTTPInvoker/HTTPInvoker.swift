package import Engine
package import HTTPFunctions
package import NIOCore
package import Primitives

/// What all requests of a process have in common.
package struct InvokerSettings: Sendable {
    package var policy: OutboundPolicy
    /// The variables that ``OutboundPolicy/knownSecrets`` names, with their values.
    package var secrets: [String: String]
    /// A response's body, in bytes.
    package var responseBytes: Int
    package var resolver: Resolver
    package var tls: ClientTLS
    /// What connections take their descriptors from; nil: the process has enough.
    package var descriptors: DescriptorShare?

    package init(
        policy: OutboundPolicy,
        secrets: [String: String] = [:],
        responseBytes: Int = 10 << 20,
        resolver: Resolver,
        tls: ClientTLS
    ) {
        self.policy = policy
        self.secrets = secrets
        self.responseBytes = responseBytes
        self.resolver = resolver
        self.tls = tls
    }
}

/// Runs functions by HTTP requests, those of one event loop. Confined to it.
///
/// Every fetch ends in exactly one ``Command/fetched(_:_:)``, at the latest at its deadline.
package final class HTTPInvoker {
    private let inbox: Inbox
    private let loop: any EventLoop
    private let settings: InvokerSettings
    private let clock: any Clock
    private var underWay = 0

    package init(
        inbox: Inbox,
        loop: any EventLoop,
        settings: InvokerSettings,
        clock: any Clock = SystemClock()
    ) {
        self.inbox = inbox
        self.loop = loop
        self.settings = settings
        self.clock = clock
    }

    /// Carries out the effects that are requests to somewhere else.
    package func carryOut(_ effect: Effect) {
        guard case .fetch(let fetch) = effect else { return }
        let id = fetch.dispatch.invocation
        guard underWay < Limits.fetches else {
            let busy = "\(underWay) requests are under way; try again later"
            return report(id, .failure(Self.failed(busy)))
        }
        underWay += 1
        settings.run(fetch, on: loop, at: clock.now().wall) { result in
            self.underWay -= 1
            self.report(id, result)
        }
    }

    private func report(_ id: UUID128, _ result: FunctionResult) {
        var bytes = 256
        if case .value(let value) = result { bytes += value.count }
        var commands = [Command.fetched(id, result)]
        // What is under way is bounded, so that what waits is.
        _ = inbox.offer(&commands, bytes: bytes)
    }

    /// A request that brought no response.
    static func failed(_ message: String) -> ErrorBody {
        ErrorBody(code: "http_request_failed", message: message)
    }
}

extension InvokerSettings {
    /// Makes one request, which says that it was made at `time`. On `loop`, where `done` is called
    /// once.
    func run(
        _ fetch: Effect.Fetch,
        on loop: any EventLoop,
        at time: Timestamp,
        done: @escaping (FunctionResult) -> Void
    ) {
        do throws(ErrorBody) {
            // Once more: what was allowed when the function was registered need not be now.
            try policy.check(fetch.endpoint.url)
            let request = try OutboundRequest(fetch, secrets: secrets, seconds: time.seconds)
            OutboundCall(request, self, loop, done).start()
        } catch {
            done(.failure(error))
        }
    }
}
