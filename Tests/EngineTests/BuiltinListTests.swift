import JSON
import Primitives
import Testing

@testable import Engine

/// What `engine::…::list` and `::info` answer, key by key (protocol 6.2 to 6.7).
@Suite("Lists of what is there")
struct BuiltinListTests {
    private let lab: Lab
    private let caller: Peer

    init() throws {
        lab = try Lab()
        caller = try lab.join("caller")
    }

    private func ask(_ function: String, _ input: String = "{}") throws -> JSONText {
        try lab.value(of: function, input, by: caller)
    }

    private func failure(_ function: String, _ input: String = "{}") throws -> ErrorBody {
        try lab.failure(of: function, input, by: caller)
    }

    private func column(_ list: JSONText, _ rows: String, _ key: String) -> [String?] {
        (list.member(rows)?.elements ?? []).map { $0.member(key)?.stringValue }
    }

    /// Registers a function with all that listings show.
    private func serve(_ peer: Peer, _ id: String, _ definition: String = "{}") throws {
        try lab.settle(
            .register(
                peer.connection,
                .function(
                    id: id,
                    definition: JSONText(validating: Array(definition.utf8))
                )
            )
        )
    }

    /// A worker that says all about itself that there is.
    private func mailer(in namespace: String? = nil) throws -> Peer {
        let peer = try lab.connect()
        let place = namespace.map { #","namespace":"\#($0)""# } ?? ""
        try lab.settle(
            .call(
                peer,
                "engine::workers::register",
                #"""
                {"runtime":"python","version":"0.25.0","name":"mailer","description":"Sends mail",
                "os":"Linux 6.1","pid":4242,"isolation":"docker","telemetry":{"language":"en",
                "amplitude_api_key":"k"},"features":[]\#(place)}
                """#
            )
        )
        return peer
    }

    private static let workerKeys = [
        "active_invocations", "connected_at_ms", "description", "function_count", "id",
        "ip_address", "isolation", "name", "namespace", "os", "runtime", "status", "version",
    ]

    // MARK: Workers

    @Test("a worker's row has every key, null where there is nothing")
    func worker() throws {
        let peer = try mailer()
        try serve(peer, "mail::send")
        let rows = try ask("engine::workers::list", #"{"search":"MAIL"}"#)
        let row = try #require(rows.member("workers")?.elements?.first)
        #expect(row.keys == Self.workerKeys)
        #expect(row.member("id")?.stringValue == peer.worker.description)
        #expect(row.member("description")?.stringValue == "Sends mail")
        #expect(row.member("isolation")?.stringValue == "docker")
        #expect(row.member("os")?.stringValue == "Linux 6.1")
        #expect(row.member("status")?.stringValue == "connected")
        #expect(row.member("function_count")?.description == "1")
        #expect(
            row.member("connected_at_ms")?.description == "\(Lab.epoch.milliseconds)"
        )
        #expect(!rows.description.contains("amplitude"))
        let bare = try ask("engine::workers::list", #"{"search":"caller"}"#)
        let other = try #require(bare.member("workers")?.elements?.first)
        #expect(other.keys == Self.workerKeys)
        #expect(["description", "isolation", "os"].allSatisfy { other.member($0) == .null })
    }

    @Test("the engine's own parts are rows, too")
    func modules() throws {
        let list = try ask("engine::workers::list", #"{"runtime":"engine","status":"available"}"#)
        let names = column(list, "workers", "name")
        #expect(
            names == [
                "configuration", "iii-cron", "iii-engine-functions", "iii-http",
                "iii-observability", "iii-pubsub", "iii-state", "iii-stream", "iii-worker-manager",
                "queue",
            ]
        )
        let row = try #require(list.member("workers")?.elements?.first)
        #expect(row.keys == Self.workerKeys)
        #expect(row.member("version")?.stringValue == "test")
        #expect(row.member("isolation")?.stringValue == "in-process")
        #expect(row.member("ip_address") == .null)
        #expect(
            row.member("connected_at_ms")?.description == "\(Lab.epoch.milliseconds)"
        )
    }

    @Test("workers are sorted by name, and those without a process are hidden unless asked for")
    func order() throws {
        let hidden = try lab.connect()
        let second = try lab.join("b")
        let first = try lab.join("a")
        let list = try ask("engine::workers::list", #"{"runtime":"node"}"#)
        #expect(column(list, "workers", "name") == ["a", "b", "caller"])
        #expect(
            column(list, "workers", "id").prefix(2)
                == [first.worker.description, second.worker.description]
        )
        let one = try ask("engine::workers::list", #"{"worker_id":"\#(hidden.worker)"}"#)
        #expect(column(one, "workers", "id") == [hidden.worker.description])
        let none = try ask("engine::workers::list", #"{"status":"busy"}"#)
        #expect(none.description == #"{"workers":[]}"#)
    }

    @Test("what a worker serves and what it waits for are its active invocations")
    func active() throws {
        let peer = try lab.join("w", serving: "f")
        try lab.settle(.call(caller, "f", id: .text("1")), .call(peer, "f", id: .text("2")))
        let list = try ask("engine::workers::list", #"{"runtime":"node"}"#)
        let counts = (list.member("workers")?.elements ?? []).map {
            $0.member("active_invocations")?.description
        }
        #expect(
            counts == ["1", "2"],
            "the caller waits for one; w serves two, one of them its own"
        )
    }

    @Test("everything about one worker")
    func workerInfo() throws {
        let peer = try mailer()
        try serve(peer, "mail::send", #"{"description":"d","metadata":{"public":true}}"#)
        try serve(peer, "mail::ask")
        try lab.settle(.trigger(peer, "http", #"{"api_path":"/m"}"#, to: "mail::send", id: "b"))
        try lab.settle(.trigger(peer, "nobody", "{}", to: "mail::send", id: "a"))
        let info = try ask("engine::workers::info", #"{"name":"mailer"}"#)
        #expect(
            info.keys == ["functions", "registered_triggers", "trigger_types", "worker"]
        )
        let row = try #require(info.member("worker"))
        #expect(row.keys == (Self.workerKeys + ["internal", "pid"]).sorted())
        #expect(row.member("pid")?.description == "4242")
        #expect(row.member("internal") == .false)
        #expect(
            info.member("functions")?.description
                == #"""
                [{"function_id":"mail::ask","namespace":"default","worker_name":"mailer"},
                {"function_id":"mail::send","namespace":"default","worker_name":"mailer",
                "description":"d","metadata":{"public":true}}]
                """#.joined
        )
        #expect(
            info.member("registered_triggers")?.description
                == #"""
                [{"id":"b","trigger_type":"http","function_id":"mail::send",
                "worker_name":"mailer","config":{"api_path":"/m"},
                "config_summary":"{\"api_path\":\"/m\"}"}]
                """#.joined,
            "a trigger that is parked is not live"
        )
    }

    @Test("everything about a part of the engine")
    func moduleInfo() throws {
        let info = try ask("engine::workers::info", #"{"name":"iii-cron"}"#)
        #expect(info.member("worker")?.keys == (Self.workerKeys + ["internal"]).sorted())
        #expect(info.member("worker")?.member("internal") == .false)
        #expect(info.member("trigger_types")?.elements?.first?.member("id")?.stringValue == "cron")
        try lab.settle(.listening(["stream": "127.0.0.1:9"]))
        for (name, address) in [("iii-stream", "127.0.0.1:9"), ("iii-http", nil)] {
            let info = try ask("engine::workers::info", #"{"name":"\#(name)"}"#)
            #expect(info.member("worker")?.member("address")?.stringValue == address)
        }
        let own = try ask("engine::workers::info", #"{"name":"iii-engine-functions"}"#)
        #expect(own.member("worker")?.member("internal") == .true)
        let ids = column(own, "functions", "function_id")
        #expect(ids.contains("engine::workers::info"))
    }

    @Test("a bare name is the one in default, else the only one; else it is not found")
    func workerNames() throws {
        let info = "engine::workers::info"
        let shop = try mailer(in: "shop")
        let named = #"{"name":"mailer"}"#
        #expect(
            try ask(info, named).member("worker")?.member("id")?.stringValue
                == shop.worker.description
        )
        _ = try mailer(in: "depot")
        let refusal = try failure(info, named)
        #expect(refusal.code == "NOT_FOUND")
        #expect(refusal.message.contains("depot, shop"))
        let home = try mailer()
        #expect(
            try ask(info, named).member("worker")?.member("id")?.stringValue
                == home.worker.description
        )
        #expect(try failure(info, #"{"name":"mailer","namespace":"x"}"#).code == "NOT_FOUND")
        #expect(try failure(info, #"{"name":"nobody"}"#).code == "NOT_FOUND")
    }

    // MARK: Functions

    @Test("internal functions are listed only when asked for; all are sorted by id")
    func functions() throws {
        let peer = try mailer()
        try serve(peer, "z::last")
        try serve(peer, "a::secret", #"{"metadata":{"internal":true}}"#)
        try serve(peer, "engine::console::open")
        let list = try ask("engine::functions::list")
        let ids = column(list, "functions", "function_id").compactMap { $0 }
        #expect(ids == ids.sorted())
        #expect(ids.contains("z::last"))
        #expect(ids.contains("state::get"))
        #expect(ids.contains("engine::queue::list_topics"))
        #expect(!ids.contains("a::secret"))
        #expect(!ids.contains("engine::workers::list"))
        let all = try ask("engine::functions::list", #"{"include_internal":true}"#)
        let allIDs = column(all, "functions", "function_id").compactMap { $0 }
        #expect(allIDs == allIDs.sorted())
        for id in ["a::secret", "engine::console::open", "engine::workers::list"] {
            #expect(allIDs.contains(id))
        }
    }

    @Test("a search puts ids that begin with it, or have it as a segment, first")
    func search() throws {
        let peer = try mailer()
        try serve(peer, "b::mail::x")
        try serve(peer, "mail::send")
        try serve(peer, "a::mailbox")
        try serve(peer, "c::other", #"{"description":"writes Mail"}"#)
        let list = try ask("engine::functions::list", #"{"search":"Mail","worker":"mailer"}"#)
        #expect(
            column(list, "functions", "function_id")
                == ["b::mail::x", "mail::send", "a::mailbox", "c::other"]
        )
        let other = try ask("engine::functions::list", #"{"workers":["x","mailer"],"prefix":"b"}"#)
        #expect(column(other, "functions", "function_id") == ["b::mail::x"])
        let state = try ask("engine::functions::list", #"{"worker":"state","search":"groups"}"#)
        #expect(column(state, "functions", "function_id") == ["state::list_groups"])
    }

    @Test("everything about one function")
    func functionInfo() throws {
        let peer = try mailer()
        try serve(
            peer,
            "mail::send",
            #"{"description":"d","request_format":{"type":"object"},"response_format":null}"#
        )
        try lab.settle(.trigger(peer, "http", #"{"api_path":"/m"}"#, to: "mail::send", id: "b"))
        #expect(
            try ask("engine::functions::info", #"{"function_id":"mail::send"}"#).description
                == #"""
                {"function_id":"mail::send","namespace":"default","worker_name":"mailer",
                "description":"d","request_schema":{"type":"object"},
                "registered_triggers":[{"id":"b","trigger_type":"http",
                "config":{"api_path":"/m"}}]}
                """#.joined
        )
    }

    @Test("one of two workers is described by the one that is named, and found by either")
    func replicas() throws {
        let (one, two) = (try lab.join("a"), try lab.join("b"))
        try serve(one, "f", #"{"description":"of a"}"#)
        try serve(two, "f")
        let shown = try ask("engine::functions::info", #"{"function_id":"f"}"#)
        #expect(shown.member("worker_name")?.stringValue == "a")
        #expect(shown.member("description")?.stringValue == "of a")
        for name in ["a", "b"] {
            let found = try ask("engine::functions::list", #"{"worker":"\#(name)"}"#)
            #expect(column(found, "functions", "function_id") == ["f"])
        }
        try lab.settle(.workerLeft(one.connection, reason: "gone"))
        let left = try ask("engine::functions::info", #"{"function_id":"f"}"#)
        #expect(left.member("worker_name")?.stringValue == "b")
        #expect(left.member("description") == nil)
    }

    @Test("several functions at once, in the order in which they were asked for")
    func batch() throws {
        let peer = try mailer()
        try serve(peer, "f")
        let input = #"{"function_ids":["g","f","g","state::get"]}"#
        let list = try ask("engine::functions::info", input)
        #expect(column(list, "functions", "function_id") == ["g", "f", "state::get"])
        #expect(column(list, "functions", "error") == ["not_found", nil, nil])
        let many = (0..<33).map { "\"f\($0)\"" }.joined(separator: ",")
        for input in [
            "{}", #"{"function_ids":[]}"#, #"{"function_id":"f","function_ids":["f"]}"#,
            #"{"function_ids":[\#(many)]}"#,
        ] {
            #expect(try failure("engine::functions::info", input).code == "INVALID_ARGUMENTS")
        }
        let refusal = try failure("engine::functions::info", #"{"function_id":"g"}"#)
        #expect(refusal.code == "NOT_FOUND")
    }

    @Test("a bare id is the one in default, else the only one")
    func namespaces() throws {
        let shop = try mailer(in: "shop")
        try serve(shop, "f")
        let info = "engine::functions::info"
        let bare = #"{"function_id":"f"}"#
        #expect(try ask(info, bare).member("namespace")?.stringValue == "shop")
        let depot = try mailer(in: "depot")
        try serve(depot, "f")
        #expect(try failure(info, bare).code == "NOT_FOUND")
        let one = try ask(info, #"{"function_id":"f","namespace":"depot"}"#)
        #expect(one.member("namespace")?.stringValue == "depot")
    }

    // MARK: Triggers

    @Test("trigger types, and one of them with its schemas and its triggers counted")
    func triggerTypes() throws {
        let list = try ask("engine::triggers::list")
        let ids = column(list, "triggers", "id").compactMap { $0 }
        #expect(ids == ids.sorted())
        #expect(Set(["http", "cron", "queue", "durable:subscriber"]).isSubset(of: ids))
        let row = try #require(
            list.member("triggers")?.elements?.first { $0.member("id")?.stringValue == "http" }
        )
        #expect(row.keys == ["description", "id", "namespace", "worker_name"])
        #expect(row.member("worker_name")?.stringValue == "iii-http")
        try lab.settle(.trigger(caller, "http", #"{"api_path":"/m"}"#, to: "f"))
        let info = try ask("engine::triggers::info", #"{"id":"http"}"#)
        #expect(
            info.keys == [
                "configuration_schema", "description", "id", "instance_count", "namespace",
                "request_schema", "response_schema", "worker_name",
            ]
        )
        #expect(info.member("instance_count")?.description == "1")
        #expect(try failure("engine::triggers::info", #"{"id":"x"}"#).code == "NOT_FOUND")
        let one = try ask("engine::triggers::list", #"{"worker":"queue","prefix":"dur"}"#)
        #expect(column(one, "triggers", "id") == ["durable:subscriber"])
    }

    @Test("registered triggers, with a long configuration cut short")
    func triggers() throws {
        let path = "/" + String(repeating: "é", count: 100)
        try lab.settle(.trigger(caller, "http", #"{"api_path": "\#(path)"}"#, to: "f", id: "b"))
        try lab.settle(.trigger(caller, "cron", #"{"expression":"0 0 1 1 *"}"#, to: "g", id: "a"))
        try lab.settle(
            .trigger(caller, "http", #"{"api_path":"/e"}"#, to: "engine::x", id: "hidden")
        )
        let list = try ask("engine::registered-triggers::list")
        #expect(column(list, "registered_triggers", "id") == ["a", "b"])
        #expect(column(list, "registered_triggers", "worker_name") == ["caller", "caller"])
        let summary = try #require(column(list, "registered_triggers", "config_summary").last ?? "")
        #expect(summary.count == 81)
        #expect(summary.hasPrefix(#"{"api_path":"/é"#))
        #expect(summary.hasSuffix("…"))
        for (input, ids) in [
            (#"{"trigger_type":"cron"}"#, ["a"]), (#"{"function_id":"f"}"#, ["b"]),
            (#"{"search":"HTTP"}"#, ["b"]), (#"{"worker":"nobody"}"#, []),
            (#"{"include_internal":true}"#, ["a", "b", "hidden"]),
        ] {
            let list = try ask("engine::registered-triggers::list", input)
            #expect(column(list, "registered_triggers", "id") == ids, "\(input)")
        }
    }

    @Test("everything about one trigger")
    func triggerInfo() throws {
        let info = "engine::registered-triggers::info"
        try lab.settle(.trigger(caller, "cron", #"{"expression":"0 0 1 1 *"}"#, to: "g", id: "a"))
        let found = try ask(info, #"{"id":"a"}"#)
        #expect(
            found.keys == [
                "config", "function", "function_id", "id", "trigger", "trigger_type",
                "worker_name",
            ]
        )
        #expect(found.member("function") == .null)
        #expect(found.member("trigger")?.member("instance_count")?.description == "1")
        try serve(caller, "g")
        let served = try ask(info, #"{"id":"a"}"#)
        #expect(served.member("function")?.member("function_id")?.stringValue == "g")
        #expect(try failure(info, #"{"id":"x"}"#).code == "NOT_FOUND")
    }
}
