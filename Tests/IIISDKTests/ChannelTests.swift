import Channels
import NIOCore
import NIOPosix
import NetServer
import Primitives
import Testing

@testable import IIISDK

/// Somebody with a way to an engine.
private struct Somebody: Caller {
    let route: Route
}

/// The part of an engine that keeps channels, as it is in production.
private struct Engine {
    let caller: Somebody
    let listener: NetServer.Listener
    private let home: ChannelHome
    private let table: NIOLoopBound<ChannelTable>
    private let loop: any EventLoop

    init(query: String = "") async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let table = try await loop.submit {
            NIOLoopBound(ChannelTable(loop: loop), eventLoop: loop)
        }.get()
        let home = ChannelHome(loop: loop) { id, key in table.value.find(id, key: key) }
        listener = try await NetServer.Listener.webSocket(
            on: ListenAddress(host: "127.0.0.1", port: 0),
            group: loop
        ) { request in
            guard query.isEmpty || request.query?.hasPrefix("\(query)&key=") == true else {
                return .refuse(status: 401, body: "")
            }
            return ChannelRoute.decide(request, on: loop, homes: [home])
        }
        var options = WorkerOptions()
        options.address = "ws://127.0.0.1:\(listener.port)/\(query.isEmpty ? "" : "?")\(query)"
        let identity = try WorkerIdentity(name: "w", options: options, environmentName: false)
        let mailbox = Mailbox(
            eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
            identity: identity
        )
        caller = Somebody(route: Route(mailbox: mailbox, traceparent: nil, baggage: nil))
        (self.home, self.table, self.loop) = (home, table, loop)
    }

    func channel(messages: Int = 64) async throws -> (ChannelReference, ChannelReference) {
        var entropy = SystemEntropy()
        let id = ChannelID(onLoop: 0, from: &entropy)
        let key = UUID128(from: &entropy)
        try await loop.submit { [table] in
            table.value.open(id, key: key, bounds: ChannelBounds(messages: messages))
        }.get()
        func reference(_ direction: String) throws -> ChannelReference {
            let text =
                #"{"channel_id":"\#(id)","access_key":"\#(key)","direction":"\#(direction)"}"#
            return try RawJSON(text).decoded()
        }
        return (try reference("write"), try reference("read"))
    }

    func stop() async { await listener.close(grace: .milliseconds(100)) }
}

@Suite("Data channels", .timeLimit(.minutes(1)))
struct DataChannelTests {
    @Test(
        "what is written is read, each message as it was, with the address's query",
        arguments: [64, 1]
    )
    func order(size: Int) async throws {
        let engine = try await Engine(query: "token=a")
        let (writing, reading) = try await engine.channel(messages: size)
        let caller = engine.caller
        let large = [UInt8](repeating: 7, count: 150_000)
        let text = String(repeating: "ä", count: 1 << 20)
        async let written: Void = caller.write(to: writing) { writer in
            for number in 0..<500 { try await writer.write("\(number)") }
            try await writer.write(text)
            try await writer.write(large)
        }
        let messages = try await caller.read(from: reading) { reader in
            var messages: [IIISDK.ChannelMessage] = []
            for try await message in reader { messages.append(message) }
            return messages
        }
        try await written
        #expect(messages[..<500] == (0..<500).map { .text("\($0)") }[...])
        #expect(messages[500] == .text(text))
        let pieces = messages[501...].map { message -> [UInt8] in
            if case .binary(let bytes) = message { bytes } else { [] }
        }
        #expect(pieces.map(\.count) == [65_536, 65_536, 18_928])
        #expect(pieces.flatMap { $0 } == large)
        await engine.stop()
    }

    /// The code with which `body` fails; nil: it does not.
    private func code(_ body: () async throws -> Void) async -> SDKError.Code? {
        do {
            try await body()
            return nil
        } catch let error as SDKError {
            return error.code
        } catch {
            return SDKError.Code(rawValue: "\(error)")
        }
    }

    private func readAll(
        _ caller: Somebody,
        _ reading: ChannelReference
    ) async throws -> [IIISDK.ChannelMessage] {
        try await caller.read(from: reading) { reader in
            var messages: [IIISDK.ChannelMessage] = []
            for try await message in reader { messages.append(message) }
            return messages
        }
    }

    @Test("a writer that throws is told of, behind what it wrote")
    func failing() async throws {
        struct Broken: Error {}
        let engine = try await Engine()
        let (writing, reading) = try await engine.channel()
        let caller = engine.caller
        let writerCode = await code {
            try await caller.write(to: writing) { writer in
                try await writer.write("half")
                throw Broken()
            }
        }
        #expect(writerCode == "Broken()")
        let first = try await caller.read(from: reading) { reader in
            var messages = reader.makeAsyncIterator()
            let first = try await messages.next()
            let next = await code { _ = try await messages.next() }
            #expect(next == .channelClosed)
            return first
        }
        #expect(first == .text("half"))
        await engine.stop()
    }

    @Test("a channel that is none, and one whose end is taken")
    func refusals() async throws {
        let engine = try await Engine()
        let (_, reading) = try await engine.channel()
        let (other, _) = try await engine.channel()
        let caller = engine.caller
        let wrong: ChannelReference = try RawJSON(
            #"{"channel_id":"\#(reading.channelID)","access_key":"\#(other.channelID)","direction":"read"}"#
        ).decoded()
        let none = await code { _ = try await readAll(caller, wrong) }
        #expect(none == .cannotConnect)
        let taken = try await caller.read(from: reading) { _ in
            await code { _ = try await readAll(caller, reading) }
        }
        #expect(taken == .channelClosed)
        await engine.stop()
    }

    @Test("a writer that nobody reads any more is told")
    func readerLeaves() async throws {
        let engine = try await Engine()
        let (writing, reading) = try await engine.channel()
        let caller = engine.caller
        let code = await code {
            try await caller.write(to: writing) { writer in
                try await writer.write("one")
                _ = try await caller.read(from: reading) { reader in
                    var messages = reader.makeAsyncIterator()
                    return try await messages.next()
                }
                while true { try await writer.write([1]) }
            }
        }
        #expect(code == .channelClosed)
        await engine.stop()
    }
}
