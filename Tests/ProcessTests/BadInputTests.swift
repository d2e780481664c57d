import Foundation
import Testing

extension Programs {
    /// Frames that no good client sends: the connection goes on, and nobody else notices.
    @Suite("Bad input on the wire")
    struct BadInputTests {
        let engine: EngineProcess

        init() throws {
            engine = try EngineProcess.started()
        }
    }
}

extension Programs.BadInputTests {
    /// Sends the frames on one connection while another makes calls through the engine.
    private func survives(_ send: (RawWorker) throws -> Void) throws {
        let worker = try RawWorker.ready(engine, functions: ["steady::fn"])
        let neighbour = try RawWorker.ready(engine)
        let before = try neighbour.call("steady::fn", ["n": 1])
        let open = try worker.dispatch("steady::fn")

        let bad = try RawWorker.ready(engine, functions: ["bad::fn"])
        try send(bad)
        _ = try bad.ask("state::set", ["scope": "bad", "key": "k", "value": 1])

        try worker.answer(open, "open call")
        #expect(try neighbour.reply(to: before)["result"] as? String == "open call")
        let id = try neighbour.call("bad::fn", [:])
        try bad.answer(bad.dispatch("bad::fn"), "still here")
        #expect(try neighbour.reply(to: id)["result"] as? String == "still here")
        #expect(neighbour.inbox.isEmpty, "\(JSON.text(neighbour.inbox))")
        #expect(worker.inbox.isEmpty, "\(JSON.text(worker.inbox))")
    }

    @Test(
        "Frames that are not JSON, or JSON of the wrong shape",
        arguments: [
            "", "   ", "hello", "{", #"{"type":"#, "[1,2", "42", "null", #""text""#, "[]", "{}",
            #"{"type":7}"#, #"{"type":null}"#, #"{"type":"registerfunction"}"#,
            #"{"type":"registerfunction","id":5}"#, #"{"type":"invokefunction"}"#,
            #"{"type":"invokefunction","function_id":{},"invocation_id":[]}"#,
            #"{"type":"invocationresult"}"#, #"{"type":"invocationresult","invocation_id":"x"}"#,
            #"{"type":"registertrigger"}"#, #"{"type":"reattach","previous_worker_id":1}"#,
        ]
    )
    func wrongShape(text: String) throws {
        try survives { try $0.socket.send(text: text) }
    }

    @Test("A message of unknown type")
    func unknownType() throws {
        try survives { try $0.send(["type": "frobnicate", "id": "x", "data": [1, 2, 3]]) }
    }

    @Test("A binary frame that is neither telemetry nor JSON")
    func binary() throws {
        try survives { try $0.socket.send(binary: [0xDE, 0xAD, 0xBE, 0xEF, 0]) }
    }

    @Test("100 levels of nesting pass through unchanged")
    func deep() throws {
        let worker = try RawWorker.ready(engine, functions: ["echo::fn"])
        let caller = try RawWorker.ready(engine)
        let nested = nesting(100)
        let id = UUID().uuidString.lowercased()
        try caller.socket.send(text: invocation(id, "echo::fn", data: nested))
        let dispatch = try worker.dispatch("echo::fn")
        #expect(JSON.text(dispatch["data"]) == nested)
        try worker.answer(dispatch, dispatch["data"] ?? NSNull())
        #expect(JSON.text(try caller.reply(to: id)["result"]) == nested)
    }

    @Test("Nesting beyond the limit costs that frame only", arguments: [129, 100_000])
    func tooDeep(levels: Int) throws {
        try survives {
            try $0.socket.send(text: invocation("x", "steady::fn", data: nesting(levels)))
        }
    }

    @Test("A call and a result beyond the limits are answered at once, not dropped")
    func refusedAtOnce() throws {
        let worker = try RawWorker.ready(engine, functions: ["echo::fn"])
        let caller = try RawWorker.ready(engine)
        let long = String(repeating: "1", count: 5000)
        for data in ["1e999", #"{"a":-1e400}"#, #"{"a":\#(long)}"#, nesting(129)] {
            var id = UUID().uuidString.lowercased()
            try caller.socket.send(text: invocation(id, "echo::fn", data: data))
            #expect(code(of: try caller.reply(to: id)) == "invocation_error")

            let set = #"{"scope":"s","key":"k","value":\#(data)}"#
            id = UUID().uuidString.lowercased()
            try caller.socket.send(text: invocation(id, "state::set", data: set))
            #expect(code(of: try caller.reply(to: id)) == "invocation_error")

            id = try caller.call("echo::fn", [:])
            let asked = try worker.dispatch("echo::fn")["invocation_id"] as? String ?? ""
            try worker.socket.send(
                text: #"{"type":"invocationresult","invocation_id":"\#(asked)","#
                    + #""function_id":"echo::fn","result":\#(data)}"#
            )
            #expect(code(of: try caller.reply(to: id)) == "invocation_error")
        }
        #expect(worker.inbox.isEmpty, "\(JSON.text(worker.inbox))")
        let read = try caller.ask("state::get", ["scope": "s", "key": "k"])
        #expect(read["result"] is NSNull || read["result"] == nil)
        let whole = String(long.prefix(308))
        let id = UUID().uuidString.lowercased()
        try caller.socket.send(text: invocation(id, "echo::fn", data: whole))
        guard case .text(let dispatch)? = try worker.socket.receive(within: 30) else {
            throw Failure("no call came")
        }
        #expect(dispatch.contains(#""data":\#(whole),"#))
    }

    @Test("A message of 20 MiB, in one frame and in fragments", arguments: [false, true])
    func large(fragmented: Bool) throws {
        let text = String(repeating: "x", count: 20 << 20)
        let bytes = Array(invocation(UUID().uuidString, "no::such", data: "\"\(text)\"").utf8)
        try survives {
            guard fragmented else { return try $0.socket.sendFrame(0x1, bytes) }
            let size = 1 << 20
            for start in stride(from: 0, to: bytes.count, by: size) {
                let part = Array(bytes[start..<min(start + size, bytes.count)])
                let final = start + size >= bytes.count
                try $0.socket.sendFrame(start == 0 ? 0x1 : 0x0, part, final: final)
            }
        }
    }

    @Test("A message in fragments, cut inside a character and with a ping between, is one message")
    func fragments() throws {
        let worker = try RawWorker.ready(engine, functions: ["echo::fn"])
        let id = UUID().uuidString.lowercased()
        let bytes = Array(invocation(id, "echo::fn", data: #""größer""#).utf8)
        let cut = try #require(bytes.firstIndex(of: 0xC3)) + 1
        try worker.socket.sendFrame(0x1, Array(bytes[..<cut]), final: false)
        try worker.socket.ping([7])
        try worker.socket.sendFrame(0x0, [], final: false)
        try worker.socket.sendFrame(0x0, Array(bytes[cut...]))
        #expect(try worker.dispatch("echo::fn")["data"] as? String == "größer")
    }

    @Test("A caller of SDK 0.21 hears payload_too_large instead of more than 1 MiB")
    func tooLargeForTheCaller() throws {
        let worker = try RawWorker.ready(engine, functions: ["large::fn"])
        let caller = try RawWorker.ready(engine, version: "0.21.8")
        let large = String(repeating: "x", count: 1 << 20)
        let id = try caller.call("large::fn", [:])
        try worker.answer(worker.dispatch("large::fn"), large)
        #expect(code(of: try caller.reply(to: id)) == "payload_too_large")

        let small = try caller.call("large::fn", [:])
        try worker.answer(worker.dispatch("large::fn"), "small")
        #expect(try caller.reply(to: small)["result"] as? String == "small")
    }

    @Test("A caller of SDK 0.21 hears before a write that its answer would be too large")
    func tooLargeForTheWriter() throws {
        let caller = try RawWorker.ready(engine, version: "0.21.8")
        let item: Envelope = ["scope": "large", "key": "k"]
        let half = String(repeating: "x", count: 600 << 10)
        func set(_ mark: String) throws -> Envelope {
            try caller.ask("state::set", item.merging(["value": mark + half]) { $1 })
        }
        #expect(try set("1")["error"] == nil)
        #expect(code(of: try set("2")) == "payload_too_large")
        let kept = try caller.ask("state::get", item)["result"] as? String
        #expect(kept?.first == "1", "nothing is written")
    }

    @Test("A call that would be too large for a worker of SDK 0.21 is refused to its caller")
    func tooLargeForTheCallee() throws {
        let worker = try RawWorker.ready(engine, functions: ["old::fn"], version: "0.21.8")
        let caller = try RawWorker.ready(engine)
        let large = String(repeating: "x", count: 1 << 20)
        #expect(code(of: try caller.ask("old::fn", large)) == "payload_too_large")

        let id = try caller.call("old::fn", "small")
        try worker.answer(worker.dispatch("old::fn"), "kept")
        #expect(try caller.reply(to: id)["result"] as? String == "kept")
    }

    @Test("Above 1 MiB, a worker of SDK 0.25 gets the message whole")
    func largeForNewWorkers() throws {
        let worker = try RawWorker.ready(engine, functions: ["new::fn"])
        let caller = try RawWorker.ready(engine)
        let large = String(repeating: "x", count: 3 << 20)
        let id = try caller.call("new::fn", large)
        let dispatch = try worker.dispatch("new::fn")
        #expect(dispatch["data"] as? String == large)
        try worker.answer(dispatch, large)
        #expect(try caller.reply(to: id)["result"] as? String == large)
    }

    private func invocation(_ id: String, _ function: String, data: String) -> String {
        """
        {"function_id":"\(function)","invocation_id":"\(id)","data":\(data),\
        "type":"invokefunction"}
        """
    }

    /// `levels` arrays, one in the other.
    private func nesting(_ levels: Int) -> String {
        String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
    }
}
