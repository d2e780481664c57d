package import Engine
import HTTP
package import NIOCore
package import NetServer
import Primitives

/// The HTTP requests of one event loop: requests to commands, effects to responses.
///
/// Confined to its event loop. Requests leave in one batch per turn of the loop.
package final class HTTPGateway: HTTPService {
    private let inbox: Inbox
    private let loop: any EventLoop
    private let loopNumber: Int
    private var exchanges: [UInt64: HTTPExchange] = [:]
    private var nextNumber: UInt64 = 0
    private var commands: [Command] = []
    private var commandBytes = 0

    package init(inbox: Inbox, loop: any EventLoop, loopNumber: Int) {
        self.inbox = inbox
        self.loop = loop
        self.loopNumber = loopNumber
    }

    package func receive(_ request: NetServer.HTTPRequest, _ exchange: HTTPExchange) {
        nextNumber += 1
        let id = ExchangeID(loop: loopNumber, number: nextNumber)
        exchanges[id.number] = exchange
        exchange.onAbandoned = { [weak self] in self?.abandon(id) }
        let propagation = Propagation(
            traceparent: request.header("traceparent"),
            baggage: request.header("baggage")
        )
        let translated = HTTP.HTTPRequest(
            method: request.method,
            path: request.path,
            query: request.query,
            headers: request.headers,
            body: request.body
        )
        commands.append(.request(id, translated, propagation))
        commandBytes += request.body.count + 512
    }

    package func readCompleted() {
        guard !commands.isEmpty else { return }
        // One request per connection is under way, so that what waits is bounded by connections.
        _ = inbox.offer(&commands, bytes: commandBytes) {}
        commandBytes = 0
    }

    /// Carries out the effects that are for HTTP clients.
    package func carryOut(_ effect: Effect) {
        guard case .respond(let id, let reply, let trace) = effect,
            let exchange = exchanges.removeValue(forKey: id.number)
        else { return }
        var headers = reply.headers
        if let trace { headers.append(("x-iii-trace-id", trace.description)) }
        exchange.onAbandoned = nil
        exchange.respond(
            NetServer.HTTPReply(status: reply.status, headers: headers, body: reply.body)
        )
    }

    private func abandon(_ id: ExchangeID) {
        guard exchanges.removeValue(forKey: id.number) != nil else { return }
        // Behind its request, which may not have been handed over yet.
        commands.append(.requestAbandoned(id))
        readCompleted()
    }
}
