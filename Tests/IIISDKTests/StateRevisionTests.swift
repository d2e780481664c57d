import IIISDK
import Testing
import WorkerProtocol

@Suite("State with revisions")
struct StateRevisionTests {
    @Test("conditional writes say what came of them")
    func outcomes() async throws {
        let pair = try await Pair.connect()
        let state = pair.worker.state
        async let made = state.set("s", "k", 1, ifRevision: 0, timeToLive: .seconds(2))
        let call = try await pair.connection.call()
        #expect(call.functionID == "state::set")
        #expect(
            call.text == #"{"scope":"s","key":"k","if_revision":0,"ttl_ms":2000,"value":1}"#
        )
        pair.connection.answer(call, #"{"outcome":"applied","revision":7,"old_value":null}"#)
        #expect(try await made == .applied(revision: 7))

        async let refused = state.delete("s", "k", ifRevision: 6)
        pair.connection.answer(
            try await pair.connection.call(),
            #"{"outcome":"conflict","revision":7}"#
        )
        #expect(try await refused == .conflict(revision: 7))

        async let both = state.transact(
            checks: [("s", "x", 0)],
            [try .set("s", "k", 2, ifRevision: 7), .delete("s", "l")]
        )
        let transaction = try await pair.connection.call()
        #expect(
            transaction.text
                == #"{"checks":[{"scope":"s","key":"x","if_revision":0}],"writes":["#
                + #"{"type":"set","scope":"s","key":"k","if_revision":7,"value":2},"#
                + #"{"type":"delete","scope":"s","key":"l"}]}"#
        )
        pair.connection.answer(
            transaction,
            #"{"outcome":"conflict","conflicts":[{"write":0,"revision":9}]}"#
        )
        #expect(try await both == .conflict(revision: 9))
    }

    @Test("entries, pages, history and changes are read")
    func reading() async throws {
        let pair = try await Pair.connect()
        let state = pair.worker.state
        async let missing = state.entry("s", "k", as: Int.self)
        pair.connection.answer(
            try await pair.connection.call(),
            #"{"value":null,"revision":0}"#
        )
        #expect(try await missing == nil)

        async let found = state.entry("s", "k", as: Int.self)
        pair.connection.answer(
            try await pair.connection.call(),
            #"{"value":5,"revision":7,"expires_at":9}"#
        )
        let entry = try #require(try await found)
        #expect(entry.value == 5 && entry.revision == 7 && entry.expiresAt == 9)

        async let page = state.entries("s", as: Int.self)
        pair.connection.answer(
            try await pair.connection.call(),
            #"{"entries":[{"key":"a","value":1,"revision":3}],"cursor":"a"}"#
        )
        let entries = try await page
        #expect(entries.entries.map(\.key) == ["a"] && entries.cursor == "a")

        async let changes = state.changes(after: 3, scope: "s", wait: .seconds(1), as: Int.self)
        let call = try await pair.connection.call()
        #expect(call.text.contains(#""after":3"#) && call.text.contains(#""wait_ms":1000"#))
        pair.connection.answer(
            call,
            #"{"changes":[{"revision":5,"time":"t","scope":"s","key":"a","kind":"expired"}],"#
                + #""next":5,"at_end":true}"#
        )
        let behind = try await changes
        #expect(behind.next == 5 && behind.atEnd && behind.changes.first?.kind == "expired")
        #expect(behind.changes.first?.value == nil)
    }
}
