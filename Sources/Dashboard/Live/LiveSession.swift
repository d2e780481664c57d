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
    private let home: LivePublisherHandle
    private var sessions: [UInt64: LiveSession] = [:]
    private var made: UInt64 = 0
    /// What the publisher was told that sessions watch.
    private var watches: Set<StreamWatch> = []

    /// Sockets of one event loop.
    private static let limit = 64

    init(loop: any EventLoop, number: Int, version: String, home: LivePublisherHandle) {
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
        guard !sessions.isEmpty else {
            watches = []
            return home.leave(number)
        }
        watchesChanged()
    }

    fileprivate func watchesChanged() {
        let now = Set(sessions.values.compactMap(\.watch))
        guard now != watches else { return }
        watches = now
        home.watch(number, now)
    }

    // MARK: From the publisher

    /// What has changed, for everybody who knows the rest.
    func deliver(changes: ByteBuffer, events: [StreamWatch: ByteBuffer]) {
        for session in sessions.values { session.deliver(changes: changes, events: events) }
    }

    /// The whole picture, and what has happened to watched streams, for one that knew nothing.
    func deliver(whole: ByteBuffer, events: [StreamWatch: ByteBuffer], to id: UInt64) {
        sessions[id]?.deliver(whole: whole, events: events)
    }
}

/// One socket that is told how the engine is. Confined to its event loop.
final class LiveSession: WebSocketSession {
    private enum Knowledge { case none, current, behind }

    fileprivate let id: UInt64
    private let members: LiveMembers
    private var socket: WebSocketSocket?
    private var knowledge = Knowledge.none
    /// Whether it was not told of something that does not come again.
    private var hasMissed = false
    fileprivate private(set) var watch: StreamWatch?

    fileprivate init(_ id: UInt64, _ members: LiveMembers) {
        self.id = id
        self.members = members
    }

    fileprivate func deliver(changes: ByteBuffer, events: [StreamWatch: ByteBuffer]) {
        guard knowledge == .current, let socket else { return }
        guard socket.isWritable else {
            knowledge = .behind
            hasMissed = true
            return
        }
        socket.send(changes)
        if let watch, let frames = events[watch] { socket.send(frames) }
        socket.flush()
    }

    fileprivate func deliver(whole: ByteBuffer, events: [StreamWatch: ByteBuffer]) {
        guard knowledge == .none, let socket else { return }
        knowledge = .current
        if hasMissed {
            hasMissed = false
            let missed = JSONValue.object(["type": .string("missed")]).text.bytes
            socket.sendText(reserving: missed.count) { $0.writeBytes(missed) }
        }
        socket.send(whole)
        if let watch, let frames = events[watch] { socket.send(frames) }
        socket.flush()
    }

    // MARK: From the socket

    func opened(_ socket: WebSocketSocket) {
        self.socket = socket
        members.opened(self, socket)
    }

    // What says nothing of a watch is for later versions.
    func text(_ message: UnsafeBufferPointer<UInt8>) {
        switch StreamWatch.wish(in: Array(message)) {
        case nil: return
        case .nothing?: watch = nil
        case .stream(let wanted)?: watch = wanted
        }
        members.watchesChanged()
    }

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
