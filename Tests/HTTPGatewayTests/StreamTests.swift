import Channels
import HTTP
import JSON
import NIOCore
import NIOEmbedded
import Primitives
import Testing

@testable import Engine
@testable import HTTPGateway
@testable import NetServer

/// A function's writer or reader.
private final class End: ChannelSource, ChannelSink {
    let channel: DataChannel
    var told: [String] = []
    var isTaking = true

    init(_ channel: DataChannel?) throws { self.channel = try #require(channel) }

    func attached() { told.append("attached") }
    func refused() { told.append("refused") }
    func took(_ load: Load) { told.append("took \(load.messages)") }
    func readerLeft() { told.append("reader left") }
    func deliver(_ batch: [ChannelMessage]) {
        told += batch.map { String(buffer: $0.bytes) }
        if isTaking { channel.ready() }
    }
    func ended(_ ending: ChannelEnding) { told.append("ended \(ending)") }

    func text(_ string: String) {
        channel.write([ChannelMessage(.text, ByteBuffer(string: string))])
    }
    func binary(_ string: String) {
        channel.write([ChannelMessage(.binary, ByteBuffer(string: string))])
    }
}

private let get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
private let trace = TraceID(high: 1, low: 2)

@Suite("Streams of a request")
struct StreamTests {
    private let bench: Bench

    init() throws { bench = try Bench() }

    private func writer() throws -> (ExchangeID, End) {
        let (id, _, channels) = try bench.request(get)
        let end = try End(bench.gateway.find(channels.response, key: channels.key))
        end.channel.attach(end as any ChannelSource)
        return (id, end)
    }

    private func begin(_ id: ExchangeID) throws {
        bench.gateway.carryOut(.stream(id, trace: try #require(trace)))
    }

    /// What the core was told of streams that ended.
    private func ended() -> [Bool] {
        bench.commands().compactMap { command in
            guard case .responseStreamed(_, let succeeded) = command else { return nil }
            return succeeded
        }
    }

    @Test("only who has the key finds a request's channels, and only until it is answered")
    func keys() throws {
        let (id, _, channels) = try bench.request(get)
        let wrong = UUID128(high: channels.key.high, low: channels.key.low ^ 1)
        #expect(bench.gateway.find(channels.response, key: wrong) == nil)
        #expect(bench.gateway.find(channels.requestBody, key: channels.key) != nil)
        bench.gateway.carryOut(.respond(id, HTTP.HTTPReply(status: 200), trace: nil))
        #expect(bench.gateway.find(channels.requestBody, key: channels.key) == nil)
    }

    @Test("texts make the head, the first binary sends it, and the end ends it")
    func streams() throws {
        let (id, writer) = try writer()
        writer.text(#"{"type":"set_status","status_code":201}"#)
        writer.text(#"{"type":"set_status","status_code":"no"}"#)
        writer.text(#"{"type":"set_headers","headers":{"X-A":"1","x-b":"2","x-c":3}}"#)
        writer.text(#"{"type":"set_headers","headers":{"x-a":"4","X-III-Trace-ID":"5"}}"#)
        writer.text(#"{"type":"set_headers","headers":{"x-a":"6\n"}}"#)
        writer.text("not JSON")
        #expect(try bench.sent() == "")
        #expect(bench.commands().isEmpty)
        writer.binary("one")
        guard case .requestStreams(id, status: 201)? = bench.commands().first else {
            Issue.record("the core was not asked")
            return
        }
        #expect(try bench.sent() == "")
        try begin(id)
        let head = try bench.sent()
        #expect(head.hasPrefix("HTTP/1.1 201 Created\r\nx-b: 2\r\nx-a: 4\r\n"))
        #expect(head.contains("x-iii-trace-id: \(try #require(trace))\r\n"))
        #expect(!head.contains("X-III"))
        #expect(head.hasSuffix("\r\n\r\n3\r\none\r\n"))
        writer.text(#"{"type":"set_status","status_code":500}"#)
        writer.binary("two")
        #expect(try bench.sent() == "3\r\ntwo\r\n")
        #expect(bench.commands().isEmpty)
        writer.channel.end(.whole)
        #expect(try bench.sent() == "0\r\n\r\n")
        #expect(ended() == [true])
    }

    @Test("headers have room as a request's have; more of them fail the response, and say so")
    func largeHeaders() throws {
        let (id, writer) = try writer()
        let value = String(repeating: "v", count: 8000)
        // The same one again takes no more room.
        for _ in 0..<5 {
            writer.text(#"{"type":"set_headers","headers":{"x-a":"\#(value)"}}"#)
        }
        writer.text(#"{"type":"set_headers","headers":{"x-b":"\#(value)"}}"#)
        #expect(bench.commands().isEmpty)
        writer.text(#"{"type":"set_headers","headers":{"x-c":"\#(value)","x-d":"1"}}"#)
        guard case .responseSpoilt(id, let defect)? = bench.commands().first else {
            Issue.record("the core was not told")
            return
        }
        #expect(defect.code == "response_headers_too_large")
        #expect(try bench.sent() == "")
        let reply = HTTP.HTTPReply(status: 500, error: defect)
        bench.gateway.carryOut(.respond(id, reply, trace: nil))
        let sent = try bench.sent()
        #expect(sent.hasPrefix("HTTP/1.1 500 "))
        #expect(!sent.contains("vvv"))
        #expect(writer.told.last == "reader left")
        #expect(ended().isEmpty)
        // The connection goes on.
        #expect(try bench.request(get).id != id)
    }

    @Test("a status that ends no request fails the response, and says so")
    func interimStatus() throws {
        let (id, writer) = try writer()
        writer.text(#"{"type":"set_status","status_code":100}"#)
        writer.binary("one")
        guard case .responseSpoilt(id, let defect)? = bench.commands().first else {
            Issue.record("the core was not told")
            return
        }
        #expect(defect.code == "response_status_invalid")
        #expect(try bench.sent() == "")
    }

    @Test("a function that finds its client gone is told of: it comes then, or is there, or nearly")
    func unheardResponses() throws {
        for (isThere, isAttached) in [(true, true), (true, false), (false, false)] {
            let bench = try Bench()
            let (_, _, channels) = try bench.request(get)
            if isThere {
                let end = try End(bench.gateway.find(channels.response, key: channels.key))
                if isAttached {
                    end.channel.attach(end as any ChannelSource)
                    end.text(#"{"type":"set_status","status_code":201}"#)
                }
            }
            bench.channel.close(promise: nil)
            bench.channel.embeddedEventLoop.run()
            #expect(bench.gateway.find(channels.requestBody, key: channels.key) == nil)
            if !isThere {
                #expect(bench.gateway.find(channels.response, key: channels.key) == nil)
            }
            let told = bench.commands()
            guard told.count == 2, case .requestAbandoned = told[0],
                case .responseUnheard(key: channels.key) = told[1]
            else {
                Issue.record("\(told)")
                return
            }
        }
    }

    @Test("whoever asks for the response of a request that never was makes the core no work")
    func strangers() throws {
        let (id, _, channels) = try bench.request(get)
        let next = ChannelID(.response, ofExchange: id.number + 1, onLoop: id.loop)
        #expect(bench.gateway.find(next, key: channels.key) == nil)
        #expect(bench.commands().isEmpty)
    }

    @Test("the end without a binary answers with the head alone")
    func headOnly() throws {
        let (id, writer) = try writer()
        writer.text(#"{"type":"set_status","status_code":418}"#)
        writer.channel.end(.whole)
        #expect(bench.commands().count == 1)
        try begin(id)
        let sent = try bench.sent()
        #expect(sent.hasPrefix("HTTP/1.1 418 "))
        #expect(sent.contains("content-length: 0\r\n"))
    }

    @Test("a writer that is lost before the body leaves the answer to its function")
    func lostEarly() throws {
        let (id, writer) = try writer()
        writer.text(#"{"type":"set_status","status_code":418}"#)
        writer.channel.end(.cut)
        #expect(bench.commands().isEmpty)
        bench.gateway.carryOut(.respond(id, HTTP.HTTPReply(status: 202), trace: nil))
        #expect(try bench.sent().hasPrefix("HTTP/1.1 202 "))
    }

    @Test("a writer that is lost within the body breaks the response off")
    func lostLate() throws {
        let (id, writer) = try writer()
        writer.binary("half")
        try begin(id)
        _ = bench.commands()
        writer.channel.end(.cut)
        #expect(ended() == [false])
        #expect(try bench.sent().hasSuffix("4\r\nhalf\r\n"))
        #expect(!bench.channel.isActive)
    }

    @Test("a response whose function has failed is broken off when nothing comes, and no sooner")
    func failed() throws {
        let (id, writer) = try writer()
        writer.binary("one")
        try begin(id)
        _ = bench.commands()
        let loop = bench.channel.embeddedEventLoop
        bench.gateway.carryOut(.streamFailed(id))
        loop.advanceTime(by: .seconds(4))
        writer.binary("two")
        loop.advanceTime(by: .seconds(4))
        #expect(try bench.sent().hasSuffix("3\r\ntwo\r\n"))
        #expect(ended().isEmpty)
        loop.advanceTime(by: .seconds(4))
        #expect(ended() == [false])
        #expect(!bench.channel.isActive)
        #expect(writer.told.last == "reader left")
    }

    @Test("the end of a body may come behind the failure of its function, and is its end")
    func failedWhole() throws {
        let (id, writer) = try writer()
        writer.binary("one")
        try begin(id)
        _ = bench.commands()
        bench.gateway.carryOut(.streamFailed(id))
        writer.channel.end(.whole)
        #expect(try bench.sent().hasSuffix("3\r\none\r\n0\r\n\r\n"))
        #expect(ended() == [true])
    }

    @Test("what the engine answered before the stream began is the response")
    func answered() throws {
        let (id, writer) = try writer()
        writer.binary("too late")
        bench.gateway.carryOut(.respond(id, HTTP.HTTPReply(status: 504), trace: nil))
        try begin(id)
        let sent = try bench.sent()
        #expect(sent.hasPrefix("HTTP/1.1 504 "))
        #expect(!sent.contains("too late"))
        #expect(writer.told == ["attached", "reader left"])
    }

    @Test("a client that goes takes the writer with it, and the core hears of it")
    func gone() throws {
        let (id, writer) = try writer()
        writer.binary("one")
        try begin(id)
        bench.channel.close(promise: nil)
        bench.channel.embeddedEventLoop.run()
        #expect(writer.told.last == "reader left")
        #expect(bench.commands().count == 2)
    }

    @Test("a client that does not take the body is felt by the writer")
    func backPressure() throws {
        let (id, writer) = try writer()
        writer.binary("one")
        bench.channel.isWritable = false
        try begin(id)
        writer.binary("two")
        #expect(writer.told == ["attached"])
        #expect(try bench.sent().hasSuffix("3\r\none\r\n"))
        bench.channel.isWritable = true
        bench.channel.pipeline.fireChannelWritabilityChanged()
        #expect(writer.told == ["attached", "took 1", "took 1"])
        #expect(try bench.sent() == "3\r\ntwo\r\n")
    }

    @Test("JSON is in the input, and byte for byte in the channel, in pieces that old SDKs take")
    func json() throws {
        let body = "[" + String(repeating: " 1 ,", count: 40_000) + "1]"
        let (_, request, channels) = try bench.request(
            "POST /a HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
                + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        )
        #expect(request.body == Array(body.utf8))
        let reader = try End(bench.gateway.find(channels.requestBody, key: channels.key))
        reader.channel.attach(reader as any ChannelSink)
        #expect(reader.told.first == "attached")
        #expect(reader.told.last == "ended whole")
        let pieces = reader.told.dropFirst().dropLast()
        #expect(pieces.joined() == body)
        #expect(pieces.allSatisfy { $0.utf8.count <= 65_536 })
    }

    @Test("other bodies are read as they come, while their reader takes them")
    func body() throws {
        let (_, request, channels) = try bench.request(
            "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nab"
        )
        #expect(request.body.isEmpty)
        let reader = try End(bench.gateway.find(channels.requestBody, key: channels.key))
        reader.channel.attach(reader as any ChannelSink)
        try bench.receive("cd")
        try bench.receive("ef")
        #expect(reader.told == ["attached", "ab", "cd", "ef", "ended whole"])
    }

    @Test("a body that is no HTTP from its first byte is cut off, and the core hears of it")
    func malformed() throws {
        let (_, _, channels) = try bench.request(
            "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
        )
        let reader = try End(bench.gateway.find(channels.requestBody, key: channels.key))
        reader.channel.attach(reader as any ChannelSink)
        #expect(reader.told == ["attached", "ended cut"])
        #expect(try bench.sent().hasPrefix("HTTP/1.1 400 "))
        guard case .requestAbandoned? = bench.commands().first else {
            Issue.record("the core was not told")
            return
        }
        #expect(bench.gateway.find(channels.response, key: channels.key) == nil)
    }

    @Test("a request that is answered cuts the body off that was being read")
    func cut() throws {
        let (id, _, channels) = try bench.request(
            "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nab"
        )
        let reader = try End(bench.gateway.find(channels.requestBody, key: channels.key))
        reader.channel.attach(reader as any ChannelSink)
        bench.gateway.carryOut(.respond(id, HTTP.HTTPReply(status: 200), trace: nil))
        #expect(reader.told == ["attached", "ab", "ended cut"])
    }
}
