import AccessControl
import HTTP
import JSON
import Observability
import Primitives
import Testing

@testable import Engine

@Suite("What restricted workers cannot have")
struct GuestTests {
    private let rules = AccessRules(
        rbac: RoleRules(exposed: [ExposeRule(.id(Wildcard("api::*")))])
    )

    private func join(
        _ lab: Lab,
        _ grants: String = "{}",
        number: UInt64 = 901
    ) throws -> Peer {
        let connection = ConnectionID(loop: 0, number: number)
        let access = Access(rules, try Grants(JSONText(trusted: Array(grants.utf8))))
        let effects = try lab.settle(.workerJoined(connection, address: "a", access: access))
        guard case .send(_, .registered(let worker, let token, _))? = effects.first else {
            preconditionFailure("a worker that joins is told its id")
        }
        try lab.settle(.call(connection, .describe("guest", nil, "node", "0.25.0")))
        return Peer(connection: connection, worker: worker, token: token)
    }

    private let page = AlertRule(
        name: "a",
        metric: "iii.workers.active",
        threshold: 1000,
        action: .function("page")
    )

    // MARK: Functions

    @Test("functions that the settings name", arguments: ["mw", "letIn", "page"])
    func named(id: String) throws {
        let lab = try Lab {
            $0.http.middleware = ["mw"]
            $0.streamAuthentication = "letIn"
            $0.telemetry.alerts = [page]
        }
        let guest = try join(lab)
        let conflict = ["rejected FUNCTION_NAMESPACE_CONFLICT \(id)"]
        #expect(try lab.settle(.serve(guest, id)).lines == conflict)
        let prefixed = try join(lab, #"{"function_registration_prefix":"p"}"#, number: 902)
        #expect(try lab.settle(.serve(prefixed, id)).isEmpty)
        let trusted = try lab.join("trusted")
        #expect(try lab.settle(.serve(trusted, id)).isEmpty)
    }

    @Test("functions that edited settings name are taken from who has them", arguments: 0..<3)
    func edited(which: Int) throws {
        let lab = try Lab()
        let guest = try join(lab)
        for id in ["other", "page"] { try lab.settle(.serve(guest, id)) }
        let trusted = try lab.join("trusted", serving: "own")
        var settings = LiveSettings(lab.engine.options)
        switch which {
        case 0: settings.http.middleware = ["own", "page"]
        case 1: settings.streamAuthentication = "page"
        default: settings.telemetry.alerts = [page]
        }
        let effects = try lab.settle(.configure(settings))
        #expect(effects.lines(to: guest) == ["rejected FUNCTION_NAMESPACE_CONFLICT page"])
        #expect(effects.lines(to: trusted) == [])
        let registry = lab.engine.registry
        #expect(!registry.isServed(FunctionName(id: "page")))
        #expect(registry.isServed(FunctionName(id: "other")))
        #expect(registry.isServed(FunctionName(id: "own")))
        #expect(try lab.settle(.configure(settings)).isEmpty)
    }

    @Test(
        "functions that keep a stream, where the stream's own may not be called",
        arguments: ["get", "set", "delete", "update", "list", "list_groups"]
    )
    func streams(verb: String) throws {
        let lab = try Lab()
        let guest = try join(lab)
        let id = "stream::\(verb)(board)"
        let conflict = ["rejected FUNCTION_NAMESPACE_CONFLICT \(id)"]
        #expect(try lab.settle(.serve(guest, id)).lines == conflict)
        #expect(try lab.settle(.serve(guest, "stream::\(verb)")).lines.count == 1)
        #expect(try lab.settle(.serve(guest, "stream::\(verb)::own")).isEmpty)
        let grants = #"{"allowed_functions":["stream::\#(verb)"]}"#
        let granted = try join(lab, grants, number: 902)
        #expect(try lab.settle(.serve(granted, id)).isEmpty)
    }

    // MARK: Triggers

    @Test(
        "triggers that tell of what it may not reach by a call",
        arguments: [
            ("state", "state::get"), ("configuration", "configuration::get"),
            ("stream", "stream::get"), ("stream:join", "stream::get"),
            ("stream:leave", "stream::get"), ("subscribe", "publish"),
            ("queue", "iii::durable::publish"), ("durable:subscriber", "iii::durable::publish"),
            ("log", "engine::logs::list"), ("trace", "engine::traces::list"),
            ("engine::functions-available", "engine::functions::list"),
            ("engine::workers-available", "engine::workers::list"),
        ]
    )
    func told(type: String, call: String) throws {
        let lab = try Lab()
        let config = #"{"scope":"s","topic":"t","stream_name":"b","configuration_id":"c"}"#
        let guest = try join(lab)
        try lab.settle(.serve(guest, "api::told"))
        let refused = try lab.settle(.trigger(guest, type, config, to: "api::told"))
        #expect(refused.lines.count == 1)
        #expect(refused.lines.first?.hasPrefix("trigger t: function '\(call)'") == true)
        #expect(lab.engine.registry.triggers.isEmpty)

        let granted = try join(lab, #"{"allowed_functions":["\#(call)"]}"#, number: 902)
        try lab.settle(.trigger(granted, type, config, to: "api::told"))
        #expect(lab.engine.registry.triggers["t"]?.owner == granted.connection)
    }

    @Test("routes and cron jobs tell of nothing that is others'")
    func free() throws {
        for (type, config) in [
            ("http", #"{"api_path":"/f"}"#), ("cron", #"{"expression":"* * * * *"}"#),
        ] {
            let lab = try Lab()
            let guest = try join(lab)
            #expect(try lab.settle(.trigger(guest, type, config, to: "api::f")).isEmpty)
            #expect(lab.engine.registry.triggers["t"]?.owner == guest.connection)
        }
    }

    // MARK: Routes

    private let route = #"{"api_path":"/f/:a","http_method":"GET"}"#
    /// The same requests are for it.
    private let likeIt = #"{"path":"f/{b}"}"#
    private let refusal = #"route GET "f/{b}" belongs to another worker"#

    @Test("a route of a trusted worker stays with it")
    func foreignRoute() throws {
        let lab = try Lab()
        let trusted = try lab.join("trusted", serving: "f")
        try lab.settle(.trigger(trusted, "http", route, to: "f"))
        let guest = try join(lab)
        try lab.settle(.serve(guest, "api::f"))
        let refused = try lab.settle(.trigger(guest, "http", likeIt, to: "api::f", id: "u"))
        #expect(refused.lines == ["trigger u: \(refusal)"])
        let post = #"{"api_path":"/f/:a","http_method":"POST"}"#
        #expect(try lab.settle(.trigger(guest, "http", post, to: "api::f", id: "u")).isEmpty)
        #expect(try lab.settle(.get("/f/1")).dispatches.map(\.function) == ["f"])

        try lab.settle(.workerLeft(trusted.connection, reason: "gone"))
        #expect(try lab.settle(.trigger(guest, "http", likeIt, to: "api::f", id: "v")).isEmpty)
    }

    @Test("a route of a trigger that belongs to nobody stays with it")
    func durableRoute() throws {
        let lab = try Lab()
        let trusted = try lab.join("trusted", serving: "f")
        let input = #"{"trigger_type":"http","function_id":"f","config":\#(route)}"#
        try lab.settle(.call(trusted, "engine::register_trigger", input))
        let guest = try join(lab, #"{"allowed_functions":["engine::register_trigger"]}"#)
        let refused = try lab.settle(.trigger(guest, "http", likeIt, to: "api::f", id: "u"))
        #expect(refused.lines == ["trigger u: \(refusal)"])
        let own = #"{"trigger_type":"http","function_id":"api::f","config":\#(likeIt)}"#
        let durable = try lab.settle(.call(guest, "engine::register_trigger", own))
        #expect(durable.lines.first?.hasPrefix("engine::register_trigger = FORBIDDEN") == true)
        #expect(try lab.settle(.get("/f/1")).dispatches.map(\.function) == ["f"])
    }

    @Test("a route is shared by equals, and by no other guest")
    func equals() throws {
        let lab = try Lab()
        let first = try join(lab)
        try lab.settle(.serve(first, "api::f"))
        #expect(try lab.settle(.trigger(first, "http", route, to: "api::f", id: "u")).isEmpty)
        let replica = try join(lab, number: 902)
        #expect(try lab.settle(.trigger(replica, "http", route, to: "api::f", id: "v")).isEmpty)
        let other = try join(lab, #"{"context":{"of":"others"}}"#, number: 903)
        let refused = try lab.settle(.trigger(other, "http", likeIt, to: "api::g", id: "w"))
        #expect(refused.lines == ["trigger w: \(refusal)"])
    }

    @Test("a trusted worker gets a route that guests have, for good", arguments: [true, false])
    func takenRoute(isDurable: Bool) throws {
        let lab = try Lab()
        let guest = try join(lab, #"{"function_registration_prefix":"api"}"#)
        try lab.settle(.serve(guest, "f"))
        #expect(try lab.settle(.trigger(guest, "http", route, to: "f", id: "u")).isEmpty)
        #expect(try lab.settle(.get("/f/1")).dispatches.map(\.function) == ["f"])

        let trusted = try lab.join("trusted", serving: "own")
        let input = #"{"trigger_type":"http","function_id":"own","config":\#(likeIt)}"#
        let command: Command =
            isDurable
            ? .call(trusted, "engine::register_trigger", input)
            : .trigger(trusted, "http", likeIt, to: "own")
        let taken = try lab.settle(command)
        #expect(taken.lines(to: guest) == ["trigger u: \(refusal)"])
        let served = try lab.settle(.get("/f/1", exchange: 2))
        #expect(served.dispatches.map(\.function) == ["own"])
        #expect(lab.engine.registry.triggers["u"] == nil)

        try lab.settle(.register(guest.connection, .removeTrigger(id: "u")))
        try lab.settle(.workerLeft(trusted.connection, reason: "gone"))
        #expect(lab.engine.router.triggerCount == (isDurable ? 1 : 0))
    }
}
