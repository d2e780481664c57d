import AccessControl
import JSON
import Primitives
import Testing

@testable import Engine

extension Gated {
    /// A socket asks to be let in.
    func ask(_ query: String? = nil) throws -> [Effect] {
        let admission = Admission(
            listener: 1,
            headers: [("authorization", "Bearer t"), ("x-a", "1"), ("x-a", "2")],
            query: query,
            address: "10.0.0.9"
        )
        return try lab.settle(.admit(AdmissionID(loop: 0, number: 1), admission))
    }
}

extension [Effect] {
    fileprivate var verdict: Effect.Verdict? {
        for case .admit(_, let verdict) in self { return verdict }
        return nil
    }
}

extension Effect.Verdict {
    fileprivate var access: Access? {
        guard case .admitted(let access) = self else { return nil }
        return access
    }

    fileprivate var status: Int? {
        guard case .refused(let status, _) = self else { return nil }
        return status
    }

    fileprivate var isDropped: Bool {
        if case .dropped = self { true } else { false }
    }
}

@Suite("Being let in")
struct AdmissionTests {
    private let rules = AccessRules(rbac: RoleRules(authentication: "auth"))

    @Test("the auth function is asked, and what it grants is what the worker has")
    func granted() throws {
        let gated = try Gated(rules, serving: "auth")
        let effects = try gated.ask("token=a%20b&x&token=c")
        #expect(effects.verdict == nil)
        let dispatch = try #require(effects.dispatches.first)
        let input = JSONText(trusted: dispatch.payload)
        #expect(input.member("ip_address")?.stringValue == "10.0.0.9")
        #expect(input.member("headers")?.member("x-a")?.stringValue == "1, 2")
        #expect(
            input.member("query_params")?.description == #"{"token":["a%20b","c"],"x":[""]}"#
        )
        let answer = #"{"allowed_functions":["f"],"context":{"u":1}}"#
        let end = try gated.lab.settle(.answer(gated.admin, dispatch.invocation, answer))
        let access = try #require(end.verdict?.access)
        #expect(access.grants.allowedFunctions == ["f"])
        #expect(gated.lab.isQuiet)
    }

    @Test("no record holds what the worker presented")
    func secrets() throws {
        let gated = try Gated(rules, serving: "auth")
        #expect(try gated.ask("token=canary").dispatches.count == 1)
        let log = gated.lab.disk.segments.values.flatMap { $0 }
        #expect(!String(decoding: log, as: UTF8.self).contains("canary"))
    }

    @Test("nor what the auth function says of it, which hooks and the middleware are told")
    func contexts() throws {
        var rules = rules
        rules.rbac?.onFunction = "hook"
        rules.rbac?.exposed = [ExposeRule(.id(Wildcard("f")))]
        rules.middleware = "gate"
        let gated = try Gated(rules, serving: "auth", "hook", "gate", "f")
        let lab = gated.lab
        let asked = try #require(try gated.ask().dispatches.first)
        let answer = #"{"context":{"token":"canary"}}"#
        let end = try lab.settle(.answer(gated.admin, asked.invocation, answer))
        let access = try #require(end.verdict?.access)
        let guest = ConnectionID(loop: 0, number: 901)
        try lab.settle(.workerJoined(guest, address: "a", access: access))
        try lab.settle(.call(guest, .describe("guest", nil, "node", "0.25.0")))
        let context = #"{"token":"canary"}"#
        let hook = try lab.settle(
            .register(guest, .function(id: "g", definition: .emptyObject))
        )
        #expect(hook.dispatches.first?.function == "hook" && self.context(hook) == context)
        let call = Call(id: .text("c"), function: "f", payload: Array("7".utf8))
        let middleware = try lab.settle(.call(guest, call))
        #expect(middleware.dispatches.first?.function == "gate")
        #expect(self.context(middleware) == context)
        let log = lab.disk.segments.values.flatMap { $0 }
        #expect(!String(decoding: log, as: UTF8.self).contains("canary"))
    }

    private func context(_ effects: [Effect]) -> String? {
        effects.dispatches.first.flatMap {
            JSONText(trusted: $0.payload).member("context")?.description
        }
    }

    @Test(
        "an error, nothing, or what is no grant lets nobody in",
        arguments: [
            ("null", 403), ("7", 403), (#"{"allowed_functions":7}"#, 403),
            (#"{"unauthorized":true}"#, 403), (#"{"authorized":false,"context":{}}"#, 403),
        ]
    )
    func refused(_ answer: String, _ status: Int) throws {
        let gated = try Gated(rules, serving: "auth")
        let dispatch = try #require(try gated.ask().dispatches.first)
        let end = try gated.lab.settle(.answer(gated.admin, dispatch.invocation, answer))
        #expect(end.verdict?.status == status)
        let told = gated.lab.engine.takeNotices().map(\.text)
        #expect(told.contains { $0.contains("not let in by the auth function's answer") })
    }

    @Test("neither does an error; where there is no auth function, everybody is let in")
    func failed() throws {
        var gated = try Gated(rules, serving: "auth")
        let dispatch = try #require(try gated.ask().dispatches.first)
        #expect(
            try gated.lab.settle(.fail(gated.admin, dispatch.invocation)).verdict?.status == 401
        )
        gated = try Gated(AccessRules(middleware: "m"))
        #expect(try gated.ask().verdict?.access?.grants == .full)
    }

    @Test("a socket waits for an auth function that is not there yet, or goes away")
    func late() throws {
        let gated = try Gated(rules)
        #expect(try gated.ask("token=a").verdict == nil)
        var auth = try gated.lab.join("auth", serving: "auth")
        let asked = try #require(gated.lab.left.dispatches.first)
        #expect(asked.function == "auth")
        #expect(String(decoding: asked.payload, as: UTF8.self).contains(#""token":["a"]"#))
        let left = Command.workerLeft(auth.connection, reason: "gone")
        #expect(try gated.lab.settle(left).verdict == nil)
        auth = try gated.lab.join("auth", serving: "auth")
        let again = try #require(gated.lab.left.dispatches.last)
        #expect(again.invocation != asked.invocation)
        let end = try gated.lab.settle(.answer(auth, again.invocation, "{}"))
        #expect(end.verdict?.access != nil)
    }

    @Test("where its worker leaves, another one is asked that serves it, too")
    func replicas() throws {
        let gated = try Gated(rules, serving: "auth")
        let other = try gated.lab.join("other", serving: "auth")
        let asked = try #require(try gated.ask("token=a").dispatches.first)
        let left = try gated.lab.settle(.workerLeft(gated.admin.connection, reason: "gone"))
        #expect(left.verdict == nil)
        let again = try #require(left.dispatches.first)
        #expect(again.function == "auth" && again.payload == asked.payload)
        let end = try gated.lab.settle(.answer(other, again.invocation, "{}"))
        #expect(end.verdict?.access != nil)
    }

    @Test("what three workers do not live through, no further one is asked")
    func losses() throws {
        let gated = try Gated(rules)
        #expect(try gated.ask().verdict == nil)
        for number in 1...3 {
            let auth = try gated.lab.join("auth", serving: "auth")
            let left = Command.workerLeft(auth.connection, reason: "gone")
            #expect(try gated.lab.settle(left).verdict?.status == (number < 3 ? nil : 401))
        }
    }

    @Test(
        "what it answers counts, also when it is not served any more, and whatever the code",
        arguments: ["invocation_failed", "function_not_found", "invocation_stopped"]
    )
    func lastAnswer(code: String) throws {
        let gated = try Gated(rules, serving: "auth")
        let asked = try #require(try gated.ask().dispatches.first)
        try gated.lab.settle(.register(gated.admin.connection, .removeFunction(id: "auth")))
        let end = try gated.lab.settle(.fail(gated.admin, asked.invocation, code: code))
        #expect(end.verdict?.status == 401)
    }

    @Test("it is dropped without a status where that does not come in time, or the engine stops")
    func dropped() throws {
        let gated = try Gated(rules)
        #expect(try gated.ask().verdict == nil)
        gated.lab.pass(seconds: 10)
        #expect(try gated.lab.settle().verdict?.isDropped == true)
        _ = try gated.lab.join("auth", serving: "auth")
        #expect(gated.lab.left.dispatches.isEmpty, "nobody is there to be let in")
        try gated.lab.settle(.drain)
        #expect(try gated.ask().verdict?.isDropped == true)
    }
}
