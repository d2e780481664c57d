import CommitLog
import Disk
import Events
import Primitives
import Queue
import Testing

@testable import Engine

extension [Effect] {
    /// Who is asked to run something, call by call.
    fileprivate var runners: [ConnectionID] {
        compactMap { effect in
            if case .send(let connection, .invoke) = effect { connection } else { nil }
        }
    }
}

/// Large payloads, and workers that have enough of them or cannot receive them.
@Suite("Large payloads")
struct CrowdTests {
    /// A text of so many KiB.
    private static func payload(_ kibibytes: Int) -> String {
        "\"\(String(repeating: "x", count: kibibytes << 10))\""
    }

    private func lab(cacheBytes: Int = .max) throws -> Lab {
        try Lab(segmentBytes: 64 << 20, cacheBytes: cacheBytes) { options in
            options.queues["many"] = .once(attempts: 1, concurrency: 100)
        }
    }

    @Test("queues hand a worker so many bytes, and more when it has answered")
    func deliveries() throws {
        let lab = try lab()
        let producer = try lab.join("p")
        let worker = try lab.join("w", serving: "f")
        let most = Limits.deliveriesOfWorker >> 20
        var taken: [Effect.Dispatch] = []
        for _ in 0..<most + 8 {
            let effects = try lab.settle(
                .enqueue(producer, "f", Self.payload(1024), to: "many")
            )
            taken += effects.dispatches
        }
        #expect(taken.count == most)
        #expect(taken.allSatisfy { $0.isOfQueue })
        let call = try lab.settle(.call(producer, "f", Self.payload(1024))).dispatches
        #expect(call.map(\.isOfQueue) == [false], "calls are not counted")

        let next = try lab.settle(.answer(worker, taken[0].invocation)).dispatches
        #expect(next.count == 1)
        let replica = try lab.join("r")
        let rest = try lab.settle(.serve(replica, "f"))
        #expect(rest.runners == Array(repeating: replica.connection, count: 7))
    }

    /// Fills the room that the workers of `f` have for all queues.
    ///
    /// - Returns: what they run, of the queue `many`, of which three messages wait.
    private func fill(_ lab: Lab, by producer: Peer) throws -> [Effect.Dispatch] {
        let most = Limits.deliveriesOfWorker >> 20
        var taken: [Effect.Dispatch] = []
        for _ in 0..<most + 3 {
            let effects = try lab.settle(
                .enqueue(producer, "f", Self.payload(1024), to: "many")
            )
            taken += effects.dispatches
        }
        #expect(taken.count == most)
        return taken
    }

    @Test("a queue with a backlog of large messages keeps no other one from running one of its own")
    func otherQueue() throws {
        let lab = try lab()
        let producer = try lab.join("p")
        let worker = try lab.join("w", serving: "f")
        try lab.settle(.serve(worker, "g"))
        let taken = try fill(lab, by: producer)
        let payload = Self.payload(1024)
        let first = try lab.settle(.enqueue(producer, "g", payload)).dispatches
        #expect(first.map(\.function) == ["g"])
        let second = try lab.settle(.enqueue(producer, "g", payload)).dispatches
        #expect(second.isEmpty, "one runs")
        #expect(try lab.settle(.answer(worker, taken[0].invocation)).dispatches.isEmpty)
        let next = try lab.settle(.answer(worker, taken[1].invocation)).dispatches
        #expect(next.map(\.function) == ["f"])
        let own = try lab.settle(.answer(worker, first[0].invocation)).dispatches
        #expect(own.map(\.function) == ["g"])
    }

    @Test("a small message does not wait for room")
    func small() throws {
        let lab = try lab()
        let producer = try lab.join("p")
        _ = try lab.join("w", serving: "f")
        _ = try fill(lab, by: producer)
        for number in ["1", "2"] {
            let runs = try lab.settle(.enqueue(producer, "f", number)).dispatches
            #expect(runs.map { String(decoding: $0.payload, as: UTF8.self) } == [number])
        }
    }

    @Test("a message that waits for room is read once, and again when there is some")
    func reads() throws {
        let lab = try lab(cacheBytes: 0)
        let producer = try lab.join("p")
        let worker = try lab.join("w", serving: "f")
        let taken = try fill(lab, by: producer)
        lab.disk.readFailure = .system("read", path: "simulated", code: 5)
        try lab.settle(.enqueue(producer, "f", "1", to: "many"))
        let calls = try lab.settle(.call(producer, "f", "1")).dispatches
        for call in calls { try lab.settle(.answer(worker, call.invocation)) }
        #expect(calls.count == 1)
        #expect(lab.disk.failedReads == 0)
        try lab.settle(.answer(worker, taken[0].invocation))
        #expect(lab.disk.failedReads > 0)
        lab.disk.readFailure = nil
    }

    @Test("a message whose worker ends its function lets those behind it by")
    func unregistered() throws {
        let lab = try lab()
        let producer = try lab.join("p")
        let worker = try lab.join("w", serving: "f")
        let other = try lab.join("o", serving: "g")
        _ = try fill(lab, by: producer)
        #expect(try lab.settle(.enqueue(producer, "g", "1", to: "many")).dispatches.isEmpty)
        let end = Command.register(worker.connection, .removeFunction(id: "f"))
        #expect(try lab.settle(end).runners == [other.connection])
    }

    @Test("who is asked about messages gets no more of them than who runs them")
    func conditions() throws {
        let lab = try lab()
        let worker = try lab.join("w", serving: "f")
        let judge = try lab.join("j", serving: "c")
        let config = #"{"topic":"t","condition_function_id":"c","concurrency":100}"#
        try lab.settle(.trigger(worker, "queue", config, to: "f"))
        let input = "{\"topic\":\"t\",\"data\":\(Self.payload(1024))}"
        let most = Limits.deliveriesOfWorker >> 20
        var asked: [Effect.Dispatch] = []
        for _ in 0..<most + 2 {
            asked += try lab.settle(.call(worker, "enqueue", input)).dispatches
        }
        #expect(asked.map(\.function) == Array(repeating: "c", count: most))
        #expect(asked.allSatisfy { $0.isOfQueue })
        let next = try lab.settle(.answer(judge, asked[0].invocation, "true")).dispatches
        #expect(next.map(\.function).sorted() == ["c", "f"])
    }

    @Test("of replicas one runs a large call whose SDK can receive it, while there is one")
    func replicas() throws {
        let lab = try lab()
        let caller = try lab.join("c")
        let old = try lab.join("old", runtime: "python", version: "0.11.6", serving: "f")
        let new = try lab.join("new", runtime: "python", version: "0.25.0", serving: "f")
        let large = Self.payload(1200)
        for number in 0..<4 {
            let call = Command.call(caller, "f", large, id: .text("\(number)"))
            #expect(try lab.settle(call).runners == [new.connection])
        }
        #expect(try lab.settle(.enqueue(caller, "f", large)).runners == [new.connection])
        let small = try lab.settle(.call(caller, "f", "1", id: .text("s")))
        #expect(small.runners == [old.connection])

        try lab.settle(.workerLeft(new.connection, reason: "gone"))
        let refused = try lab.settle(.call(caller, "f", large, id: .text("l")))
        #expect(refused.lines.first?.hasPrefix("f = payload_too_large") == true)
    }

    @Test(
        "a write is not done whose answer its caller's SDK cannot receive",
        arguments: [0, Int.max]
    )
    func writes(cacheBytes: Int) throws {
        let lab = try lab(cacheBytes: cacheBytes)
        let old = try lab.join("old", runtime: "python", version: "0.11.6")
        let text = String(repeating: "x", count: 600 << 10)
        let places = [
            ("state::set", #""scope":"s","key":"k","value""#),
            ("stream::set", #""stream_name":"s","group_id":"g","item_id":"i","data""#),
        ]
        for (function, place) in places {
            func input(_ mark: String) -> String { "{\(place):\"\(mark)\(text)\"}" }
            let first = try lab.settle(.call(old, function, input("1")))
            #expect(first.lines.first?.contains("payload_too_large") == false)
            let before = lab.engine.log.staged
            let refused = try lab.settle(.call(old, function, input("2"))).lines.first ?? ""
            #expect(refused.hasPrefix("\(function) = payload_too_large: nothing is written"))
            #expect(lab.engine.log.staged == before)
            try lab.settle(.call(old, function, input("3"), id: nil, as: .void))
            #expect(lab.engine.log.staged > before, "nobody waits for that answer")
        }
        #expect(lab.value(scope: "s", key: "k")?.hasPrefix("\"3") == true)
    }
}
