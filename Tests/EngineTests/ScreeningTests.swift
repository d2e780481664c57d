import AccessControl
import HTTP
import JSON
import Primitives
import Testing

@testable import Engine

@Suite("Registrations of restricted workers")
struct ScreeningTests {
    private var open: AccessRules {
        AccessRules(rbac: RoleRules(exposed: [ExposeRule(.id(Wildcard("*")))]))
    }

    private var hooked: AccessRules {
        var rules = open
        rules.rbac?.onFunction = "on::function"
        rules.rbac?.onTrigger = "on::trigger"
        return rules
    }

    private func text(_ json: String) -> JSONText { JSONText(trusted: Array(json.utf8)) }

    private func guest(
        _ lab: Lab,
        _ rules: AccessRules,
        _ grants: String,
        number: UInt64 = 901
    ) throws -> Peer {
        let connection = ConnectionID(loop: 0, number: number)
        let access = Access(rules, try Grants(text(grants)))
        let effects = try lab.settle(.workerJoined(connection, address: "a", access: access))
        guard case .send(_, .registered(let worker, let token, _))? = effects.first else {
            preconditionFailure("a worker that joins is told its id")
        }
        try lab.settle(.call(connection, .describe("guest", nil, "node", "0.25.0")))
        return Peer(connection: connection, worker: worker, token: token)
    }

    @Test("what may not be registered is ignored")
    func permissions() throws {
        let lab = try Lab()
        let admin = try lab.join("admin", serving: "f")
        let grants = #"{"allow_function_registration":false,"allowed_trigger_types":["cron"]}"#
        let guest = try guest(lab, open, grants)
        #expect(try lab.settle(.serve(guest, "g")).isEmpty)
        #expect(try lab.settle(.call(admin, "g")).dispatches.isEmpty)
        let http = #"{"api_path":"/f","http_method":"GET"}"#
        #expect(try lab.settle(.trigger(guest, "http", http, to: "f")).isEmpty)
        #expect(try lab.settle(.get("/f")).first?.reply?.status == 404)
    }

    @Test("a prefix stands before ids, and is not seen by the worker")
    func prefix() throws {
        let lab = try Lab()
        let admin = try lab.join("admin")
        let guest = try guest(lab, open, #"{"function_registration_prefix":"p"}"#)
        try lab.settle(.serve(guest, "f"))
        #expect(try lab.settle(.call(admin, "f")).dispatches.isEmpty)
        let dispatch = try #require(try lab.settle(.call(admin, "p::f")).dispatches.first)
        #expect(dispatch.function == "f")
        let end = try lab.settle(.answer(guest, dispatch.invocation, "1"))
        #expect(end.lines == ["p::f = 1"])

        try lab.settle(.trigger(guest, "http", #"{"api_path":"/f","http_method":"GET"}"#, to: "f"))
        #expect(try lab.settle(.get("/f")).dispatches.map(\.function) == ["f"])
        try lab.settle(.register(guest.connection, .removeFunction(id: "f")))
        #expect(try lab.settle(.call(admin, "p::f")).dispatches.isEmpty)
    }

    @Test("a trigger may not lead where its worker may not call, be it by a condition")
    func triggers() throws {
        let lab = try Lab()
        _ = try lab.join("admin", serving: "secret", "pub::a")
        let rules = AccessRules(
            rbac: RoleRules(exposed: [ExposeRule(.id(Wildcard("pub::*")))])
        )
        let guest = try guest(lab, rules, "{}")
        let plain = #"{"api_path":"/f","http_method":"GET"}"#
        let sly = #"{"api_path":"/f","http_method":"GET","condition_function_id":"secret"}"#
        for (config, function) in [(plain, "secret"), (sly, "pub::a")] {
            let effects = try lab.settle(.trigger(guest, "http", config, to: function))
            #expect(effects.lines.count == 1)
            #expect(effects.lines[0].hasPrefix("trigger t: function 'secret'"))
        }
        #expect(try lab.settle(.trigger(guest, "http", plain, to: "pub::a")).isEmpty)
        #expect(try lab.settle(.get("/f")).dispatches.map(\.function) == ["pub::a"])
    }

    @Test("a trigger of another worker is not taken over")
    func foreign() throws {
        let lab = try Lab()
        let admin = try lab.join("admin", serving: "f")
        let config = #"{"api_path":"/f","http_method":"GET"}"#
        try lab.settle(.trigger(admin, "http", config, to: "f"))
        let guest = try guest(lab, open, "{}")
        let effects = try lab.settle(.trigger(guest, "http", #"{"api_path":"/g"}"#, to: "f"))
        #expect(effects.lines == ["trigger t: trigger 't' belongs to another worker"])
        try lab.settle(.register(guest.connection, .removeTrigger(id: "t")))
        #expect(try lab.settle(.get("/f")).dispatches.count == 1)
    }

    @Test("nobody else's functions are observed, and no trigger type is taken over")
    func observing() throws {
        let lab = try Lab()
        let admin = try lab.join("admin", serving: "f")
        let guest = try guest(lab, open, "{}")
        let features = #"{"features":["observe.v1"]}"#
        try lab.settle(.call(guest, "engine::workers::register", features))
        let effects = try lab.settle(.observe(guest, "f", "f"))
        guard case .send(_, .observe(.result(_, .error, let refusal, _)))? = effects.first else {
            Issue.record("it was not refused: \(effects.lines)")
            return
        }
        #expect(refusal?.code == "FORBIDDEN")
        #expect(lab.engine.observers.isEmpty)

        try lab.settle(.trigger(admin, "mailbox", "{}", to: "f"))
        let definition = #"{"observe":{"legacy_trigger_type":"mailbox","allow":true}}"#
        try lab.settle(
            .register(guest.connection, .function(id: "g", definition: text(definition)))
        )
        #expect(lab.engine.observers.isEmpty)
    }

    @Test("a function of others is shared by equals only")
    func sharing() throws {
        let lab = try Lab()
        let admin = try lab.join("admin", serving: "f")
        let guest = try guest(lab, open, "{}")
        #expect(
            try lab.settle(.serve(guest, "f")).lines == ["rejected FUNCTION_NAMESPACE_CONFLICT f"]
        )
        let grants = #"{"function_registration_prefix":"p"}"#
        let one = try self.guest(lab, open, grants, number: 902)
        let two = try self.guest(lab, open, grants, number: 903)
        #expect(try lab.settle(.serve(one, "g")).isEmpty)
        #expect(try lab.settle(.serve(two, "g")).isEmpty)
        let reached = try (0..<2).map { index in
            let effects = try lab.settle(.call(admin, "p::g", id: .text("c\(index)")))
            guard case .send(let connection, .invoke)? = effects.first else { return UInt64(0) }
            return connection.number
        }
        #expect(Set(reached) == [902, 903])
    }

    @Test(
        "who may do everything takes a function over, and the guest is told",
        arguments: [EngineOptions.Duplicates.balance, .reject]
    )
    func takeover(duplicates: EngineOptions.Duplicates) throws {
        let lab = try Lab { $0.duplicates = duplicates }
        let guest = try guest(lab, open, #"{"function_registration_prefix":"p"}"#)
        try lab.settle(.serve(guest, "f"))
        let admin = try lab.join("admin")
        let running = try #require(try lab.settle(.call(admin, "p::f")).dispatches.first)
        let effects = try lab.settle(.serve(admin, "p::f"))
        #expect(effects.lines(to: guest) == ["rejected FUNCTION_NAMESPACE_CONFLICT f"])
        guard case .send(_, .rejected(let rejection))? = effects.first else { return }
        #expect(rejection.owner == admin.worker)
        for number in 0..<4 {
            let call = Command.call(admin, "p::f", id: .text("c\(number)"))
            #expect(try lab.settle(call).lines(to: admin) == ["invoke p::f {}"])
        }
        #expect(
            try lab.settle(.answer(guest, running.invocation, "1")).lines == ["p::f = 1"],
            "what it runs it may answer"
        )
        try lab.settle(.register(guest.connection, .removeFunction(id: "f")))
        #expect(try lab.settle(.serve(guest, "f")).lines(to: guest).count == 1)
        #expect(lab.engine.registry.functions[FunctionName(id: "p::f")]?.owners.count == 1)
    }

    @Test("what a hook or a prefix makes too long is refused, and nothing is half done")
    func tooLong() throws {
        let lab = try Lab()
        let admin = try lab.join("admin", serving: "on::function")
        let hooked = try guest(lab, hooked, "{}")
        var asked = try #require(try lab.settle(.serve(hooked, "f")).dispatches.first)
        try lab.settle(.answer(admin, asked.invocation, "{}"))
        let known = FunctionName(id: "f")
        #expect(lab.engine.registry.isServed(known))
        let long = String(repeating: "x", count: 5000)
        let large = String(repeating: "x", count: lab.engine.options.payloadBytes)
        for answer in [#"{"function_id":"\#(long)"}"#, #"{"description":"\#(large)"}"#] {
            asked = try #require(try lab.settle(.serve(hooked, "f")).dispatches.first)
            _ = lab.engine.takeNotices()
            try lab.settle(.answer(admin, asked.invocation, answer))
            let notices = lab.engine.takeNotices().map(\.text)
            #expect(notices.contains { $0.contains("was ignored: ") }, "\(notices)")
            #expect(lab.engine.registry.isServed(known), "the old registration stands")
            #expect(
                lab.engine.registry.functions.keys.map(\.id).sorted() == ["f", "on::function"]
            )
        }
        let prefix = String(repeating: "p", count: 4090)
        let grants = #"{"function_registration_prefix":"\#(prefix)"}"#
        let prefixed = try guest(lab, open, grants, number: 902)
        try lab.settle(.serve(prefixed, "function"))
        try lab.settle(.trigger(prefixed, "http", #"{"api_path":"/f"}"#, to: "function"))
        #expect(lab.engine.registry.functions.count == 2)
        #expect(lab.engine.registry.triggers.isEmpty)
    }

    @Test("a hook renames, in order, and the worker goes on under the names that it knows")
    func hook() throws {
        let lab = try Lab()
        let admin = try lab.join("admin", serving: "on::function", "on::trigger")
        let guest = try guest(
            lab,
            hooked,
            #"{"function_registration_prefix":"p","context":{"u":1}}"#
        )
        let asked = try #require(try lab.settle(.serve(guest, "f")).dispatches.first)
        #expect(asked.function == "on::function")
        let expected =
            #"{"namespace":"default","context":{"u":1},"function_id":"f","description":null,"#
            + #""metadata":null}"#
        #expect(String(decoding: asked.payload, as: UTF8.self) == expected)
        // Behind it in the queue, in order.
        #expect(
            try lab.settle(.register(guest.connection, .removeFunction(id: "f"))).isEmpty
        )
        #expect(try lab.settle(.serve(guest, "f")).isEmpty)
        let again = try #require(
            try lab.settle(.answer(admin, asked.invocation, #"{"function_id":"x"}"#)).dispatches
                .first
        )
        #expect(try lab.settle(.call(admin, "p::x")).dispatches.isEmpty)
        try lab.settle(.answer(admin, again.invocation, #"{"function_id":"y"}"#))
        let dispatch = try #require(try lab.settle(.call(admin, "p::y")).dispatches.first)
        #expect(dispatch.function == "f")
        try lab.settle(.register(guest.connection, .removeFunction(id: "f")))
        #expect(try lab.settle(.call(admin, "p::y")).dispatches.isEmpty)
    }

    @Test("a hook for triggers may change all of it, and what it makes is checked")
    func triggerHook() throws {
        let lab = try Lab()
        let admin = try lab.join("admin", serving: "on::trigger", "f")
        let guest = try guest(lab, hooked, #"{"forbidden_functions":["g"]}"#)
        let config = #"{"api_path":"/a","http_method":"GET"}"#
        var asked = try #require(
            try lab.settle(.trigger(guest, "http", config, to: "f")).dispatches.first
        )
        #expect(JSONText(trusted: asked.payload).member("trigger_id")?.stringValue == "t")
        let changed = #"{"trigger_id":"t2","config":{"api_path":"/b","http_method":"GET"}}"#
        try lab.settle(.answer(admin, asked.invocation, changed))
        #expect(try lab.settle(.get("/a")).dispatches.isEmpty)
        #expect(try lab.settle(.get("/b")).dispatches.count == 1)
        try lab.settle(.register(guest.connection, .removeTrigger(id: "t")))
        #expect(try lab.settle(.get("/b", exchange: 2)).dispatches.isEmpty)

        asked = try #require(
            try lab.settle(.trigger(guest, "http", config, to: "f")).dispatches.first
        )
        let denied = try lab.settle(
            .answer(admin, asked.invocation, #"{"function_id":"g"}"#)
        )
        #expect(denied.lines[0].hasPrefix("trigger t: function 'g' is forbidden"))
    }

    @Test(
        "a hook that fails, answers nothing, or not in time, refuses",
        arguments: ["null", "7", "fail", "late", "missing"]
    )
    func refusing(_ how: String) throws {
        let lab = try Lab()
        let admin = try lab.join("admin")
        if how != "missing" { try lab.settle(.serve(admin, "on::function")) }
        let guest = try guest(lab, hooked, "{}")
        let asked = try lab.settle(.serve(guest, "f")).dispatches.first
        #expect((asked == nil) == (how == "missing"))
        switch (how, asked) {
        case (_, nil): break
        case ("fail", let asked?): try lab.settle(.fail(admin, asked.invocation))
        case ("late", let asked?):
            lab.pass(seconds: 11)
            try lab.settle()
            try lab.settle(.answer(admin, asked.invocation, "{}"))
        case (_, let asked?): try lab.settle(.answer(admin, asked.invocation, how))
        }
        #expect(try lab.settle(.call(admin, "f")).dispatches.isEmpty)
        // What comes later is looked at again.
        let next = try lab.settle(.serve(guest, "g")).dispatches.first
        if let next {
            try lab.settle(.answer(admin, next.invocation, "{}"))
            #expect(try lab.settle(.call(admin, "g")).dispatches.count == 1)
        }
    }
}
