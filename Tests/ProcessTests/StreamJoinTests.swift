import Foundation
import Testing

extension LongPrograms {
    /// Who is let in, who joins and who leaves (services 1, D.3 to D.5), by bare clients.
    @Suite("Joins and leaves of streams over the wire")
    struct StreamJoinTests {
        let engine: EngineProcess
        let worker: RawWorker

        init() throws {
            engine = try EngineProcess.started(["--set", "stream.auth_function=auth"])
            worker = try RawWorker.ready(engine, functions: ["one", "two", "left"])
        }
    }
}

extension LongPrograms.StreamJoinTests {
    /// A connection that no function has judged, or that this worker's has.
    private func connect(_ headers: [String] = [], path: String = "/") throws -> StreamClient {
        try StreamClient(engine, path: path, headers: headers)
    }

    private func set(_ stream: String, _ item: String, _ data: Any) throws {
        let place: Envelope = ["stream_name": stream, "group_id": "g", "item_id": item]
        let reply = try worker.ask("stream::set", place.merging(["data": data]) { $1 })
        #expect(reply["error"] == nil, "\(JSON.text(reply))")
    }

    @Test("D.3, D.5: every function is asked about a join, in turn; one clear refusal is enough")
    func asked() throws {
        // What they are to be for is read, and makes no difference.
        let config: Envelope = [
            "config": ["stream_name": "other", "condition_function_id": "left"]
        ]
        try worker.bind("1", "stream:join", "one", config)
        try worker.bind("2", "stream:join", "two")
        try worker.bind("3", "stream:join", "one")
        try set("b", "i", 1)
        let client = try connect()
        func join(_ answers: [(String, Any?)]) throws -> Envelope {
            try client.join("b", "g", "i")
            for (function, answer) in answers {
                let question = try worker.dispatch(function)
                #expect(worker.takeCalls().isEmpty, "one after the other")
                #expect(
                    JSON.text(question["data"])
                        == #"{"context":null,"group_id":"g","id":"i","stream_name":"b","#
                        + #""subscription_id":"s"}"#
                )
                if let answer {
                    try worker.answer(question, answer)
                } else {
                    try worker.fail(question, "no")
                }
            }
            return try client.next()
        }
        let refusal: Envelope = ["unauthorized": true]
        let none: [(String, Any?)] = [
            ("one", NSNull()), ("two", nil), ("one", ["unauthorized": "true"] as Envelope),
        ]
        for (number, place) in [0, 1, 2].enumerated() {
            var answers = none
            answers[place].1 = refusal
            let message = try join(answers)
            #expect(JSON.text(message["event"]) == #"{"type":"unauthorized"}"#, "\(number)")
            #expect(message["streamName"] as? String == "b" && message["id"] as? String == "i")
            #expect(message["groupId"] as? String == "g" && message["timestamp"] is Int)
            #expect(message["type"] as? String == "stream")
        }
        // The socket stays, and hears nothing that it was refused.
        try set("b", "i", 2)
        #expect(try StreamClient.short(join(none)) == "sync 2")
        try set("b", "i", 3)
        #expect(try client.event() == "update 3")
        #expect(
            try StreamClient.short(join([("one", 7), ("two", [true]), ("one", refusal)]))
                == "unauthorized"
        )
        // The subscription of before is still there.
        try set("b", "i", 4)
        #expect(try client.event() == "update 4")
    }

    @Test("a response of events ends behind its refusal, which moves nobody on")
    func refusedEvents() throws {
        try worker.bind("1", "stream:join", "one")
        let events = try EventStreamClient(engine, "/stream/b/g")
        try worker.answer(try worker.dispatch("one"), ["unauthorized": true])
        let refusal = try events.next()
        #expect(StreamClient.short(refusal.data) == "unauthorized")
        #expect(refusal.id == nil && refusal.data["offset"] == nil)
        #expect(events.ends())
    }

    @Test("D.3: a stop tells of every subscription that it is left")
    func stop() throws {
        try worker.bind("1", "stream:leave", "left")
        let client = try connect()
        try client.join("b", "g", as: "1")
        try client.join("b", "h", as: "2")
        for _ in 0..<2 { #expect(try client.event() == "sync []") }
        engine.terminate()
        for subscription in ["1", "2"] {
            let run = try worker.dispatch("left")
            let data = run["data"] as? Envelope
            #expect(data?["subscription_id"] as? String == subscription)
            try worker.answer(run, NSNull())
        }
        #expect(try engine.wait() == .exit(0), "\(engine.errors)")
    }

    @Test("D.3: an item, or null; a group; a read that fails leaves the subscription")
    func syncs() throws {
        try set("b", "i", ["n": 1])
        let client = try connect()
        try client.join("b", "g", "i", as: "1")
        let item = try client.next()
        #expect(StreamClient.short(item) == #"sync {"n":1}"# && item["id"] as? String == "i")
        try client.join("b", "g", "none", as: "2")
        let missing = try client.next()
        #expect(StreamClient.short(missing) == "sync null" && missing["id"] as? String == "none")
        try client.join("b", "g", nil, as: "3", ["id": NSNull()])
        let group = try client.next()
        #expect(StreamClient.short(group) == #"sync [{"n":1}]"# && group["id"] is NSNull)

        let keeper = try RawWorker.ready(
            engine,
            functions: ["stream::get(own)", "stream::list(own)"]
        )
        for (function, item) in [("stream::get(own)", "i"), ("stream::list(own)", nil)] {
            let other = try connect()
            try other.join("own", "g", item)
            try keeper.fail(try keeper.dispatch(function), "no")
            let sent: Envelope = [
                "stream_name": "own", "group_id": "g", "type": "t", "data": 1, "id": "i",
            ]
            _ = try worker.ask("stream::send", sent)
            #expect(try other.event() == "event t 1", "\(function)")
        }
    }

    /// Joins in one piece, so that the engine answers them at once.
    private func joinAll(
        _ client: StreamClient,
        _ groups: Range<Int>,
        _ extra: Envelope = [:]
    ) throws {
        let frames = groups.flatMap { number -> [UInt8] in
            let place: Envelope = [
                "subscriptionId": "\(number)", "streamName": "many", "groupId": "\(number)",
            ]
            let join: Envelope = ["type": "join", "data": place.merging(extra) { $1 }]
            return WebSocket.frame(1, Array(JSON.text(join).utf8))
        }
        try client.socket.send(raw: frames)
    }

    private func setMany(_ groups: Range<Int>, _ data: Any) throws {
        for number in groups {
            let place: Envelope = [
                "stream_name": "many", "group_id": "\(number)", "item_id": "i",
            ]
            let reply = try worker.ask("stream::set", place.merging(["data": data]) { $1 })
            #expect(reply["error"] == nil, "\(JSON.text(reply))")
        }
    }

    @Test("D.3: what a socket asked for comes whole, however much of it comes at once")
    func answers() throws {
        let groups = 0..<10
        let large = String(repeating: "x", count: 200_000)
        try setMany(groups, large)
        let client = try connect()
        try joinAll(client, groups)
        var seen = 0
        for number in groups {
            let message = try client.next()
            #expect(StreamClient.short(message) == #"sync ["\#(large)"]"#)
            #expect(message["groupId"] as? String == "\(number)")
            seen = try #require(message["offset"] as? Int)
        }
        client.socket.disconnect()

        // Little enough to be told from memory.
        let missed = 0..<31
        for number in missed {
            try setMany(groups, "\(number)" + String(repeating: "x", count: 700))
        }
        let back = try connect()
        try joinAll(back, groups, ["after": seen])
        for group in groups {
            for number in missed {
                let message = try back.next()
                #expect(message["groupId"] as? String == "\(group)")
                #expect(StreamClient.short(message).hasPrefix("update \"\(number)x"))
            }
            #expect(try back.event() == "resumed")
        }
    }

    @Test("D.3: who has joined one item is told a burst of its changes in one piece")
    func burst() throws {
        let client = try connect()
        try client.join("b", "g", "i")
        #expect(try client.event() == "sync null")
        let place: Envelope = ["stream_name": "b", "group_id": "g", "item_id": "i"]
        let filler = String(repeating: "x", count: 3000)
        let numbers = 0..<300
        for number in numbers {
            let data: Envelope = ["data": "\(number) \(filler)"]
            _ = try worker.call("stream::set", place.merging(data) { $1 })
        }
        for number in numbers {
            try #require(try client.event().contains("\"\(number) x"), "\(number)")
        }
    }

    @Test("who leaves, or joins anew, while it is told what it missed hears no more of that")
    func leavesReplay() throws {
        let client = try connect()
        try client.join("b", "g")
        let seen = try #require(try client.next()["offset"] as? Int)
        // More than is kept in memory, and more than is on its way at a time.
        let filler = String(repeating: "x", count: 60_000)
        let count = 200
        try client.leave("b", "g")
        for number in 0..<count { try set("b", "i", "\(number) \(filler)") }
        func expectEnd() throws {
            var event = try client.event()
            while event.hasPrefix("create") || event.hasPrefix("update") {
                event = try client.event()
            }
            #expect(event.hasPrefix("sync"))
            // Read behind whatever is still read for this socket, and told behind it.
            try client.join("b", "other", as: "u", ["after": seen])
            #expect(try client.event() == "resumed")
        }
        try client.join("b", "g", nil, as: "s", ["after": seen])
        try client.leave("b", "g")
        try client.join("b", "none", as: "t")
        try expectEnd()
        try client.join("b", "g", nil, as: "s", ["after": seen])
        try client.join("b", "g")
        try expectEnd()
    }

    @Test("who says wrongly what it has heard of is told of a gap; a number may be a text")
    func heardOf() throws {
        let client = try connect()
        try client.join("b", "g")
        let seen = try #require(try client.next()["offset"] as? Int)
        try set("b", "i", 1)
        #expect(try client.event() == "create 1")
        for after in [seen, "\(seen)"] as [Any] {
            try client.join("b", "g", nil, as: "s", ["after": after])
            #expect(try client.event() == "create 1", "\(after)")
            #expect(try client.event() == "resumed", "\(after)")
        }
        for after in [-1, "x", 1.5, true, [seen], "\(Int.max)"] as [Any] {
            try client.join("b", "g", nil, as: "s", ["after": after])
            #expect(try client.event() == "gap", "\(after)")
            #expect(try client.event() == "sync [1]", "\(after)")
        }
    }

    @Test("D.3: a leave is told once for each subscription, and for what was never joined")
    func leaves() throws {
        try worker.bind("1", "stream:leave", "left", ["config": ["stream_name": "other"]])
        let client = try connect()
        func told() throws -> String {
            let run = try worker.dispatch("left")
            try worker.answer(run, NSNull())
            let data = run["data"] as? Envelope ?? [:]
            #expect(
                Set(data.keys) == ["subscription_id", "stream_name", "group_id", "id", "context"]
            )
            return ["subscription_id", "stream_name", "group_id", "id"]
                .map { data[$0] as? String ?? "-" }.joined(separator: " ")
        }
        try client.leave("b", "never", as: "x")
        #expect(try told() == "x b never -")
        try client.join("b", "g", "i", as: "1")
        try client.join("b", "g", as: "2")
        try client.join("c", "h", as: "3")
        for _ in 0..<3 { _ = try client.next() }
        try client.leave("b", "g", as: "2")
        #expect(try told() == "2 b g -")
        try set("b", "i", 1)
        #expect(try client.event() == "create 1")
        #expect(try client.expectNothing("one copy"))
        client.socket.disconnect()
        let rest = try (0..<3).map { _ in try told() }
        #expect(Set(rest) == ["1 b g i", "3 c h -", "probe-one copy none one copy -"])
        _ = try worker.ask("engine::cron::list", [:])
        #expect(worker.takeCalls().isEmpty)
    }

    @Test("D.4: what the auth function is told, and that nothing it says refuses a connection")
    func admission() throws {
        try worker.bind("1", "stream:join", "one")
        // There is none yet.
        _ = try connect()
        let judge = try RawWorker.ready(engine, functions: ["auth"])
        func context(_ answer: Any?) throws -> String {
            let socket = try TCPSocket(port: engine.streamPort)
            try socket.send(
                Array(
                    """
                    GET /a/b?x=a%20b&y=1&x=2&=3&z&w= HTTP/1.1\r\nHost: 127.0.0.1\r\nX-User: Ada\r
                    Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r
                    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n
                    """.utf8
                )
            )
            let question = try judge.dispatch("auth")
            let data = try #require(question["data"] as? Envelope)
            #expect(Set(data.keys) == ["headers", "path", "query_params", "addr"])
            #expect((data["headers"] as? Envelope)?["x-user"] as? String == "Ada")
            #expect(data["path"] as? String == "/a/b")
            #expect(
                JSON.text(data["query_params"])
                    == #"{"w":[""],"x":["a%20b","2"],"y":["1"],"z":[""]}"#
            )
            let address = try #require(data["addr"] as? String)
            #expect(address.hasPrefix("127.0.0.1:") && Int(address.dropFirst(10)) != nil)
            if let answer {
                try judge.answer(question, answer)
            } else {
                try judge.fail(question, "no")
            }
            let deadline = Deadline(in: 60)
            var head: [UInt8] = []
            while HTTPHead(head) == nil, let part = socket.receive(until: deadline), !part.isEmpty {
                head += part
            }
            #expect(HTTPHead(head)?.status == 101)
            let join =
                #"{"type":"join","data":{"subscriptionId":"s","streamName":"b","groupId":"g"}}"#
            try socket.send(WebSocket.frame(1, Array(join.utf8)))
            let visit = try worker.dispatch("one")
            try worker.answer(visit, NSNull())
            return JSON.text((visit["data"] as? Envelope)?["context"])
        }
        #expect(try context(["context": ["user": "a"], "unauthorized": true]) == #"{"user":"a"}"#)
        #expect(try context(["context": 7]) == "7")
        for nothing: Any? in [nil, NSNull(), false, "no", [1], [:] as Envelope] {
            #expect(try context(nothing) == "null", "\(nothing as Any)")
        }
    }
}
