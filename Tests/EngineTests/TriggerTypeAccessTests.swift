import AccessControl
import JSON
import Primitives
import Testing

@testable import Engine

/// What workers of listeners that are not trusted may do about trigger types (protocol 6.9, 9.5).
@Suite("Trigger types of restricted workers")
struct TriggerTypeAccessTests {
    private static let register = "engine::register_trigger"

    private let lab: Lab
    private let client: Peer

    init() throws {
        lab = try Lab()
        client = try lab.join("client")
    }

    private func text(_ json: String) -> JSONText { JSONText(trusted: Array(json.utf8)) }

    private func guest(_ grants: String, hook: String? = nil) throws -> Peer {
        let connection = ConnectionID(loop: 0, number: 901)
        let rules = AccessRules(
            rbac: RoleRules(exposed: [ExposeRule(.id(Wildcard("*")))], onTriggerType: hook)
        )
        let access = Access(rules, try Grants(text(grants)))
        let effects = try lab.settle(.workerJoined(connection, address: "a", access: access))
        guard case .send(_, .registered(let worker, let token, _))? = effects.first else {
            preconditionFailure("a worker that joins is told its id")
        }
        try lab.settle(.call(connection, .describe("guest", nil, "node", "0.25.0")))
        return Peer(connection: connection, worker: worker, token: token)
    }

    @Test("who may not provide types provides none, and is not told")
    func permission() throws {
        let guest = try guest("{}")
        try lab.settle(.trigger(client, "mail", "{}", to: "f"))
        #expect(try lab.settle(.provide(guest, "mail")).isEmpty)
        #expect(lab.engine.registry.triggers["t"]?.isParked == true)
        #expect(lab.engine.registry.types.isEmpty)
    }

    @Test("who may is told of triggers; no prefix stands before a type")
    func provided() throws {
        let guest = try guest(
            #"{"allow_trigger_type_registration":true,"function_registration_prefix":"p"}"#
        )
        try lab.settle(.provide(guest, "mail"))
        #expect(
            try lab.settle(.trigger(client, "mail", "{}", to: "f")).lines == ["bind t mail f {}"]
        )
        try lab.settle(.register(guest.connection, .removeTriggerType(id: "mail", namespace: nil)))
        #expect(lab.engine.registry.triggers["t"]?.isParked == true)
    }

    @Test("a type that others provide is not taken from them, and who may do everything takes it")
    func ranks() throws {
        let trusted = try lab.join("trusted")
        let grants = #"{"allow_trigger_type_registration":true}"#
        let guest = try guest(grants)
        try lab.settle(.provide(trusted, "mail"))
        try lab.settle(.provide(guest, "mail"))
        let bound = try lab.settle(.trigger(client, "mail", "{}", to: "f"))
        #expect(bound.lines(to: trusted) == ["bind t mail f {}"])
        #expect(bound.lines(to: guest) == [])
        try lab.settle(.workerLeft(trusted.connection, reason: "gone"))
        #expect(lab.engine.registry.triggers["t"]?.isParked == true, "the guest never had it")

        #expect(try lab.settle(.provide(guest, "mail")).lines(to: guest) == ["bind t mail f {}"])
        let again = try lab.join("trusted")
        let taken = try lab.settle(.provide(again, "mail"))
        #expect(taken.lines(to: guest) == ["unbind t mail"])
        #expect(taken.lines(to: again) == ["bind t mail f {}"])
        let left = try lab.settle(.workerLeft(again.connection, reason: "gone"))
        #expect(left.lines(to: guest) == [])
        #expect(lab.engine.registry.types.isEmpty)
    }

    @Test("a hook renames a type, and its worker goes on under the name that it knows")
    func hook() throws {
        let hook = try lab.join("hook", serving: "on::type")
        let guest = try guest(#"{"allow_trigger_type_registration":true}"#, hook: "on::type")
        try lab.settle(.trigger(client, "guest::mail", "{}", to: "f"))
        let asked = try #require(try lab.settle(.provide(guest, "mail")).dispatches.first)
        let input = JSONText(trusted: asked.payload)
        #expect(input.member("trigger_type_id")?.stringValue == "mail")
        #expect(input.member("description") == .null)
        let answer = #"{"trigger_type_id":"guest::mail"}"#
        let bound = try lab.settle(.answer(hook, asked.invocation, answer))
        #expect(bound.lines == ["bind t mail f {}"])
        let refused = try lab.settle(.refuse(guest, "t", "mail"))
        #expect(refused.lines == ["trigger t: no"])
        #expect(lab.engine.registry.triggers["t"]?.isParked == true)
        let second = try lab.settle(.trigger(client, "guest::mail", "1", to: "f", id: "u"))
        #expect(second.lines == ["bind u mail f 1"])
        let gone = try lab.settle(.register(client.connection, .removeTrigger(id: "u")))
        #expect(gone.lines == ["unbind u mail"])
        try lab.settle(.register(guest.connection, .removeTriggerType(id: "mail", namespace: nil)))
        #expect(lab.engine.registry.types.isEmpty)
    }

    @Test("a hook that fails refuses")
    func refusingHook() throws {
        let hook = try lab.join("hook", serving: "on::type")
        let guest = try guest(#"{"allow_trigger_type_registration":true}"#, hook: "on::type")
        let asked = try #require(try lab.settle(.provide(guest, "mail")).dispatches.first)
        #expect(try lab.settle(.fail(hook, asked.invocation, "no")).isEmpty)
        #expect(lab.engine.registry.types.isEmpty)
    }

    @Test("a trigger that outlives its maker is held to the maker's rules")
    func durable() throws {
        let guest = try guest(
            #"""
            {"allowed_trigger_types":["http"],"function_registration_prefix":"p",
            "forbidden_functions":["p::secret"]}
            """#
        )
        let cron = #"{"trigger_type":"cron","function_id":"f","config":{"expression":"* * * * *"}}"#
        let refused = try lab.settle(.call(guest, Self.register, cron))
        #expect(refused.lines.first?.hasPrefix("\(Self.register) = FORBIDDEN") == true)
        func http(_ function: String) -> String {
            #"{"trigger_type":"http","function_id":"\#(function)","config":{"api_path":"/f"}}"#
        }
        let secret = try lab.settle(.call(guest, Self.register, http("secret")))
        #expect(secret.lines.first?.hasPrefix("\(Self.register) = FORBIDDEN") == true)
        #expect(lab.engine.registry.triggers.isEmpty)
        try lab.settle(.call(guest, Self.register, http("f")))
        #expect(lab.engine.registry.triggers.values.map(\.function.id) == ["p::f"])
    }

    @Test("whoever watches functions is told of those that it may call")
    func watchers() throws {
        let guest = try guest(#"{"forbidden_functions":["secret"]}"#)
        try lab.settle(.serve(guest, "told"))
        try lab.settle(.trigger(guest, "engine::functions-available", "{}", to: "told"))
        let serving = try lab.join("w", serving: "secret", "open")
        lab.pass(seconds: 6)
        let dispatch = try #require(try lab.settle().dispatches.first)
        let functions = JSONText(trusted: dispatch.payload).member("functions")?.elements ?? []
        let ids = functions.compactMap { $0.member("function_id")?.stringValue }
        #expect(ids.contains("open"))
        #expect(!ids.contains("secret"))
        _ = serving
    }
}
