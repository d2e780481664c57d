import Glibc
import NIOCore
import NIOEmbedded
import NIOPosix
import Primitives
import TestKit
import Testing

@testable import Channels
@testable import NetServer

/// The socket of one end, without a kernel behind it.
private final class End {
    let channel = EmbeddedChannel()
    private let counter = ReadCounter()
    /// Reads that were let through to the socket since the last call.
    func takeReads() -> Int {
        defer { counter.reads = 0 }
        return counter.reads
    }

    private final class ReadCounter: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer
        var reads = 0
        func read(context: ChannelHandlerContext) {
            reads += 1
            context.read()
        }
    }

    /// `isTaking`: whether the peer reads what it is sent.
    init(_ session: any WebSocketSession, isTaking: Bool = true) throws {
        try channel.pipeline.syncOperations.addHandler(counter)
        channel.isWritable = isTaking
        try channel.pipeline.syncOperations.addHandler(
            WebSocketConnection(
                eventLoop: channel.eventLoop,
                settings: WebSocketSettings(),
                session: session
            )
        )
        channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
        channel.embeddedEventLoop.run()
    }

    func receive(_ bytes: [UInt8]) throws {
        try channel.writeInbound(ByteBuffer(bytes: bytes))
        channel.embeddedEventLoop.run()
    }

    func sent() throws -> [ServerFrame] {
        channel.embeddedEventLoop.run()
        var bytes: [UInt8] = []
        while let buffer = try channel.readOutbound(as: ByteBuffer.self) {
            bytes += buffer.readableBytesView
        }
        return ServerFrame.all(bytes)
    }

    func take() {
        channel.isWritable = true
        channel.pipeline.fireChannelWritabilityChanged()
        channel.embeddedEventLoop.run()
    }
}

/// A channel with a socket at either end.
private struct Bench {
    let channel: DataChannel
    let loop = EmbeddedEventLoop()
    let bounds: ChannelBounds

    init(messages: Int = 64, bytes: Int = 1 << 20) {
        bounds = ChannelBounds(messages: messages, bytes: bytes)
        channel = DataChannel(bounds: bounds)
    }

    func writer() throws -> End {
        try End(WriterSession(Remote(channel, on: loop), bounds: bounds))
    }

    func reader(isTaking: Bool = true) throws -> End {
        try End(ReaderSession(Remote(channel, on: loop)), isTaking: isTaking)
    }
}

@Suite("Channel sockets")
struct ChannelSocketTests {
    @Test("every message arrives as one, of its kind, in order")
    func order() throws {
        let bench = Bench()
        let writer = try bench.writer()
        try writer.receive(text("before") + frame(2, [1, 2]) + frame(2, []))
        let reader = try bench.reader()
        try writer.receive(text("") + frame(2, [3]))
        #expect(
            try reader.sent() == [
                .text("before"), ServerFrame(opcode: 2, payload: [1, 2]),
                ServerFrame(opcode: 2, payload: []), .text(""),
                ServerFrame(opcode: 2, payload: [3]),
            ]
        )
        #expect(try writer.sent().isEmpty)
    }

    @Test("a full channel is not read from; what its reader takes lets the writer go on")
    func backPressure() throws {
        let bench = Bench(messages: 3)
        let writer = try bench.writer()
        let reader = try bench.reader(isTaking: false)
        _ = writer.takeReads()
        try writer.receive(text("1") + text("2"))
        writer.channel.read()
        #expect(writer.takeReads() > 0)
        try writer.receive(text("3") + text("4") + text("5"))
        writer.channel.read()
        writer.channel.embeddedEventLoop.run()
        #expect(writer.takeReads() == 0)
        // The first batch lies in the reader's socket; the rest waits.
        #expect(try reader.sent() == [.text("1"), .text("2")])
        reader.take()
        writer.channel.embeddedEventLoop.run()
        #expect(try reader.sent().map(\.payload) == ["3", "4", "5"].map { Array($0.utf8) })
        #expect(writer.takeReads() > 0)
    }

    @Test("many bytes fill a channel as many messages do")
    func bytes() throws {
        let bench = Bench(messages: 64, bytes: 100)
        let writer = try bench.writer()
        _ = try bench.reader(isTaking: false)
        try writer.receive(frame(2, Array(repeating: 0, count: 100)))
        _ = writer.takeReads()
        writer.channel.read()
        #expect(writer.takeReads() == 0)
    }

    @Test("idle ends answer pings")
    func pings() throws {
        let bench = Bench()
        let ends = [try bench.writer(), try bench.reader()]
        for end in ends {
            try end.receive(frame(9, [7]))
            #expect(try end.sent() == [ServerFrame(opcode: 10, payload: [7])])
        }
    }

    @Test("a writer's Close reaches the reader behind all that was written")
    func closes() throws {
        let bench = Bench()
        let writer = try bench.writer()
        try writer.receive(text("last") + frame(8, [0x03, 0xE8]))
        #expect(try writer.sent() == [.close(1000)])
        #expect(try bench.reader().sent() == [.text("last"), .close(1000)])
    }

    @Test("the reader of a writer that was lost gets what came, and hears that it is not all")
    func lost() throws {
        let bench = Bench()
        let reader = try bench.reader()
        let writer = try bench.writer()
        try writer.receive(text("half"))
        writer.channel.close(promise: nil)
        writer.channel.embeddedEventLoop.run()
        let frames = try reader.sent()
        #expect(frames.first == .text("half"))
        #expect(frames.last?.closeCode == 1011)
    }

    @Test("a reader that goes takes its writer with it")
    func readerGoes() throws {
        let bench = Bench()
        let reader = try bench.reader()
        let writer = try bench.writer()
        try reader.receive(frame(8, [0x03, 0xE8]))
        #expect(try writer.sent().map(\.closeCode) == [1011])
    }

    @Test("whoever comes second to an end is closed at once, and disturbs nobody")
    func second() throws {
        let bench = Bench()
        let (writer, reader) = (try bench.writer(), try bench.reader())
        let (otherWriter, otherReader) = (try bench.writer(), try bench.reader())
        #expect(try otherWriter.sent().map(\.closeCode) == [1008])
        #expect(try otherReader.sent().map(\.closeCode) == [1008])
        try otherWriter.receive(text("intruder") + frame(8, [0x03, 0xF0]))
        try otherReader.receive(frame(8, [0x03, 0xF0]))
        try writer.receive(text("still here"))
        #expect(try reader.sent() == [.text("still here")])
    }

    @Test("a reader that is slow is not silent, and has time for the rest")
    func slow() throws {
        let bench = Bench()
        let writer = try bench.writer()
        let reader = try bench.reader(isTaking: false)
        try writer.receive(text("a"))
        reader.channel.embeddedEventLoop.advanceTime(by: .seconds(300))
        #expect(reader.channel.isActive)
        try writer.receive(frame(8, [0x03, 0xE8]))
        reader.take()
        #expect(try reader.sent().last == .close(1000))
        reader.channel.embeddedEventLoop.advanceTime(by: .seconds(300))
        #expect(reader.channel.isActive)
        reader.channel.embeddedEventLoop.advanceTime(by: .seconds(301))
        #expect(!reader.channel.isActive)
    }
}

@Suite("Channel route", .ownThread)
struct ChannelRouteTests {
    /// A listener on three loops, with a channel at home on each; all have the same key.
    private func withChannels(
        _ body: (_ port: Int, _ ids: [ChannelID], _ key: UUID128) async throws -> Void
    ) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 3)
        var entropy = SeededEntropy(seed: 5)
        let key = UUID128(from: &entropy)
        var ids: [ChannelID] = []
        var homes: [ChannelHome] = []
        for (number, loop) in group.makeIterator().enumerated() {
            let id = ChannelID(onLoop: number, from: &entropy)
            ids.append(id)
            homes.append(
                try await loop.submit {
                    let table = ChannelTable(loop: loop)
                    table.open(id, key: key, bounds: ChannelBounds(messages: 4))
                    let bound = NIOLoopBound(table, eventLoop: loop)
                    return ChannelHome(loop: loop) { id, key in bound.value.find(id, key: key) }
                }.get()
            )
        }
        let known = homes
        let listener = try await Listener.webSocket(on: anyPort, group: group) { request in
            guard let loop = MultiThreadedEventLoopGroup.currentEventLoop else {
                return .refuse(status: 500, body: "not on a loop")
            }
            return ChannelRoute.decide(request, on: loop, homes: known)
        }
        do { try await body(listener.port, ids, key) } catch {
            await listener.close(grace: .milliseconds(100))
            throw error
        }
        await listener.close(grace: .milliseconds(100))
        try await group.shutdownGracefully()
    }

    private func status(_ port: Int, _ target: String) throws -> String {
        let head = try Peer(port: port).upgrade(target)
        return String(head.split(separator: " ")[1])
    }

    @Test("what is no channel is refused before the upgrade")
    func refusals() async throws {
        try await withChannels { port, ids, key in
            let path = "/ws/channels/\(ids[1])"
            #expect(try status(port, "\(path)?dir=read") == "400")
            #expect(try status(port, "\(path)?key=&dir=read") == "400")
            #expect(try status(port, "\(path)?key=\(key)") == "400")
            #expect(try status(port, "\(path)?key=\(key)&dir=both") == "400")
            #expect(try status(port, "\(path)?key=\(ids[1])&dir=read") == "404")
            #expect(try status(port, "\(path)?key=x&dir=read") == "404")
            #expect(try status(port, "/ws/channels/x?key=\(key)&dir=read") == "404")
            #expect(try status(port, "/ws/channels/?key=\(key)&dir=read") == "404")
            let (base, elsewhere) = (ids[1].description.dropLast(4), "ffff")
            let beyond = "/ws/channels/\(base)\(elsewhere)?key=\(key)&dir=read"
            #expect(try status(port, beyond) == "404")
            let plain = try Peer(port: port)
            plain.send("GET \(path)?key=\(key)&dir=read HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try plain.readToEnd().hasPrefix("HTTP/1.1 426 "))
            #expect(try status(port, "\(path)?token=a&key=\(key)&dir=read&x=1") == "101")
            // Of another one: that whose reader has gone ends.
            let other = "/ws/channels/\(ids[0])"
            let encoded = "\(other)?key=\(key)&dir=%77rite".replacing("-", with: "%2D")
            #expect(try status(port, encoded) == "101")
        }
    }

    @Test("ends meet over three loops, wherever the kernel put them", arguments: 0..<3)
    func loops(home: Int) async throws {
        try await withChannels { port, ids, key in
            let target = "/ws/channels/\(ids[home])?key=\(key)&dir="
            let writer = try Peer(port: port)
            _ = try writer.upgrade(target + "write")
            for number in 0..<20 { writer.send(text("early \(number)")) }
            let reader = try Peer(port: port)
            _ = try reader.upgrade(target + "read")
            for number in 0..<20 { #expect(try reader.readFrame() == .text("early \(number)")) }
            let late = try Peer(port: port)
            _ = try late.upgrade(target + "read")
            #expect(try late.readFrame().closeCode == 1008)
            for start in stride(from: 0, to: 2000, by: 100) {
                for number in start..<start + 100 { writer.send(.number(number)) }
                for number in start..<start + 100 {
                    #expect(try reader.readFrame() == .number(number))
                }
            }
            writer.send(frame(8, [0x03, 0xE8]))
            #expect(try reader.readFrame() == .close(1000))
            reader.send(frame(8, [0x03, 0xE8]))
            #expect(try reader.readToEnd().isEmpty)
            #expect(try status(port, target + "read") == "404")
        }
    }
}

extension Peer {
    fileprivate func send(_ message: ServerFrame) {
        send(frame(message.opcode, message.payload))
    }
}

extension ServerFrame {
    /// Texts and binaries in turn.
    fileprivate static func number(_ number: Int) -> ServerFrame {
        let payload = Array("\(number) ".utf8) + [UInt8](repeating: 0x61, count: number % 700)
        return ServerFrame(opcode: number % 2 == 0 ? 1 : 2, payload: payload)
    }
}
