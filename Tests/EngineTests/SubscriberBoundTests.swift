import Primitives
import Testing

@testable import Engine

/// What one socket that subscribes to streams costs the others.
@Suite("Bounds of subscribers")
struct SubscriberBoundTests {
    private let set = #"{"stream_name":"board","group_id":"g","item_id":"i","data":1}"#

    private func messages(_ effects: [Effect]) -> [StreamMessage] {
        effects.compactMap { effect in
            if case .toSubscribers(.send(_, let message)) = effect { message } else { nil }
        }
    }

    @Test("joins of a turn that are told the same are told one message, and others their own")
    func shared() throws {
        let lab = try Lab()
        let peer = try lab.join("w")
        try lab.settle(.call(peer, "stream::set", set))
        let told = messages(
            try lab.settle(
                .join(1),
                .join(2),
                .join(2, "t", item: "i"),
                .join(3),
                .call(peer, "stream::set", set),
                .join(4),
                .join(5, group: "h"),
                .join(6, group: "h")
            )
        )
        try #require(told.count == 7)
        #expect(told[0] === told[1])
        #expect(told[2] !== told[1] && told[3] !== told[1])
        #expect(told[4] !== told[3] && told[4].offset != told[3].offset)
        #expect(told[5].event == #"{"type":"sync","data":[]}"#)
        #expect(told[6] === told[5])
        lab.pass(seconds: 1)
        let later = messages(try lab.settle(.join(7, group: "h")))
        #expect(later.count == 1 && later[0] !== told[6])
    }

    @Test("a socket has so many subscriptions; further joins are refused, which is said once")
    func subscriptions() throws {
        let lab = try Lab()
        let joins = (0..<Limits.streamSubscriptions).map { Command.join(1, "s\($0)") }
        try lab.turn(joins)
        let refusal = #"send 1 {"type":"unauthorized"}"#
        let more = try lab.settle(.join(1, "more"), .join(1, "another")).subscriberLines
        #expect(more.suffix(2) == [refusal, refusal])
        let notices = lab.engine.takeNotices().filter { $0.text.contains("refused: more joins") }
        #expect(notices.count == 1)
        // One that it has may be another one, and one that it leaves makes room.
        let moved = try lab.settle(.join(1, "s0", group: "h")).subscriberLines
        #expect(moved.first == "subscribe 1 s0")
        try lab.settle(.leave(1, "s1"))
        #expect(try lab.settle(.join(1, "more")).subscriberLines.first == "subscribe 1 more")
        #expect(try lab.settle(.join(2)).subscriberLines.first == "subscribe 2 s")
        #expect(lab.engine.streams.subscribers == Limits.streamSubscriptions + 1)
        try lab.settle(.gone(1), .gone(2))
        #expect(lab.engine.streams.subscribers == 0)
    }

    @Test("who asks for the same again has not joined again, to those who watch")
    func sameAgain() throws {
        let lab = try Lab()
        try lab.settle(.join(1, "watcher", presence: true))
        func told(_ command: Command) throws -> Int {
            try lab.settle(command).subscriberLines.filter { $0.contains("joined") }.count
        }
        #expect(try told(.join(2, context: #"{"presence":1}"#)) == 1)
        #expect(try told(.join(2, context: #"{"presence":1}"#)) == 0)
        #expect(try told(.join(2, presence: true, context: #"{"presence":1}"#)) == 0)
        #expect(try told(.join(2, context: #"{"presence":2}"#)) == 1)
        #expect(try told(.join(2, item: "i", context: #"{"presence":2}"#)) == 1)
    }
}
