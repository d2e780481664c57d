import Foundation
import Testing

extension Programs {
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

extension Programs.StreamJoinTests {
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
