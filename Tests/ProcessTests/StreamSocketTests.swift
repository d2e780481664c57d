import Foundation
import Testing

extension Programs {
    /// Subscribers of streams over their sockets (services 1, D).
    @Suite("Stream sockets")
    struct StreamSocketTests {
        let engine: EngineProcess
        let worker: RawWorker

        init() throws {
            engine = try EngineProcess.started()
            worker = try RawWorker.ready(engine, functions: ["judge", "left"])
        }
    }
}

extension Programs.StreamSocketTests {
    private func set(_ item: String, _ data: Any, group: String = "g") throws {
        let reply = try worker.ask(
            "stream::set",
            ["stream_name": "board", "group_id": group, "item_id": item, "data": data]
        )
        #expect(reply["error"] == nil, "\(JSON.text(reply))")
    }

    @Test("sync, then every change as it is made, in order, to those that it is for")
    func pushes() throws {
        try set("a", ["n": 1])
        let whole = try StreamClient(engine)
        try whole.join("board", "g")
        let first = try whole.next()
        #expect(StreamClient.short(first) == #"sync [{"n":1}]"#)
        #expect(first["type"] as? String == "stream")
        #expect(first["streamName"] as? String == "board")
        #expect(first["groupId"] as? String == "g")
        #expect(first["id"] is NSNull)
        #expect(first["offset"] is Int)
        let one = try StreamClient(engine, path: "/stream/board/g/")
        try one.join("board", "g", "a")
        #expect(try one.event() == #"sync {"n":1}"#)
        try set("a", ["n": 2])
        try set("b", 1)
        try set("c", 1, group: "h")
        let sent: Envelope = ["stream_name": "board", "group_id": "g", "type": "t", "data": [1]]
        let reply = try worker.ask("stream::send", sent)
        #expect(reply["result"] is NSNull)
        _ = try worker.ask(
            "stream::delete",
            ["stream_name": "board", "group_id": "g", "item_id": "a"]
        )
        var offsets: [Int] = []
        for expected in [
            #"update {"n":2}"#, "create 1", "event t [1]", #"delete {"n":2}"#,
        ] {
            let message = try whole.next()
            #expect(StreamClient.short(message) == expected)
            offsets.append(try #require(message["offset"] as? Int))
        }
        #expect(offsets == offsets.sorted())
        #expect(try one.event() == #"update {"n":2}"#)
        #expect(try one.event() == #"delete {"n":2}"#)
        #expect(try one.expectNothing())
        #expect(try whole.expectNothing())
    }

    @Test("each subscription of a socket gets its copy; one of the same id takes the first's place")
    func copies() throws {
        let client = try StreamClient(engine)
        try client.join("board", "g", as: "1")
        try client.join("board", "g", "a", as: "2")
        try client.join("board", "g", "b", as: "2")
        for _ in 0..<3 { #expect(try client.event().hasPrefix("sync")) }
        try set("b", 1)
        #expect(try client.event() == "create 1")
        #expect(try client.event() == "create 1")
        try set("a", 2)
        #expect(try client.event() == "create 2")
        try client.leave("board", "g", as: "1")
        #expect(try client.expectNothing())
        try set("a", 3)
        try set("b", 3)
        #expect(try client.event() == "update 3")
        #expect(try client.expectNothing("more"))
    }

    @Test("what is no request is ignored, and the socket stays")
    func noise() throws {
        let client = try StreamClient(engine)
        for text in [
            "", " ", "{", "[]", #"{"type":"dance"}"#, #"{"type":"join"}"#, "null",
            #"{"type":"join","data":{"subscriptionId":1,"streamName":"a","groupId":"b"}}"#,
        ] {
            try client.socket.send(text: text)
        }
        try client.socket.ping([1, 2])
        #expect(try client.socket.receive(within: 30) == .pong([1, 2]))
        let join = #"{"type":"join","data":{"subscriptionId":"s","streamName":"a","groupId":"b"}}"#
        try client.socket.send(binary: Array(join.utf8))
        #expect(try client.event() == "sync []")
    }

    @Test("functions judge who joins, and hear who leaves")
    func functions() throws {
        for (type, function) in [("stream:join", "judge"), ("stream:leave", "left")] {
            try worker.send([
                "type": "registertrigger", "id": type, "trigger_type": type,
                "function_id": function, "config": [:],
            ])
        }
        let client = try StreamClient(engine)
        try client.join("board", "secret", "i")
        let question = try worker.dispatch("judge")
        let asked = try #require(question["data"] as? Envelope)
        #expect(asked["subscription_id"] as? String == "s")
        #expect(asked["id"] as? String == "i")
        #expect(asked["context"] is NSNull)
        try worker.answer(question, ["unauthorized": true])
        let refusal = try client.next()
        #expect(StreamClient.short(refusal) == "unauthorized")
        #expect(refusal["groupId"] as? String == "secret")
        try client.join("board", "g")
        try worker.answer(try worker.dispatch("judge"), ["unauthorized": false])
        #expect(try client.event() == "sync []")
        client.socket.disconnect()
        let left = try worker.dispatch("left")
        #expect((left["data"] as? Envelope)?["group_id"] as? String == "g")
        try worker.answer(left, NSNull())
    }

    @Test("who comes back is told what it missed, from memory or from the log, and goes on")
    func resume() throws {
        let client = try StreamClient(engine)
        try client.join("board", "g")
        let seen = try #require(try client.next()["offset"] as? Int)
        client.socket.disconnect()
        for number in 0..<2000 { try set("i\(number % 10)", number) }
        engine.terminate()
        try engine.wait()
        try engine.start()
        let again = try RawWorker.ready(engine)
        let back = try StreamClient(engine)
        try back.join("board", "g", as: "s", ["after": seen])
        var last = seen
        func expect(_ numbers: Range<Int>) throws {
            for number in numbers {
                let message = try back.next()
                let text = StreamClient.short(message)
                #expect(text == "create \(number)" || text == "update \(number)")
                let offset = try #require(message["offset"] as? Int)
                #expect(offset > last)
                last = offset
            }
        }
        try expect(0..<2000)
        let resumed = try back.next()
        #expect(StreamClient.short(resumed) == "resumed")
        let place: Envelope = ["stream_name": "board", "group_id": "g", "item_id": "i1"]
        for number in 2000..<2010 {
            _ = try again.ask("stream::set", place.merging(["data": number]) { $1 })
        }
        try expect(2000..<2010)
        let events = try EventStreamClient(
            engine,
            "/stream/board/g/i1",
            headers: ["Last-Event-ID: \(last - 1)"]
        )
        #expect(StreamClient.short(try events.next().data) == "update 2009")
        #expect(StreamClient.short(try events.next().data) == "resumed")
    }

    @Test("a page of another origin is refused; beyond loopback a token is asked for")
    func access() throws {
        #expect(throws: (any Error).self) {
            try StreamClient(engine, headers: ["Origin: https://evil.example"])
        }
        _ = try StreamClient(engine, headers: ["Origin: http://localhost:5173"])
        let scratch = try Scratch()
        let file = try scratch.write(
            "iii.toml",
            "[stream]\norigins = [\"https://app.example\"]\n"
        )
        let open = EngineProcess(in: scratch, ["--config", file])
        try open.start()
        _ = try StreamClient(open, headers: ["Origin: https://app.example"])
        for (origin, status) in [("https://app.example", 204), ("https://evil.example", 403)] {
            let asked = ["Origin: \(origin)", "Access-Control-Request-Method: GET"]
            let peer = try HTTPPeer(port: open.streamPort)
            let told = try peer.ask("OPTIONS", "/stream/board/g", asked)
            #expect(told.status == status)
            let headers = status == 204 ? "Authorization, Last-Event-ID" : nil
            #expect(told["access-control-allow-headers"] == headers)
        }
    }

    @Test("the command line lists streams, and follows one across a restart of the engine")
    func commands() throws {
        try set("a", 1)
        let scratch = try Scratch()
        func list(_ arguments: String...) throws -> String {
            let outcome = try run(
                [Project.engine, "stream", "ls"] + arguments + ["--address", engine.url],
                in: scratch
            )
            #expect(outcome.ending == .exit(0), "\(outcome.all)")
            return outcome.output
        }
        #expect(try list() == "{\"stream\":\"board\",\"groups\":1}\n")
        #expect(try list("board") == "{\"stream\":\"board\",\"group\":\"g\"}\n")
        let item = JSON.object(try list("board", "g"))
        #expect(item["id"] as? String == "a" && item["value"] as? Int == 1, "\(item)")
        let tail = try ChildProcess(
            [
                Project.engine, "stream", "tail", "board", "g", "--count", "4", "--engine",
                engine.url,
            ],
            label: "tail",
            in: scratch
        )
        try eventually("the tail has joined") { tail.output.contains("sync") ? () : nil }
        try set("a", 2)
        engine.terminate()
        try engine.wait()
        try engine.start()
        let again = try RawWorker.ready(engine)
        let place: Envelope = ["stream_name": "board", "group_id": "g", "item_id": "a", "data": 3]
        _ = try again.ask("stream::set", place)
        #expect(try tail.wait() == .exit(0), "\(tail.errors)")
        let told = tail.output.split(separator: "\n").map {
            StreamClient.short(JSON.object(String($0)))
        }
        // What came while it was away is told before it is told that it is back.
        #expect(told.first == "sync [1]")
        #expect(told.contains("update 2"))
        #expect(Set(told.suffix(2)) == ["update 3", "resumed"])
    }

    @Test("events over HTTP: the same messages, with ids")
    func events() throws {
        try set("a", 1)
        let events = try EventStreamClient(engine, "/stream/board/g")
        #expect(events.head.status == 200)
        #expect(events.head.headers["content-type"] == "text/event-stream")
        let sync = try events.next()
        #expect(StreamClient.short(sync.data) == "sync [1]")
        try set("b", 2)
        let created = try events.next()
        #expect(StreamClient.short(created.data) == "create 2")
        #expect(created.id == (created.data["offset"] as? Int).map(String.init))
        #expect(try HTTPClient.get(engine.streamPort, "/nothing").status == 426)
    }
}

extension LongPrograms {
    /// Subscribers that do not read.
    @Suite("Slow subscribers")
    struct SlowSubscriberTests {}
}

extension LongPrograms.SlowSubscriberTests {
    /// Makes a subscriber slow, and tells what comes to it when it reads again, up to the newest
    /// event or the end of its connection, and how many events there were.
    private func flood(_ policy: String) throws -> (slow: [Envelope], count: Int, end: String) {
        let engine = try EngineProcess.started(["--set", "stream.slow=\(policy)"])
        let worker = try RawWorker.ready(engine)
        let slow = try StreamClient(engine)
        let other = try StreamClient(engine)
        for client in [slow, other] {
            try client.join("board", "g")
            #expect(try client.event() == "sync []")
        }
        let filler = String(repeating: "x", count: 100_000)
        let count = 300
        for number in 0..<count {
            _ = try worker.ask(
                "stream::set",
                [
                    "stream_name": "board", "group_id": "g", "item_id": "i\(number % 3)",
                    "data": ["n": number, "filler": filler],
                ]
            )
            // The others do not notice: every one comes, in order, at once.
            let message = try other.next()
            let data = (message["event"] as? Envelope)?["data"] as? Envelope
            #expect(data?["n"] as? Int == number)
        }
        var told: [Envelope] = []
        while numbers(told.suffix(1)) != [count - 1] {
            switch try slow.socket.receive(within: 30) {
            case .text(let text)?: told.append(JSON.object(text))
            case .close(let code)?: return (told, count, "close \(code ?? 0)")
            case nil: return (told, count, "silent")
            default: return (told, count, "end")
            }
        }
        return (told, count, "open")
    }

    private func numbers(_ told: some Sequence<Envelope>) -> [Int] {
        told.compactMap {
            (($0["event"] as? Envelope)?["data"] as? Envelope)?["n"] as? Int
        }
    }

    @Test("hundreds of subscribers hear everything in order, whatever a few of them do")
    func many() throws {
        let engine = try EngineProcess.started()
        let worker = try RawWorker.ready(engine)
        var clients: [StreamClient] = []
        for _ in 0..<300 {
            let client = try StreamClient(engine)
            try client.join("board", "g")
            clients.append(client)
        }
        for client in clients { #expect(try client.event() == "sync []") }
        // Some vanish, and some never read.
        for client in clients[..<20] { client.socket.disconnect() }
        let message: Envelope = ["stream_name": "board", "group_id": "g", "type": "tick"]
        for number in 0..<100 {
            _ = try worker.call("stream::send", message.merging(["data": number]) { $1 })
        }
        for client in clients[40...] {
            for number in 0..<100 {
                #expect(try client.event() == "event tick \(number)")
            }
        }
    }

    @Test("who comes and goes while hundreds are told hears what is of its time, and no more")
    func comesAndGoes() throws {
        let engine = try EngineProcess.started()
        let worker = try RawWorker.ready(engine)
        let message: Envelope = ["stream_name": "board", "group_id": "g", "type": "tick"]
        func talk(_ numbers: Range<Int>) throws {
            for number in numbers.dropLast() {
                _ = try worker.call("stream::send", message.merging(["data": number]) { $1 })
            }
            // Behind its answer all are pushed; told they are not yet, there are many to tell.
            _ = try worker.ask("stream::send", message.merging(["data": numbers.last ?? 0]) { $1 })
        }
        // More than a loop tells in one go.
        var audience: [StreamClient] = []
        for _ in 0..<800 {
            let client = try StreamClient(engine)
            try client.join("board", "g")
            audience.append(client)
        }
        for client in audience { #expect(try client.event() == "sync []") }
        let visitor = try StreamClient(engine)
        for round in 0..<5 {
            let first = 40 * round
            try talk(first..<first + 20)
            try visitor.join("board", "g", as: "\(round)")
            #expect(try visitor.event() == "sync []")
            try talk(first + 20..<first + 40)
            try visitor.leave("board", "g", as: "\(round)")
            for number in first + 20..<first + 40 {
                try #require(try visitor.event() == "event tick \(number)")
            }
            // It has left before more is said.
            #expect(try visitor.expectNothing("\(round)"))
        }
        for (index, client) in audience.enumerated() where index % 8 == 0 {
            for number in 0..<200 {
                try #require(try client.event() == "event tick \(number)")
            }
        }
    }

    @Test("drop: it is told how many are missing, and behind which offset; the rest is in order")
    func drop() throws {
        let (told, count, end) = try flood("drop")
        #expect(end == "open")
        let losses = told.filter { ($0["event"] as? Envelope)?["type"] as? String == "dropped" }
        let lost = losses.compactMap { ($0["event"] as? Envelope)?["count"] as? Int }.reduce(0, +)
        let got = numbers(told)
        #expect(lost > 0)
        #expect(lost + got.count == count)
        #expect(got == got.sorted())
        #expect(got.last == count - 1)
    }

    @Test("disconnect: it is closed with 1013")
    func disconnect() throws {
        let (told, count, end) = try flood("disconnect")
        #expect(numbers(told).count < count)
        #expect(end == "close 1013" || end == "end")
    }

    @Test("coalesce: of each item the newest comes, and nothing is called lost")
    func coalesce() throws {
        let (told, count, end) = try flood("coalesce")
        #expect(end == "open")
        let got = numbers(told)
        #expect(got.count < count)
        #expect(got == got.sorted())
        #expect(got.suffix(3) == [count - 3, count - 2, count - 1])
        #expect(!told.contains { ($0["event"] as? Envelope)?["type"] as? String == "dropped" })
    }
}
