import Foundation
import LinearizabilityKit
import Testing

extension Programs {
    /// Conditional writes and transactions of many clients, through kills of the engine, look like
    /// one after the other.
    @Suite("Linearizability of the state")
    struct LinearizabilityTests {}
}

extension Programs.LinearizabilityTests {
    /// `III_LINEARIZABILITY_RUNS` says how many, `III_LINEARIZABILITY_SEED` the first one.
    private static let seeds: [UInt64] = {
        let runs = Project.environment("III_LINEARIZABILITY_RUNS").flatMap(UInt64.init) ?? 3
        let given = Project.environment("III_LINEARIZABILITY_SEED").flatMap(UInt64.init)
        let first = given ?? UInt64.random(in: 1...999_999)
        return Array(first..<first + runs)
    }()

    @Test("32 clients, through kills of the engine, see one order of everything")
    func histories() throws {
        for seed in Self.seeds {
            let run = try LinearizabilityRun(seed: seed, clients: 32, callsOfLife: 250)
            let history = try run.play(kills: 3)
            let unanswered = history.count { if case .unknown = $0.outcome { true } else { false } }
            print(
                "linearizability: \(history.count) calls, \(unanswered) without an answer, "
                    + "III_LINEARIZABILITY_SEED=\(seed)"
            )
            try #require(history.count > 400)
            let verdict = Checker(history, keys: LinearizabilityRun.keys).check()
            #expect(verdict == .linearizable, "III_LINEARIZABILITY_SEED=\(seed)")
        }
    }

    @Test("an answer that a wrong engine would have given is found in a history")
    func planted() throws {
        // Few clients: that there is no order is known when all have been tried.
        let run = try LinearizabilityRun(seed: Self.seeds[0], clients: 4, callsOfLife: 80)
        let history = try run.play(kills: 1)
        let sound = Checker(history, keys: LinearizabilityRun.keys).check()
        #expect(sound == .linearizable, "III_LINEARIZABILITY_SEED=\(Self.seeds[0])")
        let planted = run.planted(in: history)
        #expect(planted.count == 2)
        for (name, wrong) in planted {
            let verdict = Checker(wrong, keys: LinearizabilityRun.keys).check()
            guard case .violation = verdict else {
                Issue.record("\(name): \(verdict), III_LINEARIZABILITY_SEED=\(Self.seeds[0])")
                continue
            }
        }
    }
}

/// One recorded history: an engine that is killed, and clients with one call each in flight.
private final class LinearizabilityRun {
    static let keys = 4
    private let clientCount: Int
    private let callsOfLife: Int
    private let seed: UInt64
    /// The revisions with which values were seen.
    private var revisions: [Int: UInt64] = [:]

    private let engine: EngineProcess
    private var random: SeededNumbers
    private var history: [ObservedCall] = []
    private var nextValue = 0

    /// What a client knows of a key, from its last answer about it.
    private struct Known {
        var value: Int?
        var revision: Int
    }

    private final class Client {
        let worker: RawWorker
        var known = [Known](repeating: Known(value: nil, revision: 0), count: keys)
        var pending: Pending?

        init(_ worker: RawWorker) { self.worker = worker }
    }

    private struct Pending {
        let id: String
        let began: UInt64
        var conditions: [ObservedCall.Binding] = []
        var writes: [ObservedCall.Binding] = []
        /// For a read, or a transaction: the keys, in the order of the answer.
        var keys: [Int] = []
        var isRead = false
    }

    init(seed: UInt64, clients: Int, callsOfLife: Int) throws {
        self.seed = seed
        clientCount = clients
        self.callsOfLife = callsOfLife
        random = SeededNumbers(seed: seed)
        engine = EngineProcess(
            in: try Scratch(),
            ["--set", "log.segment_bytes=1MiB", "--set", "log.snapshot_bytes=1MiB"]
        )
    }

    /// What the clients saw through so many kills.
    func play(kills: Int) throws -> [ObservedCall] {
        do {
            try live(kills: kills)
        } catch {
            throw Failure("III_LINEARIZABILITY_SEED=\(seed): \(error)\n\(engine.errors)")
        }
        // Of a call without an answer others may have seen where it belongs.
        return history.map { call in
            guard case .unknown = call.outcome else { return call }
            let seen = call.writes.compactMap { $0.value.flatMap { revisions[$0] } }.max()
            return seen.map { call.placed(at: $0) } ?? call
        }
    }

    private func live(kills: Int) throws {
        for life in 0...kills {
            try engine.start()
            var clients: [Client] = []
            for _ in 0..<clientCount { clients.append(Client(try RawWorker(engine))) }
            let end = history.count + callsOfLife
            while history.count < end {
                for client in clients where client.pending == nil { try call(from: client) }
                WebSocket.wait(for: clients.map(\.worker.socket), milliseconds: 100)
                for client in clients { try readArrived(at: client) }
            }
            if life == kills {
                for client in clients { try readArrived(at: client, untilDone: true) }
                try readAll(clients[0])
                continue
            }
            engine.kill9()
            for client in clients { try readRest(of: client) }
        }
    }

    // MARK: Calls

    private static func place(_ key: Int) -> Envelope { ["scope": "lin", "key": "k\(key)"] }

    private func newValue() -> Int {
        nextValue += 1
        return nextValue
    }

    private func call(from client: Client) throws {
        let key = Int.random(in: 0..<Self.keys, using: &random)
        let known = client.known[key]
        var input = Self.place(key)
        let function: String
        var pending = Pending(id: "", began: 0, keys: [key])
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<35:
            function = "state::get"
            pending.isRead = true
        case 35..<65:
            function = "state::set"
            let value = newValue()
            input["value"] = value
            input["if_revision"] = known.revision
            pending.conditions = [.init(key, known.value)]
            pending.writes = [.init(key, value)]
        case 65..<75:
            function = "state::set"
            let value = newValue()
            input["value"] = value
            pending.writes = [.init(key, value)]
        case 75..<82:
            function = "state::delete"
            input["if_revision"] = known.revision
            // What is not there cannot be deleted: it must be something else to be tried.
            if known.value == nil { return try call(from: client) }
            pending.conditions = [.init(key, known.value)]
            pending.writes = [.init(key, nil)]
        default:
            function = "state::transact"
            let other = (key + Int.random(in: 1..<Self.keys, using: &random)) % Self.keys
            pending.keys = [key, other]
            var writes: [Envelope] = []
            for key in pending.keys {
                let value = newValue()
                var write = Self.place(key)
                write["type"] = "set"
                write["value"] = value
                writes.append(write)
                pending.writes.append(.init(key, value))
            }
            writes[0]["if_revision"] = known.revision
            pending.conditions = [.init(key, known.value)]
            input = ["writes": writes]
        }
        input["with_revision"] = true
        let began = Deadline.now
        let id = try client.worker.call(function, input)
        client.pending = Pending(
            id: id,
            began: began,
            conditions: pending.conditions,
            writes: pending.writes,
            keys: pending.keys,
            isRead: pending.isRead
        )
    }

    // MARK: Answers

    private func readArrived(at client: Client, untilDone: Bool = false) throws {
        for message in client.worker.takeWaiting() { try handle(message, client) }
        while client.pending != nil {
            guard let message = try client.worker.take(within: untilDone ? 30 : 0) else {
                if untilDone { throw Failure("a call was not answered") }
                return
            }
            try handle(message, client)
        }
    }

    /// What the engine had sent before it died counts; what it had not may have happened.
    private func readRest(of client: Client) throws {
        for message in client.worker.takeWaiting() { try handle(message, client) }
        while let message = try client.worker.socket.receive(within: 30) {
            guard case .text(let text) = message else { break }
            try handle(JSON.object(text), client)
        }
        guard let pending = client.pending, !pending.writes.isEmpty else { return }
        record(pending, .unknown, hint: .max)
    }

    private func handle(_ message: Envelope, _ client: Client) throws {
        guard message["type"] as? String == "invocationresult",
            let pending = client.pending, message["invocation_id"] as? String == pending.id
        else { return }
        client.pending = nil
        guard let answer = message["result"] as? Envelope else {
            throw Failure("refused: \(JSON.text(message))")
        }
        if pending.isRead {
            let revision = answer["revision"] as? Int ?? 0
            let value = revision == 0 ? nil : answer["value"] as? Int
            client.known[pending.keys[0]] = Known(value: value, revision: revision)
            if let value { revisions[value] = UInt64(revision) }
            let seen = ObservedCall.Binding(pending.keys[0], value)
            return record(pending, .read([seen]), hint: UInt64(revision))
        }
        guard answer["outcome"] as? String == "applied" else {
            return record(pending, .refused, hint: 0)
        }
        let revision = answer["revision"] as? Int ?? 0
        let results = answer["results"] as? [Envelope]
        for (index, write) in pending.writes.enumerated() {
            let own = results?[index]["revision"] as? Int ?? revision
            client.known[write.key] = Known(
                value: write.value,
                revision: write.value == nil ? 0 : own
            )
        }
        record(pending, .applied, hint: UInt64(revision))
    }

    private func record(_ pending: Pending, _ outcome: ObservedCall.Outcome, hint: UInt64) {
        history.append(
            ObservedCall(
                conditions: pending.conditions,
                writes: pending.writes,
                outcome,
                began: pending.began,
                ended: Deadline.now,
                hint: hint
            )
        )
    }

    /// The last word: what every key holds in the end, at one moment.
    private func readAll(_ client: Client) throws {
        let began = Deadline.now
        let keys = (0..<Self.keys).map(Self.place)
        let reply = try client.worker.ask("state::get_many", ["keys": keys])
        let values = (reply["result"] as? Envelope)?["values"] as? [Envelope] ?? []
        let seen = values.enumerated().map { key, answer in
            ObservedCall.Binding(
                key,
                answer["revision"] as? Int == 0 ? nil : answer["value"] as? Int
            )
        }
        try #require(seen.count == Self.keys)
        for (binding, answer) in zip(seen, values) {
            if let value = binding.value { revisions[value] = answer["revision"] as? UInt64 ?? 0 }
        }
        let last = values.compactMap { $0["revision"] as? Int }.max() ?? 0
        history.append(
            ObservedCall(.read(seen), began: began, ended: Deadline.now, hint: UInt64(last))
        )
    }

    // MARK: The test of the test

    /// The history with one answer as a wrong engine would have given it.
    func planted(in history: [ObservedCall]) -> [(name: String, history: [ObservedCall])] {
        var all: [(name: String, history: [ObservedCall])] = []
        // A conditional write that was refused, and is said to have been made: seen by nobody, and
        // its condition does not hold.
        if let index = history.firstIndex(where: { call in
            guard case .refused = call.outcome, let condition = call.conditions.first else {
                return false
            }
            // What it expects had been overwritten before it began.
            return history.contains { other in
                guard case .applied = other.outcome, other.ended < call.began else { return false }
                return other.conditions.contains(condition) && condition.value != nil
                    && other.writes.contains { $0.key == condition.key }
            }
        }) {
            let call = history[index]
            var wrong = history
            wrong[index] = ObservedCall(
                conditions: call.conditions,
                writes: call.writes,
                .applied,
                began: call.began,
                ended: call.ended,
                hint: call.hint
            )
            all.append(("a lost update", wrong))
        }
        // The last word, with a value that had been overwritten before it was asked.
        if let last = history.last, case .read(let seen) = last.outcome,
            let stale = history.first(where: { call in
                guard case .applied = call.outcome, let write = call.writes.first else {
                    return false
                }
                return history.contains { other in
                    guard case .applied = other.outcome, other.began > call.ended else {
                        return false
                    }
                    return other.writes.contains { $0.key == write.key }
                }
            })?.writes.first
        {
            var wrong = history
            wrong[history.count - 1] = ObservedCall(
                .read(seen.map { $0.key == stale.key ? stale : $0 }),
                began: last.began,
                ended: last.ended,
                hint: last.hint
            )
            all.append(("a stale read", wrong))
        }
        return all
    }
}
