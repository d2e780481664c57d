import CommitLog
import AccessControl
import JSON
import Observability
import Primitives
import Testing

@testable import Engine

/// The log's files are read beside the core, for whoever may know everything.
@Suite("The log's files for tools")
struct SegmentFunctionTests {
    private func call(_ function: String, _ payload: String) -> Call {
        Call(
            id: .uuid(UUID128(high: 0, low: 9)),
            function: function,
            payload: Array(payload.utf8),
            action: .await
        )
    }

    private func reading(in effects: [Effect]) throws -> Effect.LogQuery {
        var reading: Effect.LogQuery?
        for case .readLog(let one) in effects { reading = one }
        return try #require(reading)
    }

    @Test("a worker is answered what was read, and nothing is recorded of it")
    func worker() throws {
        let lab = try Lab()
        let peer = try lab.join("p")
        let before = lab.engine.log.staged
        let input = #"{"segment":3,"position":8192,"bytes":4096,"salt":"00000000000000ff"}"#
        let effects = try lab.settle(.call(peer, "engine::segments::read", input))
        let asked = try reading(in: effects)
        guard case .segments(let question) = asked.question else {
            Issue.record("the log is asked for something else")
            return
        }
        let part = SegmentPart(segment: 3, position: 8192, count: 4096, salt: 255)
        #expect(question == .read(part))
        #expect(try SegmentQuestion(question.function, question.input) == question)
        let told = Command.LogQueryResult(
            result: .value(Array("{}".utf8)),
            isEmpty: false,
            last: .zero
        )
        let answered = try lab.settle(.logRead(asked.id, told))
        #expect(answered.lines == ["engine::segments::read = {}"])
        #expect(lab.engine.log.staged == before)
    }

    @Test("operators may read it, too")
    func operators() throws {
        let lab = try Lab()
        let connection = ConnectionID.operators(ofLoop: 0)
        let effects = try lab.settle(.call(connection, call("engine::segments::list", "null")))
        guard case .segments(.list) = try reading(in: effects).question else {
            Issue.record("the log is asked for something else")
            return
        }
    }

    @Test(
        "what is no part of a segment is refused",
        arguments: [
            "{}", #"{"segment":-1}"#, #"{"segment":0,"position":5}"#, #"{"segment":0,"bytes":0}"#,
            #"{"segment":0,"bytes":2097152}"#,
        ]
    )
    func malformed(input: String) throws {
        let lab = try Lab()
        let peer = try lab.join("p")
        let effects = try lab.settle(.call(peer, "engine::segments::read", input))
        #expect(effects.lines.contains { $0.contains("deserialization_error") })
        #expect(effects.lines.count == 1)
    }

    @Test("a restricted worker gets none of it, whatever its listener exposes")
    func restricted() throws {
        let rules = AccessRules(
            rbac: RoleRules(
                authentication: "auth",
                exposed: [ExposeRule(.id(Wildcard("engine::*")))]
            )
        )
        let lab = try Lab { $0.listeners = [AccessRules(), rules] }
        let guest = ConnectionID(loop: 0, number: 77)
        let access = Access(rules, try Grants(.emptyObject))
        try lab.settle(.workerJoined(guest, address: "10.0.0.9", access: access))
        try lab.settle(.call(guest, call("engine::workers::register", #"{"name":"guest"}"#)))
        for function in SegmentFunction.allCases {
            let effects = try lab.settle(
                .call(guest, call(function.rawValue, #"{"segment":0}"#))
            )
            #expect(effects.lines.contains { $0.contains("FORBIDDEN") }, "\(function)")
            #expect(effects.lines.count == 1, "\(function)")
        }
    }
}
