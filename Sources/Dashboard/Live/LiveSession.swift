import JSON
import NIOCore
import NetServer
import Primitives

/// The sockets of one event loop that are told how the engine is. Confined to that loop.
///
///     new -- whole picture --> current -- slow --> behind -- writable --> new
///
/// A socket that does not take what it is sent is not sent more: once it does, it gets the whole
/// picture as that is then.
final class LiveMembers {
    private let loop: any EventLoop
    private let number: Int
    private let version: String
    private let home: LiveHome
    private var sessions: [UInt64: LiveSession] = [:]
    private var made: UInt64 = 0

    /// Sockets of one event loop.
    private static let limit = 64

    init(loop: any EventLoop, number: Int, version: String, home: LiveHome) {
        self.loop = loop
        self.number = number
        self.version = version
        self.home = home
    }

    var isFull: Bool { sessions.count >= Self.limit }

    func makeSession() -> LiveSession {
        made += 1
        return LiveSession(made, self)
    }

    // MARK: From sockets

    fileprivate func opened(_ session: LiveSession, _ socket: WebSocketSocket) {
        sessions[session.id] = session
        var json = JSONBuilder()
        json.beginObject()
        json.key("type")
        json.string("hello")
        json.key("version")
        json.string(version)
        json.key("now_ms")
        json.integer(SystemClock().now().wall.milliseconds)
        json.endObject()
        let hello = json.finish().bytes
        socket.sendText(reserving: hello.count) { $0.writeBytes(hello) }
        socket.flush()
        wants(session)
    }

    /// The session wants the whole picture.
    fileprivate func wants(_ session: LiveSession) {
        home.join(number, NIOLoopBound(self, eventLoop: loop), session: session.id)
    }

    fileprivate func closed(_ session: LiveSession) {
        sessions[session.id] = nil
        if sessions.isEmpty { home.leave(number) }
    }

    // MARK: From the publisher

    /// What has changed, for everybody who knows the rest.
    func deliver(changes: ByteBuffer) {
        for session in sessions.values { session.deliver(changes: changes) }
    }

    func deliver(whole: ByteBuffer, to id: UInt64) { sessions[id]?.deliver(whole: whole) }
}

/// One socket that is told how the engine is. Confined to its event loop.
final class LiveSession: WebSocketSession {
    private enum Knowledge { case none, current, behind }

    fileprivate let id: UInt64
    private let members: LiveMembers
    private var socket: WebSocketSocket?
    private var knowledge = Knowledge.none

    fileprivate init(_ id: UInt64, _ members: LiveMembers) {
        self.id = id
        self.members = members
    }

    fileprivate func deliver(changes: ByteBuffer) {
        guard knowledge == .current, let socket else { return }
        guard socket.isWritable else {
            knowledge = .behind
            return
        }
        socket.send(changes)
        socket.flush()
    }

    fileprivate func deliver(whole: ByteBuffer) {
        guard knowledge == .none, let socket else { return }
        knowledge = .current
        socket.send(whole)
        socket.flush()
    }

    // MARK: From the socket

    func opened(_ socket: WebSocketSocket) {
        self.socket = socket
        members.opened(self, socket)
    }

    // Nothing is asked for yet: what comes is for later versions.
    func text(_ message: UnsafeBufferPointer<UInt8>) {}
    func binary(_ message: UnsafeBufferPointer<UInt8>) {}
    func readCompleted() {}

    func writable(_ isWritable: Bool) {
        guard isWritable, knowledge == .behind else { return }
        knowledge = .none
        members.wants(self)
    }

    func closed(_ reason: CloseReason) {
        socket = nil
        members.closed(self)
    }
}
