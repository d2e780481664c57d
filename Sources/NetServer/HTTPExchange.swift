package import NIOCore
package import Primitives

/// A piece of a request's body.
package enum HTTPBodyPart: Equatable, Sendable {
    case bytes(ByteBuffer)
    /// The body was complete. Nothing follows.
    case end
}

/// One request's place on its connection, where the reply goes. Confined to its event loop.
///
/// The reply is given in one piece, by ``respond(_:)``, or as it is made:
/// ``begin(_:)``, any number of ``write(_:)``, and ``end()`` or ``abort()``. A body
/// that did not come with the request can be read before and while that goes on; what nobody reads
/// is dropped in the end.
package final class HTTPExchange {
    package let eventLoop: any EventLoop
    /// Whether a body, of whatever length, can be read.
    package private(set) var hasBody: Bool
    /// Whether the body is wanted whole and has not come yet: see ``collectBody(_:)``.
    package private(set) var awaitsBody: Bool
    /// Called when the client goes away before the end of the reply; none is needed any more then.
    package var onAbandoned: (() -> Void)?
    /// Called when a client that was slow has taken enough of what was written.
    package var onWritable: (() -> Void)?
    /// What the service knows the request by, for the answer to a body that does not come.
    package var trace: TraceID?

    private enum Reply { case none, begun, given }

    private var connection: HTTPConnection?
    private var reply = Reply.none
    private var onBody: ((HTTPBodyPart) -> Void)?
    private var onWholeBody: (([UInt8]) -> Void)?

    init(
        eventLoop: any EventLoop,
        connection: HTTPConnection,
        hasBody: Bool,
        awaitsBody: Bool = false
    ) {
        self.awaitsBody = awaitsBody
        self.eventLoop = eventLoop
        self.connection = connection
        self.hasBody = hasBody
    }

    // MARK: The reply in one piece

    /// Sends the reply; dropped when the client is gone. To be called once.
    package func respond(_ reply: HTTPReply) {
        eventLoop.assertInEventLoop()
        precondition(self.reply == .none, "An exchange has one reply.")
        release()?.respond(reply)
    }

    /// Becomes a WebSocket in place of a reply.
    ///
    /// - Returns: what is wrong with the request, which is to be answered then; nil: nothing is.
    package func upgrade(
        _ settings: WebSocketSettings,
        _ makeSession: () -> any WebSocketSession
    ) -> (status: Int, reason: String)? {
        eventLoop.assertInEventLoop()
        precondition(reply == .none, "An exchange has one reply.")
        if let defect = connection?.upgradeDefect { return (defect.status, defect.reason) }
        release()?.becomeWebSocket(settings, makeSession())
        return nil
    }

    // MARK: The reply as it is made

    /// Sends the head; the body follows, of a length that nobody knows.
    package func begin(_ reply: HTTPReply) {
        eventLoop.assertInEventLoop()
        precondition(self.reply == .none, "An exchange has one reply.")
        self.reply = .begun
        connection?.begin(reply)
    }

    /// Sends a piece of the body, at once.
    package func write(_ bytes: ByteBuffer) {
        eventLoop.assertInEventLoop()
        precondition(reply == .begun, "A body stands between the begin and the end of its reply.")
        connection?.write(body: bytes)
    }

    /// The body is complete.
    package func end() {
        eventLoop.assertInEventLoop()
        precondition(reply == .begun, "What ends has begun.")
        release()?.end()
    }

    /// The body will never be complete: the client sees the connection break.
    package func abort() {
        eventLoop.assertInEventLoop()
        release()?.abort()
    }

    /// Whether more should be written: the client takes it.
    package var isWritable: Bool { connection?.isWritable ?? false }

    private func release() -> HTTPConnection? {
        reply = .given
        defer { forget() }
        return connection
    }

    private func forget() {
        connection = nil
        onAbandoned = nil
        onWritable = nil
        onBody = nil
        onWholeBody = nil
    }

    // MARK: The request's body

    /// Reads the body: `onPart` is called for every piece, until ``pauseBody()``.
    package func readBody(_ onPart: @escaping (HTTPBodyPart) -> Void) {
        eventLoop.assertInEventLoop()
        guard connection != nil else { return }
        onBody = onPart
        connection?.resumeBody()
    }

    /// Has the whole body received, of a request that came before it, and handed to `then`. Where
    /// it is too large, or does not come, the client is told so and the exchange is abandoned.
    package func collectBody(_ then: @escaping ([UInt8]) -> Void) {
        eventLoop.assertInEventLoop()
        precondition(awaitsBody, "A body is collected once.")
        guard connection != nil else { return }
        onWholeBody = then
        connection?.resumeBody()
    }

    package func pauseBody() { connection?.pauseBody() }

    package func resumeBody() { connection?.resumeBody() }

    // MARK: From the connection

    func receive(_ part: HTTPBodyPart) { onBody?(part) }

    /// Whether the connection is to keep the pieces until the last one.
    var isCollecting: Bool { onWholeBody != nil }

    func receive(wholeBody body: [UInt8]) {
        let then = onWholeBody
        onWholeBody = nil
        awaitsBody = false
        hasBody = false
        then?(body)
    }

    func becameWritable() { onWritable?() }

    /// The client is gone.
    func abandon() {
        let callback = onAbandoned
        forget()
        callback?()
    }
}
