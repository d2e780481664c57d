import Foundation
import Testing

extension Programs {
    /// What the reference's console reads (services 2, D.2 and D.4), asked for as it does.
    @Suite("What the console reads")
    struct ConsoleTests {
        let engine: EngineProcess
        /// Serves what the console looks at.
        let shop: RawWorker
        /// Stands for the console.
        let console: RawWorker

        init() throws {
            engine = try EngineProcess.started([
                "--set", "queue.queues.mails.max_retries=1",
            ])
            shop = try RawWorker(engine)
            try shop.send([
                "type": "registerfunction", "id": "shop::order", "description": "Takes an order",
                "request_format": ["type": "object"], "response_format": ["type": "null"],
            ])
            try shop.send([
                "type": "registerfunction", "id": "shop::hidden", "metadata": ["internal": true],
            ])
            try shop.send([
                "type": "registertrigger", "id": "orders", "trigger_type": "http",
                "function_id": "shop::order",
                "config": [
                    "api_path": "orders/" + String(repeating: "x", count: 90),
                    "http_method": "POST",
                ],
            ])
            let me: Envelope = [
                "name": "shop", "runtime": "python", "version": "0.25.0", "os": "test", "pid": 7,
            ]
            _ = try shop.ask("engine::workers::register", me)
            console = try RawWorker.ready(engine)
        }
    }
}

extension Programs.ConsoleTests {
    private func ask(_ function: String, _ data: Any = [String: Any]()) throws -> Envelope {
        let value = try value(function, data)
        return try #require(value as? Envelope, "\(function): \(JSON.text(value))")
    }

    private func rows(_ function: String, _ data: Any = [String: Any]()) throws -> [Envelope] {
        let value = try value(function, data)
        return try #require(value as? [Envelope], "\(function): \(JSON.text(value))")
    }

    private func value(_ function: String, _ data: Any) throws -> Any? {
        let reply = try console.ask(function, data)
        try #require(reply["error"] == nil, "\(function): \(JSON.text(reply))")
        return reply["result"]
    }

    private func list(
        _ name: String,
        of function: String,
        _ data: Any = [String: Any]()
    ) throws -> [Envelope] {
        try #require(try ask(function, data)[name] as? [Envelope], "\(function)")
    }

    private static let workerKeys: Set<String> = [
        "name", "description", "version", "id", "namespace", "runtime", "os", "status",
        "function_count", "connected_at_ms", "active_invocations", "isolation", "ip_address",
    ]

    @Test(
        "Workers: rows with every member, null where it is not known; filters; one with all it has"
    )
    func workers() throws {
        let all = try list("workers", of: "engine::workers::list")
        for row in all { #expect(Set(row.keys) == Self.workerKeys, "\(JSON.text(row))") }
        let row = try #require(all.first { $0["name"] as? String == "shop" })
        #expect(row["status"] as? String == "connected")
        #expect(row["function_count"] as? Int == 2)
        #expect(row["isolation"] is NSNull && row["description"] is NSNull)
        for filter in [["search": "sho"], ["runtime": "python"], ["status": "connected"]] {
            let found = try list("workers", of: "engine::workers::list", filter)
            #expect(found.contains { $0["name"] as? String == "shop" }, "\(filter)")
        }
        let none = try list("workers", of: "engine::workers::list", ["search": "nobody"])
        #expect(none.isEmpty)
        let info = try ask("engine::workers::info", ["name": "shop"])
        let worker = try #require(info["worker"] as? Envelope)
        #expect(Self.workerKeys.isSubset(of: Set(worker.keys)))
        #expect(worker["pid"] as? Int == 7 && worker["internal"] as? Bool == false)
        #expect((info["functions"] as? [Envelope])?.count == 2)
        #expect((info["registered_triggers"] as? [Envelope])?.count == 1)
        #expect(info["trigger_types"] is [Any])
    }

    @Test(
        "Functions: what is internal hides itself; the id counts for more; one, and several at once"
    )
    func functions() throws {
        func ids(_ data: Envelope = [:]) throws -> [String] {
            try list("functions", of: "engine::functions::list", data)
                .compactMap { $0["function_id"] as? String }
        }
        let plain = try ids()
        #expect(plain.contains("shop::order") && plain.contains("engine::queue::list_topics"))
        #expect(!plain.contains("shop::hidden") && !plain.contains("engine::workers::list"))
        let everything = try ids(["include_internal": true])
        #expect(everything.contains("shop::hidden") && everything.contains("engine::workers::list"))
        #expect(try ids(["prefix": "shop::"]) == ["shop::order"])
        #expect(try ids(["worker": "shop"]) == ["shop::order"])
        #expect(try ids(["workers": ["shop", "nobody"]]) == ["shop::order"])
        #expect(try ids(["search": "order"]).first == "shop::order")
        let rows = try list("functions", of: "engine::functions::list", ["prefix": "shop::"])
        #expect(rows[0]["worker_name"] as? String == "shop")
        #expect(rows[0]["namespace"] as? String == "default")
        #expect(rows[0]["description"] as? String == "Takes an order")

        let one = try ask("engine::functions::info", ["function_id": "shop::order"])
        #expect(JSON.text(one["request_schema"]) == #"{"type":"object"}"#)
        #expect(JSON.text(one["response_schema"]) == #"{"type":"null"}"#)
        let triggers = try #require(one["registered_triggers"] as? [Envelope])
        #expect(triggers.first.map { Set($0.keys) } == ["id", "trigger_type", "config"])
        let ids: Envelope = ["function_ids": ["shop::order", "gone"]]
        let several = try list("functions", of: "engine::functions::info", ids)
        #expect(several.count == 2)
        #expect(several[1]["error"] as? String == "not_found")
        let gone = try console.ask("engine::functions::info", ["function_id": "gone"])
        #expect((gone["error"] as? Envelope)?["code"] as? String == "NOT_FOUND")
    }

    @Test("Triggers and their types; a long configuration is told in eighty characters")
    func triggers() throws {
        let types = try list("triggers", of: "engine::triggers::list", ["include_internal": true])
        for row in types {
            #expect(Set(row.keys) == ["id", "namespace", "worker_name", "description"])
        }
        let names = types.compactMap { $0["id"] as? String }
        #expect(Set(["http", "cron", "durable:subscriber", "state", "log"]).isSubset(of: names))
        let all = try list(
            "registered_triggers",
            of: "engine::registered-triggers::list",
            ["function_id": "shop::order", "include_internal": true]
        )
        let row = try #require(all.first)
        #expect(
            Set(row.keys).isSuperset(of: [
                "id", "trigger_type", "function_id", "worker_name", "config", "config_summary",
            ])
        )
        let summary = try #require(row["config_summary"] as? String)
        #expect(summary.count == 81 && summary.hasSuffix("…"))
        for filter in [["trigger_type": "http"], ["worker": "shop"], ["search": "orders"]] {
            let found = try list(
                "registered_triggers",
                of: "engine::registered-triggers::list",
                filter
            )
            #expect(found.count == 1, "\(filter)")
        }
    }

    @Test("Health, alerts, sampling, metrics and rollups have the console's members")
    func telemetry() throws {
        let health = try ask("engine::health::check")
        #expect(Set(health.keys) == ["status", "components", "timestamp", "version"])
        let parts = try #require(health["components"] as? [String: Envelope])
        #expect(Set(parts.keys).isSuperset(of: ["otel", "metrics", "logs", "spans"]))
        for part in parts.values {
            #expect(part["status"] is String && part["details"] is Envelope)
        }
        let alerts = try ask("engine::alerts::list")
        #expect(alerts["alerts"] is [Any] && alerts["firing_count"] is Int)
        let sampling = try ask("engine::sampling::rules")
        #expect(Set(sampling.keys).isSuperset(of: ["traces", "logs", "timestamp"]))
        let traces = try #require(sampling["traces"] as? Envelope)
        #expect(Set(traces.keys).isSuperset(of: ["default_ratio", "rules", "parent_based"]))

        let metrics = try ask("engine::metrics::list")
        let own = try #require(metrics["engine_metrics"] as? [String: Envelope])
        #expect(Set(own.keys) == ["invocations", "workers", "performance"])
        #expect(
            own["invocations"].map { Set($0.keys) } == [
                "total", "success", "error", "deferred", "by_function",
            ]
        )
        #expect(own["workers"].map { Set($0.keys) } == ["spawns", "deaths", "active"])
        #expect(metrics["sdk_metrics"] is [Any])
        let rollups = try ask("engine::rollups::list", ["level": 0])
        #expect(rollups["rollups"] is [Any] && rollups["histogram_rollups"] is [Any])
    }

    @Test("Logs have the console's members, and can be cleared")
    func logs() throws {
        _ = try console.ask("engine::log::info", ["message": "hello", "service_name": "shop"])
        let logs = try ask("engine::logs::list", ["limit": 100])
        #expect(Set(logs.keys) == ["logs", "total", "query", "timestamp"])
        let line = try #require((logs["logs"] as? [Envelope])?.first)
        #expect(
            Set(line.keys).isSuperset(of: [
                "timestamp_unix_nano", "observed_timestamp_unix_nano", "severity_number",
                "severity_text", "body", "attributes", "trace_id", "span_id", "resource",
                "service_name",
            ])
        )
        #expect(JSON.text(try ask("engine::logs::clear")["success"]) == "true")
        #expect((try ask("engine::logs::list")["logs"] as? [Any])?.isEmpty == true)
    }

    @Test("Traces have the console's members, and can be cleared")
    func traces() throws {
        let path = "/orders/" + String(repeating: "x", count: 90)
        let peer = try HTTPPeer(port: engine.httpPort)
        try peer.request("POST", path, ["Connection: close"], body: "{}")
        try shop.answer(try shop.dispatch("shop::order"), ["status_code": 201, "headers": []])
        #expect(try peer.response().status == 201)
        let spans = try eventually("the request is listed") { () -> [Envelope]? in
            let listed = try ask("engine::traces::list", ["limit": 50, "sort_order": "desc"])
            #expect(Set(listed.keys) == ["spans", "total", "offset", "limit", "storage"])
            let spans = listed["spans"] as? [Envelope] ?? []
            return spans.contains { ($0["name"] as? String)?.hasPrefix("POST") == true }
                ? spans : nil
        }
        let span = try #require(spans.first { ($0["name"] as? String)?.hasPrefix("POST") == true })
        #expect(
            Set(span.keys).isSuperset(of: [
                "trace_id", "span_id", "parent_span_id", "name", "start_time_unix_nano",
                "end_time_unix_nano", "status", "attributes", "service_name", "events", "links",
            ])
        )
        let tree = try ask("engine::traces::tree", ["trace_id": span["trace_id"] ?? ""])
        #expect((tree["roots"] as? [Envelope])?.first?["children"] is [Any])
        #expect(try ask("engine::traces::clear")["success"] as? Bool == true)
    }

    @Test("State, streams, queues and dead letters")
    func kept() throws {
        _ = try console.ask("state::set", ["scope": "s", "key": "k", "value": ["a": 1]])
        #expect(JSON.text(try ask("state::list_groups")) == #"{"groups":["s"]}"#)
        #expect(JSON.text(try value("state::list", ["scope": "s"])) == #"[{"a":1}]"#)
        let item: Envelope = [
            "stream_name": "b", "group_id": "g", "item_id": "i", "data": 1,
        ]
        _ = try console.ask("stream::set", item)
        let streams = try ask("stream::list_all")["stream"] as? [Envelope]
        #expect(JSON.text(streams) == #"[{"groups":["g"],"id":"b"}]"#)

        let topics = try rows("engine::queue::list_topics")
        let topic = try #require(topics.first { $0["name"] as? String == "mails" })
        #expect(Set(topic.keys) == ["name", "broker_type", "subscriber_count"])
        _ = try console.ask(
            "shop::order",
            ["n": 1],
            action: ["type": "enqueue", "queue": "mails"]
        )
        try shop.fail(try shop.dispatch("shop::order"), "no")
        let dead = try eventually("a dead letter") { () -> [Envelope]? in
            let dead = try rows("engine::queue::dlq_messages", ["topic": "mails", "limit": 10])
            return dead.isEmpty ? nil : dead
        }
        #expect(
            Set(dead[0].keys).isSuperset(of: [
                "id", "payload", "error", "failed_at", "retries", "size_bytes",
            ])
        )
        let stats = try ask("engine::queue::topic_stats", ["topic": "mails"])
        #expect(
            Set(stats.keys).isSuperset(of: ["depth", "consumer_count", "dlq_depth", "config"])
        )
        #expect(stats["dlq_depth"] as? Int == 1)
        let letters = try rows("engine::queue::dlq_topics")
        #expect(letters.first.map { Set($0.keys) } == ["topic", "broker_type", "message_count"])
        let one: Envelope = ["queue": "mails", "message_id": dead[0]["id"] ?? ""]
        let discarded = try ask("iii::queue::discard_message", one)
        #expect(discarded["redriven"] as? Int == 1)
        #expect(try ask("iii::queue::redrive", ["queue": "mails"])["redriven"] as? Int == 0)
    }

    @Test("The console's own functions are served below _console, and get names as they were sent")
    func bindings() throws {
        for (function, method, path) in [
            ("status", "GET", "_console/status"),
            ("function_detail", "GET", "_console/functions/:function_id"),
            ("state_item_delete", "DELETE", "_console/states/:group/item/:key"),
        ] {
            try console.register("engine::console::\(function)")
            try console.send([
                "type": "registertrigger", "id": "console-\(function)", "trigger_type": "http",
                "function_id": "engine::console::\(function)",
                "config": ["api_path": path, "http_method": method],
            ])
        }
        try eventually("the routes are there") { () -> Void? in
            let all = try list(
                "registered_triggers",
                of: "engine::registered-triggers::list",
                ["include_internal": true]
            )
            let own = all.filter { ($0["id"] as? String)?.hasPrefix("console-") == true }
            return own.count == 3 ? () : nil
        }
        func request(_ method: String, _ path: String, as function: String) throws -> Envelope {
            let peer = try HTTPPeer(port: engine.httpPort)
            try peer.request(method, path, ["Connection: close"])
            let call = try console.dispatch("engine::console::\(function)")
            try console.answer(
                call,
                ["status_code": 200, "headers": [], "body": ["told": function]]
            )
            let response = try peer.response()
            #expect(response.status == 200)
            #expect(JSON.object(response.text)["told"] as? String == function)
            return try #require(call["data"] as? Envelope)
        }
        _ = try request("GET", "/_console/status", as: "status")
        let detail = try request(
            "GET",
            "/_console/functions/state%3A%3Aset?include_internal=true",
            as: "function_detail"
        )
        #expect(JSON.text(detail["path_params"]) == #"{"function_id":"state%3A%3Aset"}"#)
        #expect((detail["query_params"] as? Envelope)?["include_internal"] as? String == "true")
        let item = try request("DELETE", "/_console/states/a%20b/item/k", as: "state_item_delete")
        #expect(JSON.text(item["path_params"]) == #"{"group":"a%20b","key":"k"}"#)
    }
}
