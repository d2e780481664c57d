import CommitLog
import Events
import Folding
import LogTools
import Primitives
import State
import Testing

@testable import Engine
@testable import Queue

/// Random work, cut off at random points, against what the engine told.
@Suite("Crashes")
struct CrashTests {
    @Test("nothing that was told is lost over crashes", arguments: UInt64(0)..<8)
    func crashes(block: UInt64) throws {
        let count: UInt64 = 30
        for seed in block * count..<(block + 1) * count {
            var history = History(seed: seed)
            for finding in try history.run() { Issue.record("seed \(seed): \(finding)") }
        }
    }

    @Test("the same seed gives the same effects, one by one")
    func determinism() throws {
        for seed in UInt64(0)..<5 {
            var first = History(seed: seed)
            var second = History(seed: seed)
            _ = try first.run()
            _ = try second.run()
            #expect(!first.transcript.isEmpty)
            #expect(first.transcript == second.transcript, "seed \(seed)")
        }
    }
}

/// What reached a client.
private struct Told {
    var receipts: Set<UUID128> = []
    /// The youngest acknowledged value of each key, and the writes asked for since, any of which
    /// may have been made before a crash; nil: deleted.
    var values: [String: String?] = [:]
    var asked: [String: [(id: String, value: String?)]] = [:]
}

/// A run of several lives over one disk.
private struct History {
    private var entropy: SeededEntropy
    private let seed: UInt64
    private let disk = SimulatedDisk()
    private var told = Told()
    private var findings: [String] = []
    /// The views' digests at every offset at which a batch may have ended.
    private var digests: [UInt64: Digest] = [:]
    private var workers: [Peer] = []
    private var running: [(peer: Peer, invocation: UUID128)] = []
    /// The keys of the writes that wait for their answers, by the id of the call.
    private var writes: [String: String] = [:]
    private var number = 0
    private(set) var transcript: [String] = []

    init(seed: UInt64) {
        self.seed = seed
        entropy = SeededEntropy(seed: seed)
    }

    private mutating func chance(_ part: UInt64, of whole: UInt64) -> Bool {
        entropy.next() % whole < part
    }

    mutating func run() throws -> [String] {
        var time = Lab.epoch
        for life in UInt64(1)...4 {
            let lab = try Lab(
                disk: disk,
                seed: seed,
                at: time,
                life: life,
                segmentBytes: 64 << 10,
                cacheBytes: [0, 500, .max][Int(entropy.next() % 3)],
                snapshotUntil: life > 1 && chance(1, of: 2) ? disk.sealedEnd : nil
            ) { options in
                options.queues["default"] = .once(attempts: 3, concurrency: 3)
                options.queues["fifo"] = .fifo(by: "g", backoff: 1)
            }
            judge(lab)
            try compare(lab)
            try live(lab)
            disk.crash(keepingWrite: chance(1, of: 2))
            time = lab.now.wall
        }
        return findings
    }

    // MARK: One life

    private mutating func live(_ lab: Lab) throws {
        workers = []
        running = []
        writes = [:]
        note(lab)
        let steps = 30 + entropy.next() % 90
        for _ in 0..<steps {
            if chance(1, of: 3) { lab.disk.complete() }
            if chance(1, of: 4) { lab.pass(seconds: Double(entropy.next() % 3000) / 1000) }
            var commands: [Command] = []
            for _ in 0..<entropy.next() % 4 {
                if let command = try command(lab) { commands.append(command) }
            }
            hear(try lab.turn(commands))
            note(lab)
        }
    }

    /// A batch ends where a turn ends that handed it to the disk.
    private mutating func note(_ lab: Lab) {
        let staged = lab.engine.log.staged
        guard lab.engine.log.flushed == staged, digests[staged.rawValue] == nil else { return }
        digests[staged.rawValue] = Digest(of: lab.engine.views)
        conserve(lab)
    }

    private mutating func command(_ lab: Lab) throws -> Command? {
        guard let worker = workers.first else {
            let peer = try silently(lab)
            workers.append(peer)
            return .serve(peer, "f")
        }
        number += 1
        switch entropy.next() % 12 {
        case 0...2:
            let payload = #"{"g":\#(entropy.next() % 3),"n":\#(number)}"#
            let queue = chance(1, of: 2) ? "default" : "fifo"
            return .enqueue(worker, chance(1, of: 6) ? "later" : "f", payload, to: queue)
        case 3...6:
            guard !running.isEmpty else { return nil }
            let done = running.remove(at: Int(entropy.next() % UInt64(running.count)))
            return chance(1, of: 3)
                ? .fail(done.peer, done.invocation) : .answer(done.peer, done.invocation)
        case 7, 8: return write(worker)
        case 9:
            guard workers.count > 1, chance(1, of: 2) else {
                let peer = try silently(lab)
                workers.append(peer)
                return .serve(peer, "f")
            }
            let gone = workers.removeLast()
            running.removeAll { $0.peer.connection == gone.connection }
            return .workerLeft(gone.connection, reason: "closed")
        case 10:
            if number % 8 == 0 {
                let queue = number % 16 == 0 ? "default" : "fifo"
                return .call(worker, "iii::queue::purge", #"{"queue":"\#(queue)"}"#)
            }
            return .call(worker, "iii::queue::redrive", #"{"queue":"default"}"#)
        default: return chance(1, of: 8) ? .serve(worker, "later") : nil
        }
    }

    /// A worker that joins while the disk takes its time like for all others.
    private mutating func silently(_ lab: Lab) throws -> Peer {
        number += 1
        let connection = ConnectionID(loop: 0, number: 1 << 50 + UInt64(number))
        hear(try lab.turn(.workerJoined(connection, address: "a")))
        note(lab)
        let peer = Peer(
            connection: connection,
            worker: UUID128(high: 0, low: 0),
            token: UUID128(high: 0, low: 0)
        )
        hear(try lab.turn(.call(connection, .describe("w", nil, "node", "0.25.0"))))
        note(lab)
        return peer
    }

    private mutating func write(_ worker: Peer) -> Command {
        let key = "k\(entropy.next() % 4)"
        let id = "w\(number)"
        let isDelete = chance(1, of: 4)
        writes[id] = key
        told.asked[key, default: []].append((id, isDelete ? nil : "\(number)"))
        let place = #""scope":"s","key":"\#(key)""#
        return isDelete
            ? .call(worker, "state::delete", "{\(place)}", id: .text(id))
            : .call(worker, "state::set", "{\(place),\"value\":\(number)}", id: .text(id))
    }

    private mutating func hear(_ effects: [Effect]) {
        for effect in effects {
            transcript.append(effect.line)
            switch effect {
            case .send(_, .receipt(_, let receipt)): told.receipts.insert(receipt)
            case .send(let connection, .invoke(let dispatch)):
                guard let peer = workers.first(where: { $0.connection == connection }) else {
                    break
                }
                running.append((peer, dispatch.invocation))
            case .send(_, .answer(.text(let id), _, _, _)):
                guard let key = writes.removeValue(forKey: id), let asked = told.asked[key],
                    let place = asked.firstIndex(where: { $0.id == id })
                else { break }
                told.values[key] = .some(asked[place].value)
                told.asked[key] = Array(asked[(place + 1)...])
            default: break
            }
        }
    }
}

// MARK: The oracle

extension History {
    /// Asks the offline tools, which see nothing but the log.
    fileprivate mutating func compare(_ lab: Lab) throws {
        let pass = LogPass(SimulatedSource(disk: lab.disk))
        let digest = try LogDigest(pass, at: Offset(lab.recoveredEnd))
        if digest != lab.recoveredDigest { findings.append("the tool's digest is \(digest)") }
        let verification = try Verification(pass, depth: .semantic)
        findings += verification.contradictions + verification.damages
    }

    /// Compares what a life found with what those before it told.
    fileprivate mutating func judge(_ lab: Lab) {
        if let expected = digests[lab.recoveredEnd] {
            if expected != lab.recovered { findings.append("recovered is not what was live") }
        } else if lab.recoveredEnd > 0 {
            findings.append("half a batch: \(lab.recoveredEnd)")
        }
        digests = [:]
        findings += lab.ledger.findings
        for receipt in told.receipts where !lab.ledger.receipts.contains(receipt) {
            findings.append("receipt \(receipt) is lost")
        }
        for key in Set(told.values.keys).union(told.asked.keys).sorted() {
            let found = lab.value(scope: "s", key: key)
            let possible = [told.values[key] ?? nil] + (told.asked[key] ?? []).map(\.value)
            if !possible.contains(found) {
                findings.append("\(key) is \(found ?? "gone"), not one of \(possible)")
            }
            told.values[key] = .some(found)
            told.asked[key] = []
        }
        for (queue, messages) in lab.ledger.queues {
            guard let state = lab.engine.views.work.queue.queues[queue] else {
                findings.append("queue \(queue) is gone")
                continue
            }
            let dead = messages.values.count { $0.isDead }
            if state.deadCount != dead { findings.append("\(queue): \(dead) dead letters") }
            let pending = messages.count - dead
            if state.depth != pending { findings.append("\(queue): \(pending) pending") }
        }
    }

    /// The counts of every queue are those of its messages.
    fileprivate mutating func conserve(_ lab: Lab) {
        for (name, queue) in lab.engine.views.work.queue.queues {
            let states = queue.messages.inOrder.map(\.state)
            let dead = states.count { if case .dead = $0 { true } else { false } }
            let inFlight = states.count { if case .inFlight = $0 { true } else { false } }
            if dead != queue.deadCount { findings.append("\(name): \(dead) dead letters") }
            if inFlight != queue.inFlight { findings.append("\(name): \(inFlight) in flight") }
            let delayed = states.count { if case .delayed = $0 { true } else { false } }
            if delayed != queue.delayedCount { findings.append("\(name): \(delayed) delayed") }
            if inFlight > Int(queue.settings.concurrency) { findings.append("\(name): too many") }
            if states.contains(.done) { findings.append("\(name) keeps what is done") }
            var groups: Set<String> = []
            for message in queue.messages.inOrder {
                guard case .inFlight = message.state, let group = message.group else { continue }
                if !groups.insert(group).inserted { findings.append("two of group \(group)") }
            }
        }
    }
}
