import AccessControl
import JSON
import Primitives
import Testing

@testable import Engine

/// A lab whose second listener has rules.
private struct Gated {
    let lab: Lab
    let admin: Peer
    private var connections: UInt64 = 900

    init(_ rules: AccessRules, serving functions: String...) throws {
        lab = try Lab { $0.listeners = [AccessRules(), rules] }
        admin = try lab.join("admin")
        for function in functions { try lab.settle(.serve(admin, function)) }
    }

    func ask(_ query: String? = nil) throws -> [Effect] {
        let admission = Admission(
            listener: 1,
            headers: [("authorization", "Bearer t"), ("x-a", "1"), ("x-a", "2")],
            query: query,
            address: "10.0.0.9"
        )
        return try lab.settle(.admit(AdmissionID(loop: 0, number: 1), admission))
    }

    /// A worker that was let in with `grants`.
    mutating func join(
        _ grants: String = "{}",
        under rules: AccessRules,
        announcing: Bool = true
    ) throws -> Peer {
        connections += 1
        let connection = ConnectionID(loop: 0, number: connections)
        let access = Access(rules, try Grants(text(grants)))
        let effects = try lab.settle(
            .workerJoined(connection, address: "10.0.0.9", access: access)
        )
        guard case .send(_, .registered(let worker, let token, _))? = effects.first else {
            preconditionFailure("a worker that joins is told its id")
        }
        let peer = Peer(connection: connection, worker: worker, token: token)
        if announcing {
            try lab.settle(.call(connection, .describe("guest", nil, "node", "0.25.0")))
        }
        return peer
    }
}

private func text(_ json: String) -> JSONText { JSONText(trusted: Array(json.utf8)) }

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

@Suite("Calls of restricted workers")
struct RestrictedCallTests {
    private let rules = AccessRules(
        rbac: RoleRules(exposed: [
            ExposeRule(.id(Wildcard("pub::*"))),
            ExposeRule(.metadata(["public": MetadataValue(.bool(true))])),
        ])
    )

    @Test("reach what is exposed or granted, and nothing else by any way")
    func calls() throws {
        var gated = try Gated(rules, serving: "pub::a", "secret", "granted")
        let lab = gated.lab
        let guest = try gated.join(#"{"allowed_functions":["granted"]}"#, under: rules)
        #expect(try lab.settle(.call(guest, "pub::a")).dispatches.count == 1)
        #expect(try lab.settle(.call(guest, "granted")).dispatches.count == 1)
        let denied: [Command] = [
            .call(guest, "secret"), .call(guest, "not::there"), .enqueue(guest, "secret"),
            .call(guest, "state::get"), .call(guest, "pub::a", in: "shop"),
            .call(guest, "engine::functions::list"),
        ]
        for command in denied {
            let effects = try lab.settle(command)
            #expect(effects.count == 1)
            #expect(effects.lines[0].contains("FORBIDDEN: function '"), "\(effects.lines)")
        }
        #expect(try lab.settle(.call(guest, "secret", as: .void)).isEmpty)
        // The engine itself, and trusted workers, go on as before.
        #expect(try lab.settle(.call(gated.admin, "secret")).dispatches.count == 1)
    }

    @Test("reach what its metadata exposes, as it is registered now")
    func metadata() throws {
        var gated = try Gated(rules)
        let lab = gated.lab
        let guest = try gated.join(under: rules)
        func serve(_ definition: String) throws {
            try lab.settle(
                .register(
                    gated.admin.connection,
                    .function(id: "f", definition: text(definition))
                )
            )
        }
        try serve(#"{"metadata":{"public":true}}"#)
        #expect(try lab.settle(.call(guest, "f")).dispatches.count == 1)
        try serve(#"{"metadata":{"public":false}}"#)
        #expect(try lab.settle(.call(guest, "f")).dispatches.isEmpty)
    }

    @Test("the builtin for enqueuing is no way around")
    func enqueuing() throws {
        var gated = try Gated(rules, serving: "secret", "pub::a")
        let grants = #"{"allowed_functions":["engine::queue::enqueue"]}"#
        let guest = try gated.join(grants, under: rules)
        func enqueue(_ function: String) throws -> [Effect] {
            let input = #"{"queue":"default","function_id":"\#(function)","data":1}"#
            return try gated.lab.settle(.call(guest, "engine::queue::enqueue", input))
        }
        #expect(try enqueue("secret").lines.allSatisfy { $0.contains("FORBIDDEN") })
        #expect(try enqueue("pub::a").dispatches.count == 1)
    }

    @Test("see in lists only what they may call")
    func lists() throws {
        var gated = try Gated(rules, serving: "secret", "pub::a")
        let grants = #"{"allowed_functions":["engine::functions::list"]}"#
        let guest = try gated.join(grants, under: rules)
        let effects = try gated.lab.settle(
            .call(guest, "engine::functions::list", #"{"include_internal":true}"#)
        )
        guard case .value(let bytes)? = effects.first?.answer else {
            Issue.record("no list: \(effects.lines)")
            return
        }
        let ids = JSONText(trusted: bytes).member("functions")?.elements?.compactMap {
            $0.member("function_id")?.stringValue
        }
        #expect(ids?.contains("pub::a") == true)
        #expect(ids?.contains("engine::functions::list") == true)
        #expect(ids?.contains("secret") == false)
        #expect(ids?.contains("state::get") == false)
    }

    @Test("are not told where the engine's parts listen")
    func addresses() throws {
        var gated = try Gated(rules)
        let lab = gated.lab
        let info = "engine::workers::info"
        let guest = try gated.join(#"{"allowed_functions":["\#(info)"]}"#, under: rules)
        try lab.settle(.listening(["stream": "127.0.0.1:9"]))
        for (peer, address) in [(gated.admin, "127.0.0.1:9"), (guest, nil)] {
            let told = try lab.value(of: info, #"{"name":"iii-stream"}"#, by: peer)
            let module = try #require(told.member("worker"))
            #expect(module.member("name")?.stringValue == "iii-stream")
            #expect(module.member("address")?.stringValue == address)
        }
    }

    @Test("are told of errors without where they happened")
    func stacktrace() throws {
        var gated = try Gated(rules, serving: "pub::a")
        let guest = try gated.join(under: rules)
        let dispatch = try #require(try gated.lab.settle(.call(guest, "pub::a")).dispatches.first)
        let error = ErrorBody(code: "c", message: "m", stacktrace: "/srv/secret.py")
        let result = CallResult(id: .uuid(dispatch.invocation), result: .failure(error))
        let end = try gated.lab.settle(.result(gated.admin.connection, result))
        #expect(end.first?.answer == .failure(ErrorBody(code: "c", message: "m")))
    }

    @Test("live where they are granted something")
    func namespaces() throws {
        var gated = try Gated(rules)
        let lab = gated.lab
        let guest = try gated.join(
            #"{"namespaces":{"shop":["*"]}}"#,
            under: rules,
            announcing: false
        )
        func announce(_ namespace: String?) throws -> [String] {
            let fields = namespace.map { #","namespace":"\#($0)""# } ?? ""
            let input = #"{"name":"guest"\#(fields)}"#
            return try lab.settle(.call(guest, "engine::workers::register", input)).lines
        }
        #expect(try announce("other")[0].contains("FORBIDDEN: namespace 'other'"))
        #expect(try announce(nil)[0].contains("FORBIDDEN: namespace 'default'"))
        #expect(try announce("shop")[0].contains("success"))
        try lab.settle(.serve(guest, "f"))
        #expect(try lab.settle(.call(gated.admin, "f", in: "shop")).dispatches.count == 1)
    }

    @Test("a worker that never says where it lives registers nothing in the default namespace")
    func undeclared() throws {
        var gated = try Gated(rules)
        let guest = try gated.join(
            #"{"namespaces":{"shop":["*"]}}"#,
            under: rules,
            announcing: false
        )
        try gated.lab.settle(.serve(guest, "f"))
        gated.lab.pass(seconds: 6)
        try gated.lab.settle()
        #expect(try gated.lab.settle(.call(gated.admin, "f")).dispatches.isEmpty)
    }

    @Test("go to the middleware, but for the engine's own functions")
    func middleware() throws {
        var rules = rules
        rules.middleware = "gate"
        var gated = try Gated(rules, serving: "pub::a", "gate")
        let lab = gated.lab
        let guest = try gated.join(#"{"context":{"u":1}}"#, under: rules)
        let calls: [(Command, String)] = [
            (.call(guest, "pub::a", "7"), "null"),
            (.call(guest, "pub::a", "7", as: .void), #"{"type":"void"}"#),
            (.enqueue(guest, "pub::a", "7"), #"{"type":"enqueue","queue":"default"}"#),
        ]
        for (command, action) in calls {
            let dispatch = try #require(try lab.settle(command).dispatches.first)
            #expect(dispatch.function == "gate")
            #expect(dispatch.caller == nil)
            let expected =
                #"{"function_id":"pub::a","payload":7,"action":\#(action),"#
                + #""context":{"u":1},"namespace":"default"}"#
            #expect(String(decoding: dispatch.payload, as: UTF8.self) == expected)
            let end = try lab.settle(.answer(gated.admin, dispatch.invocation, "1"))
            #expect(end.lines == (action.contains("void") ? [] : ["pub::a = 1"]))
        }
        #expect(try lab.settle(.call(guest, "secret")).lines[0].contains("FORBIDDEN"))
        #expect(try lab.settle(.call(guest, "engine::log::info", #"{"message":"m"}"#)).count == 1)
    }

    @Test("go to the middleware also where a builtin does what workers could, as the state's")
    func middlewareOfBuiltins() throws {
        var rules = rules
        rules.middleware = "gate"
        var gated = try Gated(rules, serving: "gate")
        let lab = gated.lab
        let builtins = ["state::set", "iii::durable::publish", "publish", "stream::set"]
        let allowed = builtins.map { "\"\($0)\"" }.joined(separator: ",")
        let guest = try gated.join(#"{"allowed_functions":[\#(allowed)]}"#, under: rules)
        for builtin in builtins {
            let input = #"{"scope":"s","key":"k","value":1}"#
            let effects = try lab.settle(.call(guest, builtin, input))
            #expect(effects.dispatches.map(\.function) == ["gate"], "\(builtin)")
            let asked = JSONText(trusted: try #require(effects.dispatches.first).payload)
            #expect(asked.member("function_id")?.stringValue == builtin)
        }
        #expect(lab.value(scope: "s", key: "k") == nil)
    }
}
