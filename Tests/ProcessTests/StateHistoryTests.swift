import Foundation
import Testing

extension Programs {
    /// The state as it was, over the wire, and what came of it after a kill.
    @Suite("The state's history over the wire")
    struct StateHistoryTests {}
}

extension Programs.StateHistoryTests {
    private func result(_ reply: Envelope) throws -> Envelope {
        try #require(reply["result"] as? Envelope, "\(JSON.text(reply))")
    }

    private func set(
        _ client: RawWorker,
        _ value: Any,
        _ more: Envelope = [:],
        key: String = "k"
    ) throws -> Int {
        var input: Envelope = ["scope": "s", "key": key, "value": value, "with_revision": true]
        input.merge(more) { $1 }
        return try #require(result(try client.ask("state::set", input))["revision"] as? Int)
    }

    @Test("What a key was is told at any offset and time, and all that it ever was")
    func history() throws {
        let engine = try EngineProcess.started()
        var client = try RawWorker.ready(engine)
        let place: Envelope = ["scope": "s", "key": "k"]
        let first = try set(client, 1)
        let second = try set(client, ["a": 2])
        _ = try client.ask("state::delete", place)
        let last = try set(client, 3)
        _ = try set(client, "other", key: "l")

        engine.kill9()
        try engine.start()
        client = try RawWorker.ready(engine)
        func value(at moment: Any) throws -> Envelope {
            try client.ask("state::get", place.merging(["at": moment]) { $1 })
        }
        #expect(try value(at: first)["result"] as? Int == 1)
        #expect(JSON.text(try value(at: second)["result"]) == #"{"a":2}"#)
        let missing = try value(at: second + 1)
        #expect(missing["result"] == nil && missing["error"] == nil, "\(JSON.text(missing))")
        #expect(try value(at: last)["result"] as? Int == 3)
        #expect(try value(at: first - 1)["result"] == nil)
        #expect(try value(at: "2100-01-01T00:00:00Z")["result"] as? Int == 3)
        #expect(try value(at: "1999-01-01")["result"] == nil)
        #expect(code(of: try value(at: 1_000_000)) == "UNKNOWN_OFFSET")
        #expect(code(of: try value(at: "soon")) == "deserialization_error")

        let history = try result(try client.ask("state::history", place))
        let entries = history["entries"] as? [Envelope] ?? []
        #expect(entries.map { $0["kind"] as? String } == ["set", "deleted", "set", "set"])
        #expect(entries.first?["revision"] as? Int == last)
        #expect(history["before"] is NSNull)
        let page = try result(
            try client.ask("state::history", place.merging(["limit": 1, "before": last]) { $1 })
        )
        #expect((page["entries"] as? [Envelope])?.first?["kind"] as? String == "deleted")
        #expect(page["before"] as? Int == second + 1)
        let log = try engine.log("verify", "--semantic")
        #expect(log.ending == .exit(0), "\(log.all)")
    }

    @Test("Changes are read from an offset on without a gap, and waited for")
    func changes() throws {
        let engine = try EngineProcess.started()
        let client = try RawWorker.ready(engine)
        for number in 0..<5 { _ = try set(client, number, key: "a\(number)") }
        var next = 0
        var seen: [String] = []
        while true {
            let page = try result(
                try client.ask(
                    "state::changes",
                    ["scope": "s", "key_prefix": "a", "after": next, "limit": 2]
                )
            )
            let changes = page["changes"] as? [Envelope] ?? []
            seen += changes.compactMap { $0["key"] as? String }
            next = try #require(page["next"] as? Int)
            if page["at_end"] as? Bool == true { break }
        }
        #expect(seen == ["a0", "a1", "a2", "a3", "a4"])

        let call = try client.call(
            "state::changes",
            ["scope": "s", "key_prefix": "a", "after": next, "wait_ms": 60_000]
        )
        let other = try RawWorker.ready(engine)
        _ = try set(other, 1, key: "b")
        let revision = try set(other, 9, key: "a9")
        let page = try result(try client.reply(to: call))
        let changes = page["changes"] as? [Envelope] ?? []
        #expect(changes.map { $0["revision"] as? Int } == [revision])

        let nothing = try client.ask(
            "state::changes",
            ["scope": "s", "after": revision, "wait_ms": 50]
        )
        #expect((try result(nothing)["changes"] as? [Envelope])?.isEmpty == true)
        let ahead = try client.ask(
            "state::changes",
            ["after": 1_000_000, "wait_ms": 60_000]
        )
        #expect(code(of: ahead) == "UNKNOWN_OFFSET")
        // Whoever waits is told of all that is written together, and so is whoever wants one.
        let waiting = try client.call(
            "state::changes",
            ["scope": "s", "key_prefix": "t", "after": revision, "wait_ms": 60_000, "limit": 1]
        )
        let writes = (0..<50).map { number -> Envelope in
            ["type": "set", "scope": "s", "key": "t\(number)", "value": number]
        }
        _ = try other.ask("state::transact", ["writes": writes])
        let together = try result(try client.reply(to: waiting))
        #expect((together["changes"] as? [Envelope])?.count == 50)
        #expect(together["at_end"] as? Bool == true)
        // Whoever waits does not hold up the end.
        _ = try client.call("state::changes", ["after": revision, "wait_ms": 60_000])
        _ = try client.ask("state::get", ["scope": "s", "key": "k"])
        #expect(try engine.stop() == .exit(0), "\(engine.errors)")
    }

    @Test("A value goes when its time is over, with a record, a trigger, and over a restart")
    func expiry() throws {
        let engine = try EngineProcess.started()
        var client = try RawWorker.ready(engine)
        _ = try set(client, 1, ["ttl_ms": 300_000], key: "late")
        let soon = try set(client, 1, ["ttl_ms": 400], key: "soon")
        engine.kill9()
        try engine.start()
        client = try RawWorker.ready(engine)
        try client.register("raw::on")
        try client.send([
            "type": "registertrigger", "id": "t", "trigger_type": "state",
            "function_id": "raw::on", "config": ["key": "later"],
        ])
        _ = try set(client, 2, ["ttl_ms": 50], key: "later")
        _ = try client.dispatch("raw::on")
        let event = try client.dispatch("raw::on")["data"] as? Envelope
        #expect(event?["event_type"] as? String == "state:deleted")
        #expect(event?["old_value"] as? Int == 2)
        let after = try result(
            try client.ask("state::changes", ["scope": "s", "after": soon, "wait_ms": 60_000])
        )
        #expect(after["changes"] != nil)
        try eventually("the other one is gone as well") { () -> Void? in
            let reply = try client.ask("state::get", ["scope": "s", "key": "soon"])
            return reply["result"] == nil ? () : nil
        }
        let history = try result(
            try client.ask("state::history", ["scope": "s", "key": "soon"])
        )
        let kinds = (history["entries"] as? [Envelope] ?? []).map { $0["kind"] as? String }
        #expect(kinds == ["expired", "set"])
        let late = try result(
            try client.ask("state::get", ["scope": "s", "key": "late", "with_revision": true])
        )
        #expect(late["expires_at"] is Int)
    }

    @Test(
        "Unmodified SDKs write at a revision, in transactions, and read pages",
        arguments: ["0.25.0", "0.11.6"]
    )
    func fromSDK(sdk: String) throws {
        let engine = try EngineProcess.started()
        let worker = try AnySDKWorker(sdk: sdk, engine: engine)
        let client = try RawWorker.ready(engine)
        try worker.awaitReady(client)
        func ask(_ function: String, _ input: Envelope) throws -> Envelope {
            let told = try worker.asks(client, function, input)
            return try #require(told["value"] as? Envelope, "\(JSON.text(told))")
        }
        let place: Envelope = ["scope": "s", "key": "k"]
        let made = try ask("state::set", place.merging(["value": 1, "if_revision": 0]) { $1 })
        let revision = try #require(made["revision"] as? Int)
        let again = try ask("state::set", place.merging(["value": 1, "if_revision": 0]) { $1 })
        #expect(JSON.text(again) == #"{"outcome":"conflict","revision":\#(revision)}"#)
        let both = try ask(
            "state::transact",
            [
                "checks": [place.merging(["if_revision": revision]) { $1 }],
                "writes": [
                    ["type": "set", "scope": "s", "key": "l", "value": 2],
                    ["type": "delete", "scope": "s", "key": "k"],
                ],
            ]
        )
        #expect(both["outcome"] as? String == "applied")
        let page = try ask("state::entries", ["scope": "s"])
        #expect((page["entries"] as? [Envelope])?.map { $0["key"] as? String } == ["l"])
        let past = try worker.asks(
            client,
            "state::get",
            place.merging(["at": revision]) { $1 }
        )
        #expect(past["value"] as? Int == 1)
    }
}
