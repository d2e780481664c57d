import AccessControl
import JSON
import Primitives
import Testing

@testable import Engine

/// A lab whose second listener has rules.
struct Gated {
    let lab: Lab
    let admin: Peer
    private var connections: UInt64 = 900

    init(_ rules: AccessRules, serving functions: String...) throws {
        lab = try Lab { $0.listeners = [AccessRules(), rules] }
        admin = try lab.join("admin")
        for function in functions { try lab.settle(.serve(admin, function)) }
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

    @Test("reach what the metadata of all its replicas exposes")
    func replicas() throws {
        var gated = try Gated(rules)
        let lab = gated.lab
        let guest = try gated.join(under: rules)
        let old = try lab.join("old")
        let new = try lab.join("new")
        func calls(with peer: Peer, serving definition: String) throws -> Int {
            let function = Registration.function(id: "f", definition: text(definition))
            try lab.settle(.register(peer.connection, function))
            return try lab.settle(.call(guest, "f")).dispatches.count
        }
        #expect(try calls(with: old, serving: #"{"metadata":{"public":true,"v":1}}"#) == 1)
        #expect(try calls(with: new, serving: #"{"metadata":{"public":true,"v":2}}"#) == 1)
        #expect(try calls(with: new, serving: "{}") == 0)
        try lab.settle(.register(new.connection, .removeFunction(id: "f")))
        #expect(try lab.settle(.call(guest, "f")).dispatches.count == 1)
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
