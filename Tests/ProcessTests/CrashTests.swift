import Foundation
import Testing

extension LongPrograms {
    /// `kill -9` at any moment loses nothing that a client was told.
    @Suite("Crashes")
    struct CrashTests {}
}

/// A history of lives and deaths of one engine on one data directory.
struct CrashPlan: CustomTestStringConvertible, Sendable {
    /// The setting `log.io`.
    let io: String
    let rounds: Int
    let seed: UInt64

    var testDescription: String { "\(rounds) rounds, log.io = \(io)" }

    /// 200 rounds and 40 with plain system calls. `III_CRASH_ROUNDS` changes the first number,
    /// `III_CRASH_IO` leaves only that way of writing, `III_CRASH_SEED` repeats the random choices,
    /// though not the scheduler's.
    static let all: [CrashPlan] = {
        let rounds = Project.environment("III_CRASH_ROUNDS").flatMap(Int.init)
        let given = Project.environment("III_CRASH_SEED").flatMap(UInt64.init)
        let seed = given ?? UInt64.random(in: 1...999_999)
        if let io = Project.environment("III_CRASH_IO") {
            return [CrashPlan(io: io, rounds: rounds ?? 200, seed: seed)]
        }
        return [
            CrashPlan(io: "auto", rounds: rounds ?? 200, seed: seed),
            CrashPlan(io: "plain", rounds: 40, seed: seed),
        ]
    }()
}

extension LongPrograms.CrashTests {
    @Test("Receipts, acknowledged writes and attempts outlive kill -9", arguments: CrashPlan.all)
    func crashes(plan: CrashPlan) throws {
        print("crash test: \(plan.testDescription), III_CRASH_SEED=\(plan.seed)")
        let start = Deadline.now
        let history = try CrashHistory(plan)
        for round in 1...plan.rounds {
            try history.named("round \(round)") { try history.round() }
        }
        try history.named("the end") { try history.finish() }
        let seconds = (Deadline.now - start) / 1_000_000_000
        print("crash test: \(history.summary), \(seconds) s, III_CRASH_SEED=\(plan.seed)")
    }
}

/// Plays a plan: clients that enqueue and write, a worker that sometimes fails, and a killer.
private final class CrashHistory {
    private enum Request {
        case enqueue(Int)
        case write(Int)
    }

    private let plan: CrashPlan
    private let engine: EngineProcess
    private var random: SeededNumbers
    private var ledger = CrashLedger()
    private var requests: [String: Request] = [:]
    private var held = 0

    private static let function = "crash::work"
    private static let queue = "crash"

    init(_ plan: CrashPlan) throws {
        self.plan = plan
        random = SeededNumbers(seed: plan.seed)
        let scratch = try Scratch()
        let configuration = try scratch.write(
            "crash.toml",
            """
            [queue.queues.\(CrashHistory.queue)]
            concurrency = 8
            max_retries = \(CrashLedger.attempts)
            backoff = "10ms"

            [log]
            io = "\(plan.io)"
            segment_bytes = "1MiB"
            snapshot_bytes = "2MiB"
            cache_bytes = "64KiB"
            retention_bytes = "8MiB"
            """
        )
        engine = EngineProcess(in: scratch, ["--config", configuration])
    }

    var summary: String {
        let receipts = ledger.messages.values.count { $0.hasReceipt }
        let writes = ledger.keys.reduce(0) { $0 + $1.last }
        return "\(receipts) receipts, \(ledger.redeliveries) redeliveries, \(writes) writes"
    }

    /// Puts the seed, the place and the engine's own words to an error.
    func named(_ place: String, _ body: () throws -> Void) throws {
        do {
            try body()
        } catch {
            throw Failure(
                "\(place), III_CRASH_SEED=\(plan.seed), log.io=\(plan.io): \(error)\n"
                    + "the engine's errors:\n\(engine.errors)"
            )
        }
    }

    // MARK: One life

    func round() throws {
        if random.chance(0.05) {
            // A death during recovery.
            try engine.launch()
            usleep(UInt32.random(in: 0...60_000, using: &random))
            engine.kill9()
        }
        try engine.start()
        let worker = try RawWorker.ready(engine, functions: [CrashHistory.function])
        let clients = [try RawWorker(engine), try RawWorker(engine)]
        try checkState(clients[0], worker)

        let load = Int.random(in: 20...150, using: &random)
        var sent = 0
        let end = Deadline(in: Double.random(in: 0.005...0.15, using: &random))
        while !end.passed {
            for client in clients where sent < load && requests.count < 16 {
                try request(from: client)
                sent += 1
            }
            WebSocket.wait(for: ([worker] + clients).map(\.socket), milliseconds: 1)
            for peer in [worker] + clients { try readArrived(at: peer) }
        }
        engine.kill9()
        for peer in [worker] + clients { try readRest(of: peer) }
        requests.removeAll()
        held = 0
        ledger.crashed()
    }

    /// Each key holds the last value acknowledged, or the one whose answer the crash cut off.
    private func checkState(_ client: RawWorker, _ worker: RawWorker) throws {
        var calls: [String] = []
        for key in ledger.keys.indices {
            calls.append(try client.call("state::get", ["scope": "crash", "key": "k\(key)"]))
        }
        for (key, call) in calls.enumerated() {
            let reply = try client.reply(to: call)
            guard reply["error"] == nil else {
                throw Failure("state::get failed: \(JSON.text(reply))")
            }
            try ledger.found(reply["result"] as? Int, of: key)
        }
    }

    private func request(from client: RawWorker) throws {
        let key = Int.random(in: ledger.keys.indices, using: &random)
        if random.chance(0.4), let value = ledger.newValue(of: key) {
            let write: Envelope = ["scope": "crash", "key": "k\(key)", "value": value]
            requests[try client.call("state::set", write)] = .write(key)
            return
        }
        let number = ledger.newMessage(isDoomed: random.chance(0.03))
        let action: Envelope = ["type": "enqueue", "queue": CrashHistory.queue]
        let id = try client.call(CrashHistory.function, ["number": number], action: action)
        requests[id] = .enqueue(number)
    }

    private func readArrived(at peer: RawWorker, waiting seconds: Double = 0) throws {
        for message in peer.takeWaiting() { try handle(message, at: peer, isLast: false) }
        while let message = try peer.take(within: seconds) {
            try handle(message, at: peer, isLast: false)
        }
    }

    /// What the engine had sent before it died counts as told.
    private func readRest(of peer: RawWorker) throws {
        for message in peer.takeWaiting() { try handle(message, at: peer, isLast: true) }
        while let message = try peer.socket.receive(within: 30) {
            guard case .text(let text) = message else { return }
            try handle(JSON.object(text), at: peer, isLast: true)
        }
        throw Failure("the socket of a dead engine stays open")
    }

    // MARK: Messages

    /// Nothing can be answered any more when it `isLast`: the engine is dead.
    private func handle(_ message: Envelope, at peer: RawWorker, isLast: Bool) throws {
        switch message["type"] as? String {
        case "invocationresult":
            guard let id = message["invocation_id"] as? String,
                let request = requests.removeValue(forKey: id)
            else { return }
            guard message["error"] == nil else {
                throw Failure("refused: \(JSON.text(message))")
            }
            switch request {
            case .enqueue(let number): ledger.receipt(for: number)
            case .write(let key): ledger.written(key)
            }
        case "invokefunction":
            guard let data = message["data"] as? Envelope, let number = data["number"] as? Int
            else { throw Failure("a delivery without our payload: \(JSON.text(message))") }
            let state = try ledger.delivered(number)
            if !isLast { try work(message, number, state, peer) }
        default:
            break
        }
    }

    private func work(
        _ dispatch: Envelope,
        _ number: Int,
        _ state: CrashLedger.Message,
        _ worker: RawWorker
    ) throws {
        if !isEnding, held < 3, random.chance(0.05) {
            // Unanswered until the crash.
            held += 1
        } else if state.isDoomed || (!isEnding && random.chance(0.25)) {
            ledger.failed(number)
            try worker.fail(dispatch, "as the test wants it")
        } else {
            ledger.succeeded(number)
            try worker.answer(dispatch, NSNull())
        }
    }

    // MARK: The end

    private var isEnding = false

    /// Lets the engine finish all work, and looks for everything that was promised.
    func finish() throws {
        isEnding = true
        try engine.start()
        let worker = try RawWorker.ready(engine, functions: [CrashHistory.function])
        let client = try RawWorker(engine)
        try checkState(client, worker)
        let deadline = Deadline(in: 180)
        while true {
            try readArrived(at: worker, waiting: 0.2)
            guard ledger.unsettled == 0 || deadline.passed else { continue }
            let dead = try deadLetters(client)
            do {
                try ledger.check(dead: dead)
                break
            } catch  where !deadline.passed {
                continue
            }
        }
        if plan.rounds >= 200 { try waitForCompression(client) }
        let ending = try engine.stop()
        guard ending == .exit(0) else { throw Failure("SIGTERM led to \(ending)") }
        if plan.rounds >= 40 {
            let made = try FileManager.default.contentsOfDirectory(atPath: "\(engine.data)/snap")
            guard !made.isEmpty else { throw Failure("no snapshot was made") }
        }
        let verified = try engine.log("verify")
        guard verified.ending == .exit(0) else { throw Failure("verify: \(verified.all)") }
    }

    /// Lives may have been too short for it: in this one the log grows until it has happened.
    private func waitForCompression(_ client: RawWorker) throws {
        let deadline = Deadline(in: 60)
        let filler = String(repeating: "what is written anew is smaller; ", count: 8192)
        var listed = ""
        while !deadline.passed {
            _ = try client.ask(
                "state::set",
                ["scope": "filler", "key": "only", "value": filler]
            )
            let list = try engine.log("ls", "--json")
            listed = list.all
            let isCompressed = list.output.split(separator: "\n").contains { line in
                let segment = JSON.object(String(line))
                guard let stored = segment["stored_bytes"] as? Int,
                    let plain = segment["plain_bytes"] as? Int
                else { return false }
                return stored < plain
            }
            if isCompressed { return }
        }
        throw Failure("nothing was compressed: \(listed)")
    }

    private func deadLetters(_ client: RawWorker) throws -> Set<Int> {
        var dead: Set<Int> = []
        var offset = 0
        while true {
            let page: Envelope = ["topic": CrashHistory.queue, "offset": offset, "limit": 100]
            let reply = try client.ask("engine::queue::dlq_messages", page)
            guard let letters = reply["result"] as? [Envelope] else {
                throw Failure("engine::queue::dlq_messages: \(JSON.text(reply))")
            }
            for letter in letters {
                guard let number = (letter["payload"] as? Envelope)?["number"] as? Int else {
                    throw Failure("a dead letter without our payload: \(JSON.text(letter))")
                }
                dead.insert(number)
            }
            if letters.isEmpty { return dead }
            offset += letters.count
        }
    }
}
