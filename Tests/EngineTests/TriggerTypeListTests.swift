import JSON
import Primitives
import Testing

@testable import Engine

/// Providers and their triggers, as lists show them (protocol 6.3, 6.6, 6.7).
@Suite("Lists of trigger types that workers provide")
struct TriggerTypeListTests {
    private let lab: Lab
    private let caller: Peer
    private let provider: Peer

    init() throws {
        lab = try Lab()
        caller = try lab.join("caller")
        provider = try lab.join("post", namespace: "shop")
        let offer = TriggerTypeOffer(
            id: "mail",
            description: "Runs the function on mail",
            configFormat: JSONText(trusted: Array(#"{"type":"object"}"#.utf8)),
            callFormat: JSONText(trusted: Array(#"{"type":"string"}"#.utf8)),
            namespace: "default"
        )
        try lab.settle(.register(provider.connection, .triggerType(offer)))
    }

    private func ask(_ function: String, _ input: String = "{}") throws -> JSONText {
        try lab.value(of: function, input, by: caller)
    }

    private func ids(_ list: JSONText, _ rows: String) -> [String?] {
        (list.member(rows)?.elements ?? []).map { $0.member("id")?.stringValue }
    }

    @Test("a worker's type is listed with the engine's, and counts the triggers that it serves")
    func types() throws {
        let list = try ask("engine::triggers::list")
        let sorted = [
            "configuration", "cron", "durable:subscriber", "http", "log", "mail", "queue", "state",
            "stream",
            "stream:join", "stream:leave", "subscribe", "trace",
        ]
        #expect(ids(list, "triggers") == sorted)
        let all = try ask("engine::triggers::list", #"{"include_internal":true,"prefix":"engine"}"#)
        #expect(
            ids(all, "triggers") == ["engine::functions-available", "engine::workers-available"]
        )
        try lab.settle(.trigger(caller, "mail", "{}", to: "f", id: "a"))
        try lab.settle(.trigger(caller, "mail", "{}", to: "f", id: "b", at: "shop"))
        let info = try ask("engine::triggers::info", #"{"id":"mail"}"#)
        #expect(
            info.description
                == #"{"id":"mail","namespace":"default","worker_name":"post","#
                + #""description":"Runs the function on mail","#
                + #""configuration_schema":{"type":"object"},"#
                + #""request_schema":{"type":"string"},"instance_count":1}"#
        )
        let worker = try ask("engine::workers::info", #"{"name":"post"}"#)
        #expect(ids(worker, "trigger_types") == ["mail"])
    }

    @Test("only triggers that somebody serves are listed, those of no worker among them")
    func triggers() throws {
        try lab.settle(.trigger(caller, "mail", "{}", to: "f", id: "a"))
        try lab.settle(.trigger(caller, "mail", "{}", to: "f", id: "parked", at: "shop"))
        let input = #"{"trigger_type":"http","function_id":"f","config":{"api_path":"/f"}}"#
        let bound = try ask("engine::register_trigger", input)
        let durable = try #require(bound.member("id")?.stringValue)
        let listed = try ask("engine::registered-triggers::list")
        #expect(ids(listed, "registered_triggers") == [durable, "a"].sorted())
        let info = "engine::registered-triggers::info"
        let found = try ask(info, #"{"id":"a"}"#)
        #expect(found.member("trigger")?.member("worker_name")?.stringValue == "post")
        let ownerless = try ask(info, #"{"id":"\#(durable)"}"#)
        #expect(ownerless.member("worker_name")?.stringValue == "f", "nobody better is known")
        try lab.settle(.workerLeft(provider.connection, reason: "gone"))
        let left = try ask("engine::registered-triggers::list")
        #expect(ids(left, "registered_triggers") == [durable])
        #expect(try lab.failure(of: info, #"{"id":"a"}"#, by: caller).code == "NOT_FOUND")
    }
}
