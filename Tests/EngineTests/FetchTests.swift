import CommitLog
import HTTP
import HTTPFunctions
import JSON
import Primitives
import Testing

@testable import Engine

/// Functions that run elsewhere: the edge that makes the request is the test.
@Suite("Functions invoked by HTTP")
struct FetchTests {
    private static let plain = #"{"url":"https://fn.example.com/mail"}"#

    private func serve(
        _ peer: Peer,
        _ function: String,
        _ invocation: String = FetchTests.plain
    ) -> Command {
        .register(
            peer.connection,
            .function(
                id: function,
                definition: .emptyObject,
                invocation: JSONText(trusted: Array(invocation.utf8))
            )
        )
    }

    private func value(_ text: String) -> FunctionResult { .value(Array(text.utf8)) }

    @Test("a call leaves as a request, behind its record, and is answered by what that brings")
    func call() throws {
        let lab = try Lab()
        let owner = try lab.join("owner")
        let caller = try lab.join("caller")
        try lab.settle(serve(owner, "mail::send"))

        #expect(try lab.turn(.call(caller, "mail::send", #"{"to":"a"}"#)).isEmpty)
        let fetch = try #require(try lab.settle().fetches.first)
        #expect(fetch.owner == owner.connection)
        #expect(fetch.endpoint.url.host == "fn.example.com")
        #expect(fetch.dispatch.function == "mail::send")
        #expect(fetch.dispatch.caller == caller.worker)
        #expect(String(decoding: fetch.dispatch.payload, as: UTF8.self) == #"{"to":"a"}"#)
        #expect(!lab.isQuiet)

        let answered = Command.fetched(fetch.dispatch.invocation, value("1"))
        #expect(try lab.turn(answered).isEmpty)
        #expect(try lab.settle().lines == ["mail::send = 1"])
        #expect(lab.isQuiet)
        // Once is enough.
        #expect(try lab.settle(answered).isEmpty)
    }

    @Test("a function carries the secrets of its worker's listener")
    func secrets() throws {
        let lab = try Lab {
            $0.outbound.secrets = ["COMMON"].compactMap { SecretRule($0) }
            $0.outbound.knownSecrets = ["COMMON", "PARTNER"]
            $0.listenerSecrets = [1: ["PARTNER"].compactMap { SecretRule($0) }, 2: []]
        }
        func registers(_ secret: String, from listener: Int) throws -> Bool {
            let connection = ConnectionID(loop: 0, number: UInt64(901 + listener))
            try lab.settle(.workerJoined(connection, address: "a", listener: listener))
            try lab.settle(.call(connection, .describe("w", nil, "node", "0.25.0")))
            let peer = Peer(
                connection: connection,
                worker: UUID128(high: 0, low: 0),
                token: UUID128(high: 0, low: 0)
            )
            let invocation = """
                {"url":"https://fn.example.com/","auth":{"type":"bearer","token_key":"\(secret)"}}
                """
            try lab.settle(serve(peer, "f", invocation))
            defer { _ = try? lab.settle(.workerLeft(connection, reason: "done")) }
            return lab.engine.registry.isServed(FunctionName(id: "f"))
        }
        #expect(try registers("COMMON", from: 0))
        #expect(try !registers("PARTNER", from: 0))
        #expect(try registers("PARTNER", from: 1))
        #expect(try !registers("COMMON", from: 1))
        #expect(try !registers("COMMON", from: 2))
    }

    @Test("the owner is not asked, and cannot answer in its place")
    func owner() throws {
        let lab = try Lab()
        let owner = try lab.join("owner")
        let caller = try lab.join("caller")
        try lab.settle(serve(owner, "f"))
        let effects = try lab.settle(.call(caller, "f"))
        #expect(effects.dispatches.isEmpty)
        let fetch = try #require(effects.fetches.first)
        #expect(try lab.settle(.answer(owner, fetch.dispatch.invocation, "2")).isEmpty)
        let end = Command.fetched(fetch.dispatch.invocation, value("1"))
        #expect(try lab.settle(end).lines == ["f = 1"])
    }

    @Test("a void call and an HTTP trigger work on it")
    func others() throws {
        let lab = try Lab()
        let owner = try lab.join("owner")
        try lab.settle(serve(owner, "f"))
        try lab.settle(.trigger(owner, "http", #"{"api_path":"/f","http_method":"GET"}"#, to: "f"))

        let void = try #require(try lab.settle(.call(owner, "f", as: .void)).fetches.first)
        #expect(try lab.settle(.fetched(void.dispatch.invocation, .none)).isEmpty)
        let request = try #require(try lab.settle(.get("/f")).fetches.first)
        let body = value(#"{"status_code":201,"body":{"a":1}}"#)
        let reply = try lab.settle(.fetched(request.dispatch.invocation, body))
        #expect(reply.first?.reply?.status == 201)
        #expect(lab.isQuiet)
    }

    @Test("a message is delivered by a request, again where that fails")
    func queue() throws {
        let lab = try Lab { $0.queues = ["default": .once(attempts: 2)] }
        let owner = try lab.join("owner")
        try lab.settle(serve(owner, "f"))
        let first = try #require(try lab.settle(.enqueue(owner, "f", "7")).fetches.first)
        let failed = FunctionResult.failure(ErrorBody(code: "http_error", message: "HTTP 503"))
        let second = try #require(
            try lab.settle(.fetched(first.dispatch.invocation, failed)).fetches.first
        )
        #expect(second.dispatch.invocation != first.dispatch.invocation)
        #expect(String(decoding: second.dispatch.payload, as: UTF8.self) == "7")
        #expect(try lab.settle(.fetched(second.dispatch.invocation, .none)).isEmpty)
        #expect(lab.isQuiet)
    }

    @Test("with the connection that registered it a function and its runs are over")
    func left() throws {
        let lab = try Lab()
        let owner = try lab.join("owner")
        let caller = try lab.join("caller")
        try lab.settle(serve(owner, "f"))
        let fetch = try #require(try lab.settle(.call(caller, "f")).fetches.first)
        let other = try lab.join("other")
        #expect(try lab.settle(.workerLeft(other.connection, reason: "gone")).isEmpty)
        let end = try lab.settle(.workerLeft(owner.connection, reason: "gone"))
        #expect(end.lines == ["f = invocation_stopped: Invocation stopped"])
        #expect(try lab.settle(.fetched(fetch.dispatch.invocation, value("1"))).isEmpty)
        #expect(
            try lab.settle(.call(caller, "f")).lines
                == ["f = function_not_found: Function f not found in namespace default."]
        )
        #expect(lab.isQuiet)
    }

    @Test("a message that was out when the engine died is delivered again")
    func crash() throws {
        let disk = SimulatedDisk()
        var lab = try Lab(disk: disk)
        var owner = try lab.join("owner")
        try lab.settle(serve(owner, "f"))
        #expect(try lab.settle(.enqueue(owner, "f", "7")).fetches.count == 1)

        lab = try Lab(disk: disk, life: 2)
        owner = try lab.join("owner")
        let fetch = try #require(try lab.settle(serve(owner, "f")).fetches.first)
        #expect(String(decoding: fetch.dispatch.payload, as: UTF8.self) == "7")
    }

    @Test("what may not be reached is not registered, and the operator is told why")
    func refused() throws {
        let lab = try Lab()
        let owner = try lab.join("owner")
        for invocation in [
            #"{"url":"http://fn.example.com/"}"#, #"{"url":"https://169.254.169.254/"}"#,
            #"{"url":"https://a.example","auth":{"type":"bearer","token_key":"HOME"}}"#,
        ] {
            #expect(try lab.settle(serve(owner, "f", invocation)).isEmpty)
            let notice = try #require(lab.engine.takeNotices().first)
            #expect(notice.text.contains("\"default::f\"") || notice.text.contains("f\""))
            #expect(notice.text.contains("was not registered"))
        }
        #expect(
            try lab.settle(.call(owner, "f")).lines
                == ["f = function_not_found: Function f not found in namespace default."]
        )
    }

    @Test("registered anew without a URL the function is the worker's own")
    func replaced() throws {
        let lab = try Lab()
        let owner = try lab.join("owner")
        try lab.settle(serve(owner, "f"))
        try lab.settle(.serve(owner, "f"))
        let effects = try lab.settle(.call(owner, "f"))
        #expect(effects.fetches.isEmpty)
        #expect(effects.dispatches.count == 1)
    }
}

extension [Effect] {
    fileprivate var fetches: [Effect.Fetch] {
        compactMap {
            guard case .fetch(let fetch) = $0 else { return nil }
            return fetch
        }
    }
}
