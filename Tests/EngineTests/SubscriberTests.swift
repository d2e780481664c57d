import CommitLog
import Events
import JSON
import Primitives
import Stream
import Testing

@testable import Engine

/// Sockets that subscribe to streams, as the core sees them.
@Suite("Subscribers of streams")
struct SubscriberTests {
    private let set = #"{"stream_name":"board","group_id":"g","item_id":"i","data":1}"#

    @Test("whoever joins is told what there is, and then what changes")
    func join() throws {
        let lab = try Lab()
        let peer = try lab.join("w")
        try lab.settle(.call(peer, "stream::set", set))
        #expect(
            try lab.settle(.join(1)).subscriberLines
                == ["subscribe 1 s", #"send 1 {"type":"sync","data":[1]}"#]
        )
        #expect(
            try lab.settle(.join(2, item: "i"), .join(3, item: "none")).subscriberLines == [
                "subscribe 2 s", #"send 2 {"type":"sync","data":1}"#,
                "subscribe 3 s", #"send 3 {"type":"sync","data":null}"#,
            ]
        )
        #expect(
            try lab.settle(.call(peer, "stream::set", set)).subscriberLines
                == [#"push {"type":"update","data":1}"#]
        )
        let elsewhere = #"{"stream_name":"board","group_id":"h","item_id":"i","data":1}"#
        #expect(
            try lab.settle(.call(peer, "stream::set", elsewhere)).subscriberLines.isEmpty
        )
        #expect(try lab.settle(.leave(1)).subscriberLines == ["unsubscribe 1 s"])
        try lab.settle(.gone(2), .gone(3))
        #expect(try lab.settle(.call(peer, "stream::set", set)).subscriberLines.isEmpty)
    }

    @Test("nothing is pushed before its record is on disk")
    func durable() throws {
        let lab = try Lab()
        let peer = try lab.join("w")
        try lab.settle(.join(1))
        let early = try lab.turn(.call(peer, "stream::set", set))
        #expect(early.subscriberLines.isEmpty)
        #expect(lab.disk.complete())
        #expect(!(try lab.turn().subscriberLines.isEmpty))
        // What a sync tells is on disk, too.
        let late = try lab.turn(.call(peer, "stream::set", set), .join(2, "late"))
        #expect(late.subscriberLines.isEmpty)
        try lab.settle()
    }

    @Test("every function is asked about a join, in turn; one refusal is enough")
    func refusal() throws {
        let lab = try Lab()
        let peer = try lab.join("w", serving: "first", "second", "left")
        try lab.settle(
            .trigger(peer, "stream:join", #"{"stream_name":"other"}"#, to: "first", id: "1"),
            .trigger(peer, "stream:join", "{}", to: "second", id: "2"),
            .trigger(peer, "stream:leave", "{}", to: "left", id: "3")
        )
        let first = try lab.settle(.join(1, item: "i", context: #"{"user":7}"#))
        #expect(first.subscriberLines.isEmpty)
        let asked = try #require(first.dispatches.first)
        #expect(asked.function == "first")
        #expect(
            String(decoding: asked.payload, as: UTF8.self)
                == #"{"subscription_id":"s","stream_name":"board","group_id":"g","id":"i","#
                + #""context":{"user":7}}"#
        )
        let refused = #"{"unauthorized":true}"#
        let second = try lab.settle(.answer(peer, asked.invocation, refused))
        #expect(second.dispatches.map(\.function) == ["second"])
        let answered = try lab.settle(.fail(peer, second.dispatches[0].invocation))
        #expect(answered.subscriberLines == [#"send 1 {"type":"unauthorized"}"#])
        // What it has not joined it does not leave, but by asking for it.
        #expect(try lab.settle(.gone(1)).dispatches.isEmpty)
    }

    @Test("an error and anything but a clear refusal let in; what is asked meanwhile waits")
    func leniency() throws {
        let lab = try Lab()
        let peer = try lab.join("w", serving: "judge", "left")
        try lab.settle(
            .trigger(peer, "stream:join", "{}", to: "judge", id: "1"),
            .trigger(peer, "stream:leave", "{}", to: "left", id: "2")
        )
        for answer in [#"{"unauthorized":"true"}"#, "true", "null", ""] {
            let asked = try #require(try lab.settle(.join(1)).dispatches.first)
            let waiting = try lab.settle(.leave(1))
            #expect(waiting.dispatches.isEmpty)
            let effects = try lab.settle(
                answer.isEmpty
                    ? .fail(peer, asked.invocation) : .answer(peer, asked.invocation, answer)
            )
            #expect(
                effects.subscriberLines == [
                    "subscribe 1 s", #"send 1 {"type":"sync","data":[]}"#, "unsubscribe 1 s",
                ]
            )
            let left = try #require(effects.dispatches.first)
            #expect(left.function == "left")
            try lab.settle(.answer(peer, left.invocation))
        }
        let asked = try #require(try lab.settle(.join(2)).dispatches.first)
        try lab.settle(.gone(2))
        let effects = try lab.settle(.answer(peer, asked.invocation))
        #expect(effects.subscriberLines.isEmpty)
        // To the function it has joined, and so it leaves.
        let left = try #require(effects.dispatches.first)
        #expect(left.function == "left")
        try lab.settle(.answer(peer, left.invocation))
        #expect(lab.isQuiet)
        #expect(
            try lab.value(
                of: "stream::presence",
                #"{"stream_name":"board","group_id":"g"}"#,
                by: peer
            ).description == #"{"count":0,"subscriptions":[]}"#
        )
    }

    @Test("a socket that goes leaves each of its groups once")
    func gone() throws {
        let lab = try Lab()
        let peer = try lab.join("w", serving: "left")
        try lab.settle(.trigger(peer, "stream:leave", "{}", to: "left"))
        try lab.settle(.join(1, "a"), .join(1, "b", group: "h"), .join(1, "a", item: "i"))
        let effects = try lab.settle(.gone(1))
        let told = effects.dispatches.map { JSONText(trusted: $0.payload) }
        #expect(
            told.map { $0.member("subscription_id")?.stringValue } == ["a", "b"]
        )
        #expect(told.first?.member("id")?.stringValue == "i")
        #expect(try lab.settle(.gone(1)).dispatches.isEmpty)
    }

    @Test("who is there is told to workers, and to those who ask for it")
    func presence() throws {
        let lab = try Lab()
        let peer = try lab.join("w")
        try lab.settle(.join(1, presence: true))
        let joined = try lab.settle(
            .join(2, "t", context: #"{"secret":1,"presence":{"name":"Ada"}}"#)
        )
        #expect(
            joined.subscriberLines.contains(
                #"send 1 {"type":"joined","data":{"subscriptionId":"t","id":null,"#
                    + #""presence":{"name":"Ada"},"count":2}}"#
            )
        )
        let text = try lab.value(
            of: "stream::presence",
            #"{"stream_name":"board","group_id":"g"}"#,
            by: peer
        )
        #expect(text.member("count")?.description == "2")
        #expect(
            text.member("subscriptions")?.elements?.last?.member("context")?.description
                == #"{"secret":1,"presence":{"name":"Ada"}}"#
        )
        #expect(
            try lab.settle(.gone(2)).subscriberLines == [
                #"send 1 {"type":"left","data":{"subscriptionId":"t","id":null,"#
                    + #""presence":{"name":"Ada"},"count":1}}"#
            ]
        )
    }

    @Test("who takes a subscription to another group has left the first one")
    func moves() throws {
        let lab = try Lab()
        try lab.settle(.join(1, presence: true), .join(2, "t"))
        let moved = try lab.settle(.join(2, "t", group: "h")).subscriberLines
        #expect(
            moved.first == #"send 1 {"type":"left","data":{"subscriptionId":"t","id":null,"#
                + #""presence":null,"count":1}}"#
        )
        // To another item of its group it goes without leaving.
        try lab.settle(.join(2, "t"))
        let stayed = try lab.settle(.join(2, "t", item: "i")).subscriberLines
        #expect(!stayed.contains { $0.contains("left") })
    }

    @Test("of what no function can be told, as it is too large, nobody is let in unasked")
    func tooLarge() throws {
        let lab = try Lab { $0.payloadBytes = 1000 }
        let peer = try lab.join("w", serving: "judge")
        try lab.settle(.trigger(peer, "stream:join", "{}", to: "judge"))
        let context = #""\#(String(repeating: "x", count: 1000))""#
        #expect(
            try lab.settle(.join(1, context: context)).subscriberLines
                == [#"send 1 {"type":"unauthorized"}"#]
        )
    }

    @Test("the auth function gives a context and refuses nobody")
    func authentication() throws {
        let lab = try Lab { $0.streamAuthentication = "auth" }
        let peer = try lab.join("w", serving: "auth")
        func visit(_ number: UInt64) -> Command {
            let visitor = StreamVisitor(
                headers: [("host", "h"), ("x-a", "1"), ("x-a", "2")],
                path: "/",
                query: "a=1&a=%20&=x&b",
                address: "127.0.0.1:9"
            )
            return .stream(.admit(SubscriberID(loop: 0, number: number), visitor))
        }
        let asked = try #require(try lab.settle(visit(1)).dispatches.first)
        #expect(
            String(decoding: asked.payload, as: UTF8.self)
                == #"{"headers":{"host":"h","x-a":"1, 2"},"path":"/","#
                + #""query_params":{"a":["1","%20"],"b":[""]},"addr":"127.0.0.1:9"}"#
        )
        #expect(
            try lab.settle(.answer(peer, asked.invocation, #"{"context":{"user":1}}"#))
                .subscriberLines == [#"admitted 1 {"user":1}"#]
        )
        let failing = try #require(try lab.settle(visit(2)).dispatches.first)
        #expect(
            try lab.settle(.fail(peer, failing.invocation)).subscriberLines == ["admitted 2 null"]
        )
        try lab.settle(visit(3))
        lab.pass(seconds: 9)
        #expect(try lab.settle().subscriberLines == ["admitted 3 null"])
        try lab.settle(.workerLeft(peer.connection, reason: "gone"))
        #expect(try lab.settle(visit(4)).subscriberLines == ["admitted 4 null"])
        // Credentials are in no record.
        let invoked = try lab.recordedEvents().compactMap { event -> Invoked? in
            if case .invoked(let invoked) = event { invoked } else { nil }
        }
        #expect(invoked.allSatisfy { $0.input.isEmpty })
    }

    @Test("what a worker keeps is asked of it for whoever joins")
    func custom() throws {
        let lab = try Lab()
        let keeper = try lab.join("keeper", serving: "stream::list(board)")
        let effects = try lab.settle(.join(1))
        #expect(effects.subscriberLines == ["subscribe 1 s"])
        let asked = try #require(effects.dispatches.first)
        #expect(
            try lab.settle(.answer(keeper, asked.invocation, "[7]")).subscriberLines
                == [#"send 1 {"type":"sync","data":[7]}"#]
        )
        let failing = try #require(try lab.settle(.join(1, "t")).dispatches.first)
        #expect(try lab.settle(.fail(keeper, failing.invocation)).subscriberLines.isEmpty)
    }

    // MARK: Coming back

    private func update(_ lab: Lab, _ peer: Peer, _ range: Range<Int>) throws {
        for number in range {
            try lab.settle(
                .call(
                    peer,
                    "stream::set",
                    #"{"stream_name":"board","group_id":"g","item_id":"i","data":\#(number)}"#
                )
            )
        }
    }

    private func lastOffset(_ lab: Lab) -> UInt64 { lab.engine.log.staged.rawValue - 1 }

    @Test("who comes back after a moment is told what it missed, once, and goes on")
    func resume() throws {
        let lab = try Lab()
        let peer = try lab.join("w")
        try update(lab, peer, 0..<1)
        let seen = lastOffset(lab)
        try update(lab, peer, 1..<4)
        // In the same turn as another write, which is not durable yet.
        let effects = try lab.settle(
            .call(peer, "stream::set", set),
            .join(1, after: seen),
            .call(peer, "stream::set", set)
        )
        let changed = #"{"type":"update","data":1}"#
        #expect(
            effects.subscriberLines == [
                "unsubscribe 1 s", "subscribe 1 s",
                #"send 1 {"type":"update","data":1}"#, #"send 1 {"type":"update","data":2}"#,
                #"send 1 {"type":"update","data":3}"#, "send 1 \(changed)",
                #"send 1 {"type":"resumed"}"#, "push \(changed)",
            ]
        )
        #expect(
            try lab.settle(.join(2, item: "other", after: seen)).subscriberLines
                == ["unsubscribe 2 s", "subscribe 2 s", #"send 2 {"type":"resumed"}"#]
        )
    }

    @Test("what is not in memory is read from the log, until it is near enough")
    func replay() throws {
        let lab = try Lab()
        let peer = try lab.join("w")
        try update(lab, peer, 0..<100)
        let effects = try lab.settle(.join(1, after: 0))
        let replays = effects.replays
        let replay = try #require(replays.first)
        #expect(replay.records == Offset(1)..<lab.engine.log.staged)
        #expect(effects.subscriberLines.count == 2)
        try update(lab, peer, 100..<103)
        let live = try lab.settle(.stream(.caughtUp(replay, .complete)))
        #expect(
            live.subscriberLines == [
                "subscribe 1 s",
                #"send 1 {"type":"update","data":100}"#, #"send 1 {"type":"update","data":101}"#,
                #"send 1 {"type":"update","data":102}"#, #"send 1 {"type":"resumed"}"#,
            ]
        )
        // A replay that was left, or is over, changes nothing.
        #expect(try lab.settle(.stream(.caughtUp(replay, .complete))).subscriberLines.isEmpty)
        let second = try #require(try lab.settle(.join(1, after: 0)).replays.first)
        try lab.settle(.leave(1))
        #expect(try lab.settle(.stream(.caughtUp(second, .complete))).subscriberLines.isEmpty)
    }

    @Test("a replay is cancelled when its subscription is left, or joined anew, or its socket goes")
    func cancelled() throws {
        let lab = try Lab()
        let peer = try lab.join("w")
        try update(lab, peer, 0..<100)
        let ends: [Command] = [.leave(1), .join(1), .join(1, after: 0), .gone(1)]
        for (number, end) in ends.enumerated() {
            let replay = try #require(try lab.settle(.join(1, after: 0)).replays.first)
            #expect(!replay.isCancelled)
            let next = try lab.settle(end).replays.first
            #expect(replay.isCancelled, "\(number)")
            #expect(next?.isCancelled != true, "\(number)")
        }
    }

    @Test("the log is read for a few subscriptions of a socket at a time; the others wait")
    func manyReplays() throws {
        let lab = try Lab()
        let peer = try lab.join("w")
        try update(lab, peer, 0..<100)
        var replays: [StreamReplay] = []
        for number in 0..<Limits.streamReplays + 3 {
            replays += try lab.settle(.join(1, "\(number)", after: 0)).replays
        }
        let first = (0..<Limits.streamReplays).map { "\($0)" }
        try #require(replays.map(\.join.subscription) == first)
        // One that waits is left, one that is told is left, and one has its end.
        try lab.settle(.leave(1, "\(Limits.streamReplays)"))
        let left = try lab.settle(.leave(1, "0")).replays
        #expect(left.map(\.join.subscription) == ["\(Limits.streamReplays + 1)"])
        let ended = try lab.settle(.stream(.caughtUp(replays[1], .complete)))
        #expect(ended.replays.map(\.join.subscription) == ["\(Limits.streamReplays + 2)"])
        #expect(ended.subscriberLines.contains("subscribe 1 1"))
    }

    @Test("the log is read when all that is to be read is on disk, also where answers do not wait")
    func readsFiles() throws {
        let lab = try Lab { $0.releaseAhead = 1_000_000_000 }
        let peer = try lab.join("w")
        try update(lab, peer, 0..<100)
        let early = try lab.turn(.call(peer, "stream::set", set), .join(1, after: 0))
        #expect(early.subscriberLines == ["unsubscribe 1 s"])
        #expect(lab.disk.complete())
        #expect(try lab.turn().replays.first?.records.upperBound == lab.engine.log.staged)
    }

    @Test("what the log does not hold is said, and what there is told instead")
    func lost() throws {
        let lab = try Lab()
        let peer = try lab.join("w")
        try update(lab, peer, 0..<100)
        let ahead = try lab.settle(.join(1, after: 1_000_000)).subscriberLines
        #expect(
            ahead == [
                "unsubscribe 1 s", "subscribe 1 s",
                #"send 1 {"type":"gap","after":1000000,"#
                    + #""reason":"the log ends before that offset"}"#,
                #"send 1 {"type":"sync","data":[99]}"#,
            ]
        )
        let replay = try #require(try lab.settle(.join(1, after: 0)).replays.first)
        let lines = try lab.settle(.stream(.caughtUp(replay, .lost("gone")))).subscriberLines
        #expect(
            lines == [
                "subscribe 1 s", #"send 1 {"type":"gap","after":0,"reason":"gone"}"#,
                #"send 1 {"type":"sync","data":[99]}"#,
            ]
        )
    }
}
