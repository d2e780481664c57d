import Glibc
import NIOCore
import NIOEmbedded
import Primitives
import Testing

@testable import NetServer

/// A connection on a channel without a socket, and a clock that moves by hand.
private struct Bench {
    let channel = EmbeddedChannel()
    let session: RecordingSession
    let connection: WebSocketConnection

    init(
        _ session: RecordingSession = RecordingSession(),
        settings: WebSocketSettings = WebSocketSettings()
    ) throws {
        self.session = session
        connection = WebSocketConnection(
            eventLoop: channel.eventLoop,
            settings: settings,
            session: session
        )
        try channel.pipeline.syncOperations.addHandler(connection)
        channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
    }

    func receive(_ bytes: [UInt8]) throws {
        try channel.writeInbound(ByteBuffer(bytes: bytes))
        channel.embeddedEventLoop.run()
    }

    /// The frames written and flushed since the last call.
    func sent() throws -> [ServerFrame] {
        var bytes: [UInt8] = []
        while let buffer = try channel.readOutbound(as: ByteBuffer.self) {
            bytes += buffer.readableBytesView
        }
        return ServerFrame.all(bytes)
    }

    func advance(seconds: Int64) { channel.embeddedEventLoop.advanceTime(by: .seconds(seconds)) }

    var socket: WebSocketSocket {
        get throws { try #require(session.socket) }
    }
    var notes: [RecordingSession.Note] { session.notes.all }
}

@Suite("WebSocket connection")
struct WebSocketConnectionTests {
    @Test("delivers messages, then the end of the read")
    func delivers() throws {
        let bench = try Bench()
        try bench.receive(text("a") + frame(2, [1, 2]))
        #expect(bench.notes == [.opened, .text("a"), .binary([1, 2]), .readCompleted])
        _ = try? bench.channel.finish()
    }

    @Test(
        "sends every length with the right header, whatever was expected",
        arguments: [0, 1, 125, 126, 65_535, 65_536, 80_000],
        [0, 125, 126, 70_000]
    )
    func headers(count: Int, expected: Int) throws {
        let bench = try Bench()
        let payload = (0..<count).map { UInt8(0x61 + $0 % 26) }
        let socket = try bench.socket
        socket.sendText(reserving: 1) { $0.writeString("before") }
        socket.sendText(reserving: expected) { $0.writeBytes(payload) }
        socket.sendBinary(reserving: 1) { $0.writeBytes([9]) }
        #expect(try bench.sent().isEmpty)
        socket.flush()
        let frames = try bench.sent()
        #expect(frames.count == 3)
        #expect(frames[0] == .text("before"))
        #expect(frames[1] == ServerFrame(opcode: 1, payload: payload))
        #expect(frames[2] == ServerFrame(opcode: 2, payload: [9]))
    }

    @Test("sends what exceeds a frame in fragments that are cut between code points")
    func fragments() throws {
        var settings = WebSocketSettings()
        settings.sentFrameBytes = 10
        let bench = try Bench(settings: settings)
        let string = String(repeating: "a€😀", count: 9)
        let socket = try bench.socket
        socket.sendText(reserving: 0) { $0.writeString("before") }
        socket.sendText(reserving: 0) { $0.writeString(string) }
        socket.sendText(reserving: 0) { $0.writeString("after") }
        socket.flush()
        var frames = try bench.sent()
        #expect(frames.removeFirst() == .text("before"))
        #expect(frames.removeLast() == .text("after"))
        #expect(frames.count > 7)
        #expect(frames.map(\.opcode) == [1] + Array(repeating: 0, count: frames.count - 1))
        #expect(frames.map(\.isFinal) == frames.indices.map { $0 == frames.count - 1 })
        for frame in frames {
            #expect(frame.payload.count <= 10)
            #expect(String(validating: frame.payload, as: UTF8.self) != nil)
        }
        #expect(frames.flatMap(\.payload) == Array(string.utf8))
    }

    @Test("writes all that is queued as one buffer")
    func oneWrite() throws {
        let bench = try Bench()
        for _ in 0..<5 { try bench.socket.sendText(reserving: 9) { $0.writeString("message") } }
        #expect(try bench.socket.outboundBytes == 45)
        try bench.socket.flush()
        #expect(try bench.channel.readOutbound(as: ByteBuffer.self)?.readableBytes == 45)
        #expect(try bench.channel.readOutbound(as: ByteBuffer.self) == nil)
    }

    @Test("answers a ping within the read, with its payload")
    func pong() throws {
        let bench = try Bench()
        try bench.receive(text("a", isFinal: false) + frame(9, [1, 2, 3]))
        #expect(try bench.sent() == [ServerFrame(opcode: 10, payload: [1, 2, 3])])
    }

    @Test("pings, and drops a peer that is silent for three pings")
    func silence() throws {
        let bench = try Bench()
        for _ in 0..<2 {
            bench.advance(seconds: 20)
            #expect(try bench.sent() == [ServerFrame(opcode: 9, payload: [])])
        }
        try bench.receive([0x81])
        for _ in 0..<3 {
            bench.advance(seconds: 20)
            #expect(try bench.sent().count == 1)
        }
        #expect(bench.session.notes.closings.isEmpty)
        bench.advance(seconds: 20)
        #expect(bench.session.notes.closings == [.silent])
        #expect(!bench.channel.isActive)
    }

    @Test("asks out of turn whether a peer is there, and tells of its pong once")
    func probe() throws {
        let bench = try Bench()
        let pong = frame(10, [])
        try bench.receive(pong)
        try bench.socket.probe()
        #expect(try bench.sent() == [ServerFrame(opcode: 9, payload: [])])
        #expect(!bench.notes.contains(.answeredProbe), "the pong came before the question")
        try bench.receive(pong + pong)
        #expect(bench.notes.filter { $0 == .answeredProbe }.count == 1)
    }

    @Test("a peer that sends more than is read is there, whatever its pong waits behind")
    func probeWhilePaused() throws {
        let bench = try Bench()
        try bench.socket.pauseReading()
        try bench.socket.probe()
        #expect(bench.notes.last == .answeredProbe)
        #expect(try bench.sent().isEmpty)
    }

    @Test("keeps a message that was begun before a silence")
    func trimKeepsProgress() throws {
        let bench = try Bench()
        let bytes = frame(1, Array("Hel€".utf8), isFinal: false) + frame(0, Array("lo".utf8))
        try bench.receive(Array(bytes[..<11]))
        bench.advance(seconds: 45)
        try bench.receive(Array(bytes[11...]))
        #expect(bench.session.notes.texts == ["Hel€lo"])
    }

    @Test("echoes the peer's close code and reports it")
    func peerCloses() throws {
        let bench = try Bench()
        try bench.receive(frame(8, [0x03, 0xE9] + Array("bye".utf8)) + text("late"))
        #expect(try bench.sent() == [.close(1001)])
        #expect(bench.notes == [.opened, .closed(.peer(code: 1001))])
        let other = try Bench()
        try other.receive(frame(8, []))
        #expect(try other.sent() == [ServerFrame(opcode: 8, payload: [])])
        #expect(other.session.notes.closings == [.peer(code: nil)])
    }

    @Test(
        "fails the connection with the code that fits",
        arguments: [
            (frame(3, []), 1002), (frame(1, [0xFF]), 1007),
            (frame(1, [], declaring: 1 << 63), 1009),
        ] as [([UInt8], UInt16)]
    )
    func fails(bytes: [UInt8], code: UInt16) throws {
        let bench = try Bench()
        try bench.receive(text("good") + bytes + text("late"))
        #expect(try bench.sent().map(\.closeCode) == [code])
        #expect(bench.session.notes.texts == ["good"])
        let reason = try #require(bench.session.notes.closings.first)
        guard case .protocolError(let reported, _) = reason else {
            Issue.record("\(reason)")
            return
        }
        #expect(reported == code)
        #expect(bench.session.notes.closings.count == 1)
    }

    @Test("closes: sends the frame behind what is queued, hears nothing more, reports once")
    func closes() throws {
        let bench = try Bench()
        let socket = try bench.socket
        socket.sendText(reserving: 4) { $0.writeString("last") }
        socket.close(code: 1012, reason: "restart")
        #expect(!socket.isOpen)
        socket.sendText(reserving: 4) { $0.writeString("dropped") }
        try bench.receive(text("ignored"))
        let frames = try bench.sent()
        #expect(frames.first == .text("last"))
        #expect(frames.map(\.closeCode) == [nil, 1012])
        #expect(bench.session.notes.closings == [.closed(code: 1012)])
        #expect(bench.session.notes.texts.isEmpty)
        #expect(bench.channel.isActive)
        try bench.receive(frame(8, [0x03, 0xF4]))
        #expect(!bench.channel.isActive)
        #expect(bench.session.notes.closings.count == 1)
    }

    @Test("does not wait for ever for the peer's close frame")
    func closeDeadline() throws {
        let bench = try Bench()
        try bench.socket.close(code: 1012)
        bench.advance(seconds: 4)
        #expect(bench.channel.isActive)
        bench.advance(seconds: 1)
        #expect(!bench.channel.isActive)
    }

    @Test("never reports from within a call to the socket")
    func reportsLater() throws {
        let bench = try Bench()
        let session = bench.session
        session.onText = { socket, _ in
            socket.abort()
            #expect(session.notes.closings.isEmpty)
        }
        try bench.receive(text("a") + text("b"))
        #expect(session.notes.closings == [.aborted])
        #expect(session.notes.texts == ["a"])
        #expect(!bench.channel.isActive)
    }

    @Test("tells the end of TCP from a socket's error")
    func endings() throws {
        let ended = try Bench()
        try ended.channel.close().wait()
        ended.channel.embeddedEventLoop.run()
        #expect(ended.session.notes.closings == [.disconnected])
        let failed = try Bench()
        failed.channel.pipeline.fireErrorCaught(IOError(errnoCode: 104, reason: "read"))
        failed.channel.embeddedEventLoop.run()
        guard case .reset = failed.session.notes.closings.first else {
            Issue.record("\(failed.notes)")
            return
        }
    }

    @Test("delivers nothing while paused, everything in order afterwards, also when TCP has ended")
    func pause() throws {
        let bench = try Bench()
        bench.session.onText = { socket, string in if string == "b" { socket.pauseReading() } }
        try bench.receive(text("a") + text("b") + text("c") + [0x81])
        try bench.receive(Array(text("d")[1...]) + text("e"))
        #expect(bench.session.notes.texts == ["a", "b"])
        try bench.socket.resumeReading()
        #expect(bench.session.notes.texts == ["a", "b"])
        bench.channel.embeddedEventLoop.run()
        #expect(bench.session.notes.texts == ["a", "b", "c", "d", "e"])
        #expect(bench.notes.last == .readCompleted)

        try bench.socket.pauseReading()
        try bench.receive(text("f") + text("b") + text("g"))
        try bench.receive(text("h"))
        try bench.channel.close().wait()
        bench.channel.embeddedEventLoop.run()
        #expect(bench.session.notes.closings.isEmpty)
        try bench.socket.resumeReading()
        bench.channel.embeddedEventLoop.run()
        #expect(bench.session.notes.texts.suffix(2) == ["f", "b"])
        try bench.socket.resumeReading()
        bench.channel.embeddedEventLoop.run()
        #expect(bench.session.notes.texts.suffix(2) == ["g", "h"])
        #expect(bench.notes.last == .closed(.disconnected))
    }

    @Test("a Close frame behind what is held says how it ended, also when TCP has ended")
    func heldClose() throws {
        let bench = try Bench()
        try bench.socket.pauseReading()
        try bench.receive(text("a") + text("b"))
        try bench.receive(frame(8, [0x03, 0xE8]))
        try bench.channel.close().wait()
        bench.channel.embeddedEventLoop.run()
        #expect(bench.session.notes.texts.isEmpty)
        try bench.socket.resumeReading()
        bench.channel.embeddedEventLoop.run()
        #expect(bench.session.notes.texts == ["a", "b"])
        #expect(bench.session.notes.closings == [.peer(code: 1000)])
    }

    @Test("who reads nothing until its peer has taken what it was sent hears that it went")
    func heldBehind() throws {
        let bench = try Bench()
        bench.session.onWritable = { socket, isWritable in
            if isWritable { socket.resumeReading() }
        }
        try bench.socket.pauseReading()
        try bench.receive(text("a"))
        try bench.channel.close().wait()
        bench.channel.embeddedEventLoop.run()
        #expect(bench.session.notes.texts == ["a"])
        #expect(bench.notes.last == .closed(.disconnected))
    }

    @Test("drops a peer that does not take what is sent")
    func slow() throws {
        var settings = WebSocketSettings()
        settings.outboundBytes = 1000
        let bench = try Bench(settings: settings)
        let socket = try bench.socket
        // One message may exceed the cap; the one after it is too much.
        socket.sendText(reserving: 2000) { $0.writeRepeatingByte(0x61, count: 2000) }
        #expect(socket.isOpen)
        socket.sendText(reserving: 1) { $0.writeString("a") }
        #expect(!socket.isOpen)
        bench.channel.embeddedEventLoop.run()
        #expect(bench.session.notes.closings == [.slow])
    }

    @Test("says what it holds, flushed or not")
    func holds() throws {
        let bench = try Bench()
        let socket = try bench.socket
        socket.sendText(reserving: 2000) { $0.writeRepeatingByte(0x61, count: 2000) }
        #expect(socket.holds(moreThan: 2000))
        #expect(!socket.holds(moreThan: 3000))
        socket.flush()
        #expect(!socket.holds(moreThan: 0))
    }

    @Test("a peer that TCP has given up is told from one that reset the connection")
    func stalled() throws {
        for (code, reason) in [(ETIMEDOUT, "stalled"), (ECONNRESET, "reset")] {
            let bench = try Bench()
            bench.channel.pipeline.fireErrorCaught(IOError(errnoCode: code, reason: "read"))
            bench.channel.embeddedEventLoop.run()
            let closings = bench.session.notes.closings
            #expect(closings.count == 1)
            #expect((closings.first == .stalled) == (reason == "stalled"))
        }
    }

    @Test("says when the listener is being closed")
    func shutdown() throws {
        let bench = try Bench()
        bench.channel.pipeline.fireUserInboundEventTriggered(ListenerDrain(code: 1012))
        bench.channel.embeddedEventLoop.run()
        #expect(try bench.sent() == [.close(1012)])
        #expect(bench.session.notes.closings == [.shutdown])
    }

    @Test("puts off the end of a peer that is settling, and not for ever")
    func settling() throws {
        let bench = try Bench()
        bench.session.isSettling = true
        bench.channel.pipeline.fireUserInboundEventTriggered(ListenerDrain(code: 1012))
        bench.advance(seconds: 1)
        #expect(try bench.sent().isEmpty)
        bench.session.isSettling = false
        bench.advance(seconds: 1)
        #expect(try bench.sent() == [.close(1012)])
        #expect(bench.session.notes.closings == [.shutdown])

        let slow = try Bench()
        slow.session.isSettling = true
        slow.channel.pipeline.fireUserInboundEventTriggered(ListenerDrain(code: 1012))
        slow.advance(seconds: 2)
        #expect(try slow.sent() == [.close(1012)])
    }
}
