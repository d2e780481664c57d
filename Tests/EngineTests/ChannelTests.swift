import CommitLog
import JSON
import Primitives
import Testing

@testable import Engine

@Suite("Channels, as the core makes them")
struct ChannelTests {
    private func create(_ lab: Lab, _ input: String) throws -> [Effect] {
        let worker = try lab.join("w")
        return try lab.settle(.call(worker, "engine::channels::create", input))
    }

    @Test(
        "the edge opens a channel before anybody hears of it, as large as it was asked for",
        arguments: [
            ("null", 64), ("{}", 64), (#"{"buffer_size":null}"#, 64), (#"{"buffer_size":3}"#, 3),
            (#"{"buffer_size":0}"#, 1), (#"{"buffer_size":-5}"#, 1),
            (#"{"buffer_size":9999}"#, 1024),
        ]
    )
    func create(input: String, messages: Int) throws {
        let lab = try Lab()
        let effects = try create(lab, input)
        #expect(effects.count == 2)
        guard case .open(let channel, let connection) = try #require(effects.first) else {
            Issue.record("first came \(effects.lines)")
            return
        }
        #expect(channel.messages == messages)
        #expect(channel.id.loop == connection.loop)
        guard case .value(let bytes) = try #require(effects.last?.answer) else { return }
        let answer = JSONText(trusted: bytes)
        for (end, direction) in [("writer", "write"), ("reader", "read")] {
            let reference = try #require(answer.member(end))
            #expect(reference.member("channel_id")?.stringValue == channel.id.description)
            #expect(reference.member("access_key")?.stringValue == channel.key.description)
            #expect(reference.member("direction")?.stringValue == direction)
        }
    }

    @Test("nothing of it is recorded, and no two are alike")
    func transient() throws {
        let lab = try Lab()
        let worker = try lab.join("w")
        let before = lab.engine.log.staged
        var keys: Set<UUID128> = []
        var ids: Set<ChannelID> = []
        for _ in 0..<100 {
            let effects = try lab.settle(.call(worker, "engine::channels::create", "{}"))
            guard case .open(let channel, _)? = effects.first else { continue }
            keys.insert(channel.key)
            ids.insert(channel.id)
        }
        #expect(keys.count == 100)
        #expect(ids.count == 100)
        #expect(lab.engine.log.staged == before)
    }

    @Test("one connection has so many, which hold less the more there are; others have theirs")
    func bounds() throws {
        let lab = try Lab()
        let worker = try lab.join("w")
        let create = Command.call(worker, "engine::channels::create", "{}")
        var made: [Effect.Channel] = []
        func open(_ effects: [Effect]) {
            for case .open(let channel, _) in effects { made.append(channel) }
        }
        while made.count < Limits.channelsOfWorker {
            let before = made.count
            open(try lab.turn(Array(repeating: create, count: 64)))
            try #require(made.count > before)
        }
        #expect(made.first?.bytes == Limits.channelBytes)
        #expect(made.allSatisfy { $0.bytes >= Limits.channelBytesMin })
        let most = Limits.channelBytesOfWorker + made.count * Limits.channelBytesMin
        #expect(made.reduce(0) { $0 + $1.bytes } <= most)

        let refused = try lab.settle(create).lines
        let code = "engine::channels::create = TOO_MANY_CHANNELS"
        #expect(refused.first?.hasPrefix(code) == true, "\(refused)")
        let other = try lab.join("o")
        let call = Command.call(other, "engine::channels::create", "{}")
        #expect(try lab.settle(call).count == 2)
        // One that is over makes room, once.
        try lab.settle(.channelEnded(made[0].id), .channelEnded(made[0].id))
        open(try lab.settle(create))
        #expect(made.count == Limits.channelsOfWorker + 1)
        #expect(try lab.settle(create).lines.first?.hasPrefix(code) == true)
        for channel in made.dropFirst() { try lab.turn(.channelEnded(channel.id)) }
        made = []
        open(try lab.settle(create))
        #expect(made.first?.bytes == Limits.channelBytes)
    }

    @Test("a size that is no integer is an error")
    func mismatch() throws {
        let lines = try create(try Lab(), #"{"buffer_size":"many"}"#).lines
        #expect(lines.count == 1)
        #expect(lines.first?.contains("deserialization_error") == true)
    }
}
