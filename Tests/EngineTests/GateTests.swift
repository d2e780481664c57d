import CommitLog
import Disk
import Events
import HTTP
import Primitives
import Testing

@testable import Engine

/// Nothing leaves before the write that holds what it tells of has ended.
@Suite("The gate")
struct GateTests {
    /// Runs `command` with the disk stopped, then lets its write end.
    private func check(
        _ lab: Lab,
        _ command: Command,
        leaves expected: [String],
        _ place: SourceLocation = #_sourceLocation
    ) throws {
        let tail = lab.engine.log.durable
        for _ in 0..<3 {
            #expect(try lab.turn([]).lines == [], sourceLocation: place)
        }
        var held = try lab.turn(command)
        held += try lab.turn([])
        #expect(held.lines == [], "left before its record was durable", sourceLocation: place)
        #expect(lab.engine.log.durable == tail, sourceLocation: place)
        #expect(lab.disk.inFlight != nil, "its record was not written", sourceLocation: place)
        lab.disk.complete()
        var left = try lab.turn([])
        while lab.disk.complete() { left += try lab.turn([]) }
        #expect(left.lines == expected, sourceLocation: place)
    }

    @Test("a list leaves when what it shows is on disk")
    func lists() throws {
        let lab = try Lab()
        let worker = try lab.join("w")
        let list = Command.call(worker, "engine::functions::list", "{}")
        #expect(try lab.turn(.serve(worker, "new"), list).lines == [])
        let lines = try lab.settle().lines
        #expect(lines.count == 1 && lines[0].contains(#""new""#), "\(lines)")
    }

    @Test("a receipt and its delivery leave with the message's record")
    func enqueue() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        try check(
            lab,
            .enqueue(worker, "f", #"{"n":1}"#),
            leaves: ["receipt f", #"invoke f {"n":1}"#]
        )
    }

    @Test("state answers leave with the write that they tell of")
    func state() throws {
        let lab = try Lab()
        let worker = try lab.join("w")
        let place = #""scope":"s","key":"k""#
        try check(
            lab,
            .call(worker, "state::set", "{\(place),\"value\":1}"),
            leaves: [#"state::set = {"old_value":null,"new_value":1}"#]
        )
        let ops = #"[{"type":"increment","path":"","by":2}]"#
        try check(
            lab,
            .call(worker, "state::update", "{\(place),\"ops\":\(ops)}"),
            leaves: [#"state::update = {"old_value":1,"new_value":3}"#]
        )
        try check(
            lab,
            .call(worker, "state::delete", "{\(place)}"),
            leaves: ["state::delete = 3"]
        )
    }

    @Test("a read waits for the write whose value it shows, and for no other")
    func read() throws {
        let lab = try Lab()
        let worker = try lab.join("w")
        let set = #"{"scope":"s","key":"k","value":1}"#
        let get = #"{"scope":"s","key":"k"}"#
        let other = #"{"scope":"t","key":"k"}"#
        try lab.turn(.call(worker, "state::set", set, id: nil))
        #expect(try lab.turn(.call(worker, "state::get", get)).lines == [])
        lab.disk.complete()
        #expect(try lab.turn([]).lines == ["state::get = 1"])
        try lab.turn(.call(worker, "state::set", set, id: nil))
        #expect(try lab.turn(.call(worker, "state::get", other)).lines == ["state::get = nothing"])
    }

    @Test("a call and its result leave with their records")
    func call() throws {
        let lab = try Lab()
        let caller = try lab.join("caller")
        let worker = try lab.join("w", serving: "f")
        try check(lab, .call(caller, "f", "[1]"), leaves: ["invoke f [1]"])
        let invocation = try #require(lab.left.dispatches.last).invocation
        try check(lab, .answer(worker, invocation, "2"), leaves: ["f = 2"])
        try check(lab, .call(caller, "f", "[1]"), leaves: ["invoke f [1]"])
        let second = try #require(lab.left.dispatches.last).invocation
        try check(lab, .fail(worker, second), leaves: ["f = invocation_failed: no"])
    }

    @Test("an HTTP response leaves with the result's record")
    func response() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        try lab.settle(.trigger(worker, "http", #"{"api_path":"/f"}"#, to: "f"))
        try lab.settle(.get("/f"))
        let invocation = try #require(lab.left.dispatches.last).invocation
        try check(lab, .answer(worker, invocation, #"{"body":1}"#), leaves: ["http 200 1"])
        try lab.settle(.get("/f"))
        try lab.settle(.workerLeft(worker.connection, reason: "closed"))
        #expect(lab.left.lines.last?.hasPrefix("http 500") == true)
    }

    @Test("a 422 leaves with its condition's answer")
    func condition() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f", "c")
        let config = #"{"api_path":"/f","condition_function_id":"c"}"#
        try lab.settle(.trigger(worker, "http", config, to: "f"))
        try lab.settle(.get("/f"))
        let invocation = try #require(lab.left.dispatches.last).invocation
        let skipped =
            #"http 422 {"error":{"code":"CONDITION_NOT_MET","message":"Condition not met"},"#
            + #""skipped":true}"#
        try check(lab, .answer(worker, invocation, "false"), leaves: [skipped])
    }

    @Test("a failed request leaves with its records, whether or not anybody ran it")
    func failedRequest() throws {
        let lab = try Lab()
        let worker = try lab.join("w")
        try lab.settle(.trigger(worker, "http", #"{"api_path":"/f"}"#, to: "gone"))
        let tail = lab.engine.log.durable
        #expect(try lab.turn(.get("/f")).lines == [])
        #expect(lab.engine.log.durable == tail)
        lab.disk.complete()
        #expect(try lab.turn([]).first?.reply?.status == 500)
    }

    @Test("a publication is answered and delivered with its record")
    func publish() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        try lab.settle(.trigger(worker, "queue", #"{"topic":"t"}"#, to: "f"))
        try check(
            lab,
            .call(worker, "iii::durable::publish", #"{"topic":"t","data":5}"#),
            leaves: ["invoke f 5", "iii::durable::publish = nothing"]
        )
    }

    @Test("a cron run leaves with the record of its slot")
    func cron() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        try lab.settle(.trigger(worker, "cron", #"{"expression":"0 * * * * *"}"#, to: "f"))
        lab.pass(seconds: 61)
        #expect(try lab.turn([]).lines == [])
        lab.disk.complete()
        #expect(try lab.turn([]).dispatches.map(\.function) == ["f"])
    }

    @Test("a retry without delay and a redrive are delivered with their records")
    func secondDeliveries() throws {
        let lab = try Lab { options in options.queues["default"] = .once(attempts: 2) }
        let worker = try lab.join("w", serving: "f")
        try lab.settle(.enqueue(worker, "f"))
        let first = try #require(lab.left.dispatches.last).invocation
        #expect(try lab.turn(.fail(worker, first)).lines == [])
        #expect(try lab.turn([]).lines == [])
        lab.disk.complete()
        #expect(try lab.turn([]).lines == ["invoke f {}"])
        try lab.settle(.fail(worker, try #require(lab.left.dispatches.last).invocation))
        try check(
            lab,
            .call(worker, "iii::queue::redrive", #"{"queue":"default"}"#),
            leaves: ["invoke f {}", #"iii::queue::redrive = {"queue":"default","redriven":1}"#]
        )
    }

    @Test("of a FIFO group, the next message leaves when the end of the one before is durable")
    func fifo() throws {
        let lab = try Lab { options in options.queues["default"] = .fifo(by: "g") }
        let worker = try lab.join("w", serving: "f")
        try lab.settle(.enqueue(worker, "f", #"{"g":1,"n":1}"#))
        try lab.settle(.enqueue(worker, "f", #"{"g":1,"n":2}"#))
        let first = try #require(lab.left.dispatches.last).invocation
        try check(lab, .answer(worker, first), leaves: [#"invoke f {"g":1,"n":2}"#])
    }

    @Test("a worker hears that it is registered when its subscriptions are durable")
    func registered() throws {
        let lab = try Lab()
        let peer = try lab.connect()
        try lab.settle(.trigger(peer, "queue", #"{"topic":"t"}"#, to: "f"))
        try check(
            lab,
            .call(peer, "engine::workers::register", #"{"name":"w","pid":1}"#),
            leaves: [#"engine::workers::register = {"success":true}"#]
        )
    }

    @Test("after a failed write nothing leaves any more")
    func failedWrite() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        try lab.turn(.enqueue(worker, "f"))
        let error = StorageError.system("write", path: "simulated", code: 5)
        lab.disk.failure = error
        lab.disk.complete()
        let count = lab.left.count
        #expect(throws: LogError.storage(error)) { try lab.turn([]) }
        #expect(throws: LogError.storage(error)) { try lab.turn([]) }
        #expect(lab.left.count == count)
    }

    @Test("what reads the log's files waits for them, also where answers need not, and alone")
    func readers() throws {
        let lab = try Lab { $0.releaseAhead = 1_000_000_000 }
        let worker = try lab.join("w")
        let set = #"{"scope":"s","key":"k","value":1}"#
        let end = lab.engine.log.staged.rawValue + 1
        let history = #"{"scope":"s","key":"k"}"#
        let early = try lab.turn(
            .call(worker, "state::set", set),
            .call(worker, "state::history", history),
            .join(1)
        )
        #expect(
            early.lines == [
                #"state::set = {"old_value":null,"new_value":1}"#,
                "subscribe 1 s", #"send 1 {"type":"sync","data":[]}"#,
            ]
        )
        #expect(try lab.turn([]).lines == [])
        #expect(lab.disk.complete())
        #expect(try lab.turn([]).lines == ["read log below \(end)"])
    }

    @Test("the gate hands on in order, and only below the tail")
    func order() {
        var gate = Gate()
        for (number, offset) in [nil, Offset(0), Offset(4), nil, Offset(2)].enumerated() {
            let connection = ConnectionID(loop: 0, number: UInt64(number))
            gate.hold(.close(connection, code: 1000, reason: "\(number)"), after: offset)
        }
        var effects: [Effect] = []
        gate.release(below: .zero, into: &effects)
        #expect(effects.lines == ["close 1000 0"])
        gate.release(below: Offset(4), into: &effects)
        #expect(effects.lines == ["close 1000 0", "close 1000 1"])
        gate.release(below: Offset(5), into: &effects)
        #expect(effects.count == 5)
        #expect(gate.isEmpty)
    }

    @Test("it has room again when what it held has left")
    func room() {
        var gate = Gate()
        let worker = ConnectionID(loop: 0, number: 1)
        let half = [UInt8](repeating: 0x31, count: Limits.heldPayloadBytes / 2)
        let answer = Effect.Message.answer(
            .text("c"),
            function: "f",
            .value(half),
            Propagation()
        )
        let reply = HTTPReply(status: 200, body: half)
        gate.hold(.send(worker, answer), after: Offset(1))
        gate.hold(.send(worker, .pong), after: nil)
        #expect(gate.hasRoom)
        gate.hold(.respond(ExchangeID(loop: 0, number: 1), reply, trace: nil), after: Offset(2))
        #expect(!gate.hasRoom)
        var effects: [Effect] = []
        gate.release(below: Offset(1), into: &effects)
        #expect(effects.isEmpty && !gate.hasRoom)
        gate.release(below: Offset(2), into: &effects)
        #expect(effects.count == 2 && gate.hasRoom)
        gate.release(below: Offset(3), into: &effects)
        #expect(gate.isEmpty && gate.payloadBytes == 0)
    }
}
