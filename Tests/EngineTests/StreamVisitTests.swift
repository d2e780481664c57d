import JSON
import Primitives
import Stream
import Testing

@testable import Engine

/// What functions are asked about who joins streams, and told of who leaves.
@Suite("Joins and leaves of streams")
struct StreamVisitTests {
    private let refusal = #"{"unauthorized":true}"#

    /// An engine with a worker that judges joins, and hears of leaves.
    private func lab(
        leaves functions: String...,
        adjust: (inout EngineOptions) -> Void = { _ in }
    ) throws -> (Lab, Peer) {
        let lab = try Lab(adjust)
        let peer = try lab.join("w", serving: "judge")
        try lab.settle(.trigger(peer, "stream:join", "{}", to: "judge", id: "judge"))
        for function in functions {
            try lab.settle(.serve(peer, function))
            try lab.settle(.trigger(peer, "stream:leave", "{}", to: function, id: function))
        }
        return (lab, peer)
    }

    @Test("an auth function that answers so lets in all the same, and is told of once")
    func authentication() throws {
        let lab = try Lab { $0.streamAuthentication = "auth" }
        let peer = try lab.join("w", serving: "auth")
        for number: UInt64 in 1...2 {
            let visitor = StreamVisitor(headers: [], path: "/", query: nil, address: "a")
            let admit = Command.stream(.admit(SubscriberID(loop: 0, number: number), visitor))
            let asked = try #require(try lab.settle(admit).dispatches.first)
            let answered = try lab.settle(.answer(peer, asked.invocation, refusal))
            #expect(answered.subscriberLines == ["admitted \(number) null"])
        }
        let told = lab.engine.takeNotices().filter { $0.text.contains("refuses nobody") }
        #expect(told.count == 1)
    }

    @Test("only what tells all up to an offset has one: nothing is passed over that was not told")
    func offsets() throws {
        let (lab, peer) = try lab()
        let asked = try #require(try lab.settle(.join(1, after: 1_000_000)).dispatches.first)
        let lost = try lab.settle(.answer(peer, asked.invocation)).messages
        #expect(lost.map { $0.offset == nil } == [true, false], "a gap, and a sync")
        let again = try #require(try lab.settle(.join(2)).dispatches.first)
        let refused = try lab.settle(.answer(peer, again.invocation, refusal)).messages
        #expect(refused.map(\.isRefusal) == [true])
        #expect(refused.map(\.offset) == [nil])
        let text = refused.map { String(decoding: $0.json, as: UTF8.self) }.joined()
        #expect(!text.contains("\"offset\""), "\(text)")
    }

    @Test("where joins need answers, nobody is let in whom no function has judged")
    func required() throws {
        let (lab, peer) = try lab { $0.streamJoinsNeedAnswers = true }
        let first = try #require(try lab.settle(.join(1)).dispatches.first)
        #expect(
            try lab.settle(.answer(peer, first.invocation)).subscriberLines
                == ["subscribe 1 s", #"send 1 {"type":"sync","data":[]}"#]
        )
        let second = try #require(try lab.settle(.join(2)).dispatches.first)
        let failed = try lab.settle(.fail(peer, second.invocation))
        #expect(failed.subscriberLines == ["close 2 1013"])
        let third = try #require(try lab.settle(.join(3)).dispatches.first)
        let refused = try lab.settle(.answer(peer, third.invocation, refusal))
        #expect(refused.subscriberLines == [#"send 3 {"type":"unauthorized"}"#])
        // Nor where the worker is away, and with it its trigger.
        try lab.settle(.workerLeft(peer.connection, reason: "gone"))
        #expect(try lab.settle(.join(4)).subscriberLines == ["close 4 1013"])
    }

    @Test("a trigger may outlive its worker, and then be of no use", arguments: [false, true])
    func away(isRequired: Bool) throws {
        let lab = try Lab { $0.streamJoinsNeedAnswers = isRequired }
        let maker = try lab.join("m")
        let input = #"{"trigger_type":"stream:join","function_id":"judge","config":{}}"#
        try lab.settle(.call(maker, "engine::register_trigger", input))
        #expect(
            try lab.settle(.join(1)).subscriberLines
                == (isRequired
                    ? ["close 1 1013"] : ["subscribe 1 s", #"send 1 {"type":"sync","data":[]}"#])
        )
    }

    @Test("a function that does not answer holds a socket up for so long, and is told of its leave")
    func silence() throws {
        let (lab, peer) = try lab(leaves: "left")
        let asked = try #require(try lab.settle(.join(1)).dispatches.first)
        #expect(try lab.settle(.join(1, "t"), .leave(1)).dispatches.isEmpty)
        lab.pass(seconds: 29)
        #expect(try lab.settle().subscriberLines.isEmpty)
        lab.pass(seconds: 2)
        #expect(try lab.settle().subscriberLines == ["close 1 1013"])
        #expect(try lab.settle(.gone(1)).dispatches.isEmpty)
        let late = try lab.settle(.answer(peer, asked.invocation))
        #expect(late.dispatches.map(\.function) == ["left"])
        #expect(late.subscriberLines.isEmpty)
    }

    @Test("who takes a subscription to another group leaves the first one, for functions, too")
    func moves() throws {
        let lab = try Lab()
        let peer = try lab.join("w", serving: "left")
        try lab.settle(.trigger(peer, "stream:leave", "{}", to: "left"))
        try lab.settle(.join(1))
        let moved = try #require(try lab.settle(.join(1, group: "h")).dispatches.first)
        #expect(JSONText(trusted: moved.payload).member("group_id")?.stringValue == "g")
        try lab.settle(.answer(peer, moved.invocation))
        #expect(try lab.settle(.join(1, group: "h", item: "i")).dispatches.isEmpty)
    }

    @Test("a stop is a leave of every subscription, for every function")
    func drain() throws {
        let lab = try Lab()
        let peer = try lab.join("w", serving: "left", "also")
        for function in ["left", "also"] {
            try lab.settle(.trigger(peer, "stream:leave", "{}", to: function, id: function))
        }
        try lab.settle(.join(1), .join(2, "t", group: "h"))
        let told = try lab.settle(.drain).dispatches
        #expect(told.map(\.function).sorted() == ["also", "also", "left", "left"])
        #expect(!lab.isQuiet)
        for run in told { try lab.settle(.answer(peer, run.invocation)) }
        #expect(try lab.settle(.gone(1), .gone(2)).dispatches.isEmpty)
        #expect(lab.isQuiet)
    }
}

extension [Effect] {
    /// What is for single subscribers.
    fileprivate var messages: [StreamMessage] {
        compactMap { effect in
            if case .toSubscribers(.send(_, let message)) = effect { message } else { nil }
        }
    }
}
