import Foundation
import Testing

extension Programs {
    /// What comes to pages as it happens: log lines, what becomes of a watched stream, and what
    /// becomes of pages that are too slow for it.
    @Suite("Dashboard live")
    struct DashboardLiveTests {
        let engine: EngineProcess
        let worker: RawWorker

        init() throws {
            engine = try EngineProcess.started()
            worker = try RawWorker.ready(engine, functions: ["first"])
        }
    }
}

extension Programs.DashboardLiveTests {
    @Test("A log line comes to a page as the list has it; a long one is cut, and says so")
    func line() throws {
        let page = try LiveSocket(engine)
        try page.ticks(1)
        let line: Envelope = [
            "message": "order accepted", "data": ["id": 7], "service_name": "shop",
        ]
        _ = try worker.ask("engine::log::warn", line)
        let seen = try page.messages { !$0.all("logs", in: "logs").isEmpty }
        let reply = try worker.ask("engine::logs::list", [String: Any]())
        let listed = (reply["result"] as? Envelope)?["logs"] as? [Envelope]
        #expect(JSON.text(seen.all("logs", in: "logs")) == JSON.text(listed))
        #expect(listed?.first?["severity_text"] as? String == "WARN")

        // Cut between characters of two bytes.
        let long = "x" + String(repeating: "é", count: 50_000)
        _ = try worker.ask("engine::log::info", ["message": long, "data": ["id": 8]])
        let cut = try page.messages { !$0.all("logs", in: "logs").isEmpty }
            .all("logs", in: "logs")
        #expect(cut.first?["cut"] as? Bool == true)
        let body = try #require(cut.first?["body"] as? String)
        #expect(long.hasPrefix(body) && body.utf8.count == 8191)

        // A page that comes later is told the youngest.
        let later = try LiveSocket(engine)
        try later.messages { $0.all("logs", in: "logs").count == 2 }
    }

    @Test("Of more lines than a page can take it is told some, and how many more there were")
    func lines() throws {
        let page = try LiveSocket(engine)
        try page.ticks(1)
        let count = 300
        for number in 1...count {
            _ = try worker.call(
                "engine::log::info",
                ["message": "line \(number)"],
                action: ["type": "void"]
            )
        }
        let seen = try page.messages {
            $0.all("logs", in: "logs").count + $0.skipped("logs") >= count
        }
        let told = seen.all("logs", in: "logs")
        #expect(told.count + seen.skipped("logs") == count)
        #expect(seen.skipped("logs") > 0)
        #expect(told.last?["body"] as? String == "line \(count)")
        for message in seen where message["type"] as? String == "logs" {
            #expect((message["logs"] as? [Envelope])?.count ?? 0 <= 50)
        }
    }

    private func set(_ item: String, in group: String, of stream: String = "board") throws {
        let place = ["stream_name": stream, "group_id": group, "item_id": item]
        let reply = try worker.ask("stream::set", place.merging(["data": item]) { $1 })
        #expect(reply["error"] == nil, "\(JSON.text(reply))")
    }

    @Test("A stream that is watched is told as it happens, and nothing once it is not")
    func stream() throws {
        let page = try LiveSocket(engine)
        let other = try LiveSocket(engine)
        try page.watch("board", group: "g")
        try other.watch("board")
        try set("a", in: "g")
        try set("b", in: "h")
        try set("c", in: "g", of: "elsewhere")
        let sent: Envelope = [
            "stream_name": "board", "group_id": "g", "type": "typing", "data": ["who": "me"],
        ]
        _ = try worker.ask("stream::send", sent)
        _ = try worker.ask(
            "stream::delete",
            ["stream_name": "board", "group_id": "g", "item_id": "a"]
        )
        let seen = try page.messages { $0.all("stream", in: "events").count >= 3 }
        let events = seen.all("stream", in: "events")
        #expect(events.map { $0["verb"] as? String } == ["set", "sent", "deleted"])
        #expect(events.map { $0["item"] as? String } == ["a", nil, "a"])
        #expect(events[0]["value"] as? String == "a")
        #expect(events[1]["type"] as? String == "typing")
        #expect(JSON.text(events[1]["value"]) == #"{"who":"me"}"#)
        #expect(seen.first { $0["type"] as? String == "stream" }?["group"] as? String == "g")
        let all = try other.messages { $0.all("stream", in: "events").count >= 4 }
        #expect(
            all.all("stream", in: "events").map { $0["group"] as? String } == ["g", "h", "g", "g"]
        )

        try page.watch(nil)
        try set("d", in: "g")
        try other.messages { $0.all("stream", in: "events").count >= 1 }
        let quiet = try page.ticks(3)
        #expect(quiet.all("stream", in: "events").isEmpty)
        // What is no wish does no harm.
        for _ in 0..<3 { try page.watch(String(repeating: "x", count: 5000)) }
        try page.ticks(1)
    }

    @Test(
        "Of a stream with more than a page can take it is told some, and how many more there were"
    )
    func busyStream() throws {
        let page = try LiveSocket(engine)
        try page.watch("board")
        let count = 300
        for number in 1...count {
            let event: Envelope = [
                "stream_name": "board", "group_id": "g", "type": "t", "data": number,
            ]
            _ = try worker.call("stream::send", event, action: ["type": "void"])
        }
        let seen = try page.messages {
            $0.all("stream", in: "events").count + $0.skipped("stream") >= count
        }
        let told = seen.all("stream", in: "events")
        #expect(told.count + seen.skipped("stream") == count)
        #expect(seen.skipped("stream") > 0)
        #expect(told.last?["value"] as? Int == count)
    }

    @Test(
        "A page that does not read gets fewer messages, not old ones, and is told that it missed some"
    )
    func slow() throws {
        let slow = try LiveSocket(engine)
        try slow.ticks(1)
        let reader = try LiveSocket(engine)
        // Fills what kernels keep for the page that does not read, and then there is no room.
        let filler = String(repeating: "x", count: 7000)
        var ticks = 0
        for round in 0..<60 {
            for number in 0..<60 {
                _ = try worker.call(
                    "engine::log::info",
                    ["message": "\(round) \(number) \(filler)"],
                    action: ["type": "void"]
                )
            }
            try reader.ticks(1)
            ticks += 1
        }
        let late = try RawWorker.ready(engine, functions: ["late"])
        try reader.messages { $0.list("workers").count == 2 }
        let seen = try slow.messages { $0.contains { $0["type"] as? String == "missed" } }
        let told = seen.count { $0["type"] as? String == "now" }
        #expect(told < ticks, "\(told) of \(ticks) ticks")
        // Behind that it is told how things are, not how they were.
        let now = try slow.messages { !$0.list("workers").isEmpty && !$0.list("functions").isEmpty }
        #expect(now.list("workers").count == 2)
        #expect(now.list("functions").contains { $0["function_id"] as? String == "late" })
        _ = late
    }
}
