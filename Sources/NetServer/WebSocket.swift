package import NIOCore
package import Primitives

/// What a WebSocket connection does with what it receives. Confined to the event loop of its
/// connection, on which every method is called.
package protocol WebSocketSession: AnyObject {
    /// The 101 was written; messages may be sent from now on.
    func opened(_ socket: WebSocketSocket)
    /// A complete, unmasked message in valid UTF-8. The memory is valid during the call only.
    func text(_ message: UnsafeBufferPointer<UInt8>)
    /// A complete, unmasked message. The memory is valid during the call only.
    func binary(_ message: UnsafeBufferPointer<UInt8>)
    /// All of what the socket had to give was delivered: the time to hand a batch over.
    func readCompleted()
    /// The unwritten bytes went over the upper water mark, or back under the lower one; or the
    /// connection ended, and they with it, while messages are held back by a pause.
    func writable(_ isWritable: Bool)
    /// The peer has shown that it is there, after ``WebSocketSocket/probe()``.
    func answeredProbe()
    /// No further call will follow. Comes exactly once, and never from within a call of the session
    /// to its socket.
    func closed(_ reason: CloseReason)
    /// The peer is not ready for its end yet: a shutdown of the listener waits for it, though no
    /// longer than ``WebSocketSettings/settlingTime``.
    var isSettling: Bool { get }
}

extension WebSocketSession {
    package var isSettling: Bool { false }
}

extension WebSocketSession {
    package func answeredProbe() {}
}

/// Why a connection ended, or was ended.
package enum CloseReason: Equatable, Sendable {
    /// The peer's Close frame, with the code that it gave, if any.
    case peer(code: UInt16?)
    /// The TCP connection ended without a Close frame.
    case disconnected
    /// The socket failed.
    case reset(String)
    /// The peer broke the protocol or a limit: 1002, 1007 or 1009.
    case protocolError(code: UInt16, String)
    /// Nothing came for as long as three pings take.
    case silent
    /// More bytes were waiting to be written than ``WebSocketSettings/outboundBytes``.
    case slow
    /// It took nothing of what it was sent for as long as TCP was told to wait.
    case stalled
    /// ``WebSocketSocket/close(code:reason:)``.
    case closed(code: UInt16)
    /// ``WebSocketSocket/abort()``.
    case aborted
    /// The listener is being closed.
    case shutdown
}

extension CloseReason: CustomStringConvertible {
    /// In words, as they are recorded.
    package var description: String {
        switch self {
        case .peer(code: let code?): "closed by the peer with \(code)"
        case .peer(code: nil): "closed by the peer"
        case .disconnected: "disconnected"
        case .reset(let error): "the socket failed: \(error)"
        case .protocolError(code: let code, let error): "closed with \(code): \(error)"
        case .silent: "silent"
        case .slow: "too slow: too much of what it was sent waited for it"
        case .stalled: "it took nothing of what it was sent"
        case .closed(code: let code): "closed by the engine with \(code)"
        case .aborted: "aborted"
        case .shutdown: "shutdown"
        }
    }
}

/// The request that may become a WebSocket.
package struct UpgradeRequest: Sendable {
    /// As sent, without the query.
    package let path: String
    /// As sent, without the question mark.
    package let query: String?
    /// In order of arrival, the names in lower case.
    package let headers: [(name: String, value: String)]
    /// The peer's IP address without port; empty when unknown.
    package let remoteAddress: String
    /// The peer's port; 0 when unknown.
    package let remotePort: Int
    /// Whether it asks for a WebSocket. Accepting one that does not is answered with 426.
    package let isUpgrade: Bool
    /// Whether a browser asks if a page of another origin may ask what it would (Fetch, *CORS
    /// protocol*). It does so without what the request itself will present.
    package let isPreflight: Bool

    /// Whether it asks for events as they come (HTML, Server-sent events), not for a WebSocket.
    package var asksForEvents: Bool {
        !isUpgrade
            && headers.contains { $0.name == "accept" && $0.value.contains("text/event-stream") }
    }

    /// The first value under a name in lower case.
    package func header(_ name: String) -> String? {
        headers.first { $0.name == name }?.value
    }

    /// What it is refused with where somebody would have to be asked about more parameters than
    /// anybody needs; nil: they are few.
    package var refusalOfParameters: UpgradeDecision? {
        let separators = query?.utf8.count { $0 == UInt8(ascii: "&") } ?? 0
        guard separators >= Limits.handshakeParameters else { return nil }
        return .refuse(
            status: 400,
            body: "the query has more than \(Limits.handshakeParameters) parameters\n"
        )
    }
}

package enum UpgradeDecision {
    /// The closure is called on the connection's event loop when the handshake is complete.
    case accept(makeSession: () -> any WebSocketSession)
    /// The body is plain text; the connection closes.
    case refuse(status: Int, body: String)
    /// The connection closes without an answer: clients that take any status for final try again.
    case drop
    /// The response goes on for as long as the client listens. Only for requests that ask for
    /// events. The closure is called on the connection's event loop when the head was written.
    case serveEvents(
        headers: [(name: String, value: String)],
        makeSession: () -> any EventStreamSession
    )
    /// The page may ask: an answer without a body, and the connection closes. Only for requests
    /// that are preflights.
    case permit(headers: [(name: String, value: String)])
    /// As ``later(_:)``, where the request asks for events.
    case serveLater((_ decide: @escaping (UpgradeDecision) -> Void) -> Void)
    /// Somebody else has to be asked: another event loop, or an auth function. The closure is
    /// called at once, with a function that takes the decision: once, on the connection's event
    /// loop. Nobody is asked about a handshake that is not sound, and nobody has longer than
    /// ``WebSocketSettings/handshakeDeadline``.
    case later((_ decide: @escaping (UpgradeDecision) -> Void) -> Void)
}

/// Bounds of a listener for WebSockets.
package struct WebSocketSettings: Sendable {
    package var maximumConnections = 20_000
    /// What its connections take their descriptors from; nil: the process has enough.
    package var descriptors: DescriptorShare?
    /// Connections that the kernel completes ahead of us.
    package var backlog: Int32 = 4096
    /// From the accept to the end of the request's head.
    package var handshakeDeadline = TimeAmount.seconds(10)
    /// The request's line and headers, in bytes.
    package var headerBytes = 16 << 10
    package var headerCount = 100
    /// A received message, in bytes.
    package var messageBytes = Limits.messageBytes
    /// A sent frame's payload, in bytes; larger messages are fragmented.
    package var sentFrameBytes = Limits.sentFrameBytes
    /// Unwritten bytes at which a connection is dropped as too slow; one more message fits. It
    /// bounds memory: one that takes nothing at all is found by TCP.
    package var outboundBytes = 64 << 20
    /// Unwritten bytes at which a session hears that the peer is slow, and at which that it is not
    /// any more.
    package var waterMarks = (low: 256 << 10, high: 1 << 20)
    package var pingInterval = TimeAmount.seconds(20)
    /// Pings in a row after which a peer that sent no byte at all is taken for dead.
    package var silentPings = 3
    /// How old a connection is at most whose end at a shutdown is put off.
    package var settlingTime = TimeAmount.seconds(2)
    /// From our Close frame to the end of the connection.
    package var closeDeadline = TimeAmount.seconds(5)

    package init() {}
}
