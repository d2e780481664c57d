import CommitLog
import Disk
import Folding
import Primitives
import RecordFormat
import Synchronization
import Testing

@testable import Engine

@Suite("The core loop")
struct CoreLoopTests {
    private struct FixedClock: Clock {
        func now() -> Now { Now(wall: Lab.epoch, monotonic: 1) }
    }

    /// What the loop handed to its event loops.
    private final class Outbox: Sendable {
        private let turns = Mutex<[(lines: [String], payloadBytes: Int)]>([])

        func put(_ effects: [Effect]) {
            let lines = effects.lines.map { String($0.prefix(80)) }
            let bytes = effects.reduce(0) { $0 + $1.payloadBytes }
            turns.withLock { $0.append((lines, bytes)) }
        }

        var taken: [[String]] { turns.withLock { $0.map(\.lines) } }
        /// Of each turn.
        var payloadBytes: [Int] { turns.withLock { $0.map(\.payloadBytes) } }
    }

    private final class Count: Sendable {
        private let state = Mutex(0)

        func add() { state.withLock { $0 += 1 } }
        var value: Int { state.withLock { $0 } }
    }

    @Test("it hands over once a turn, to each event loop its own, and ends when all is durable")
    func run() throws {
        let disk = SimulatedDisk()
        let inbox = Inbox(waker: try Waker())
        let outboxes = [Outbox(), Outbox()]
        let workers = (0..<4).map { ConnectionID(loop: $0 % 2, number: UInt64($0)) }
        inbox.offer(.workerJoined(workers[0], address: "a"))
        var sleeps = 0
        disk.onWait = { _ in
            sleeps += 1
            let left = outboxes.map { $0.taken.joined().count }
            if sleeps == 1 {
                #expect(left == [0, 0], "nothing leaves while the disk works")
                for worker in workers.dropFirst() {
                    inbox.offer(.workerJoined(worker, address: "b"))
                }
                disk.complete()
            } else if !disk.complete() {
                inbox.close()
            }
        }
        try loop(disk, inbox, outboxes)
        #expect(outboxes[0].taken == [["registered"], ["registered"]])
        #expect(outboxes[1].taken == [["registered", "registered"]])
        let next = try Lab(disk: disk, life: 2)
        #expect(next.recoveredEnd > 5, "the end is in the log, too")
    }

    @Test("few large answers are enough for a turn; the calls behind wait until those have left")
    func largeAnswers() throws {
        let disk = SimulatedDisk()
        let inbox = Inbox(waker: try Waker())
        let outbox = Outbox()
        let peer = Peer(
            connection: ConnectionID(loop: 0, number: 1),
            worker: UUID128(high: 1, low: 1),
            token: UUID128(high: 1, low: 2)
        )
        let bytes = Limits.heldPayloadBytes / 16
        let value = String(repeating: "x", count: bytes)
        let set = #"{"scope":"s","key":"k","value":"\#(value)"}"#
        var commands: [Command] = [
            .workerJoined(peer.connection, address: "a"),
            .call(peer.connection, .describe("w", nil, "node", "0.25.0")),
            .call(peer, "state::set", set),
        ]
        let count = 40
        let get = Command.call(peer, "state::get", #"{"scope":"s","key":"k"}"#)
        commands += Array(repeating: get, count: count)
        _ = inbox.offer(&commands, bytes: 1)
        disk.onWait = { _ in
            if !disk.complete() { inbox.close() }
        }
        try loop(disk, inbox, [outbox])
        let answers = outbox.taken.joined().filter { $0.hasPrefix(#"state::get = "x"#) }
        #expect(answers.count == count)
        #expect(outbox.payloadBytes.allSatisfy { $0 < Limits.heldPayloadBytes + 2 * bytes })
        #expect(outbox.payloadBytes.reduce(0, +) > count * bytes)
    }

    @Test("it ends with the reason where what is staged has no segment on a full disk")
    func fullDisk() throws {
        let disk = SimulatedDisk()
        disk.isFull = true
        disk.completesAtOnce = true
        let inbox = Inbox(waker: try Waker())
        let outbox = Outbox()
        var waits: UInt64 = 0
        disk.onWait = { _ in
            waits += 1
            if waits == 50 { inbox.close() }
            // Else a loop that does not end would go on for ever.
            if waits == 200 { disk.isFull = false }
            guard waits < 50 else { return }
            inbox.offer(.workerJoined(ConnectionID(loop: 0, number: waits), address: "a"))
        }
        let options = LogOptions(segmentBytes: 64 << 10)
        #expect(!inbox.isInShortage)
        let error = #expect(throws: LogError.self) {
            try loop(disk, inbox, [outbox], options: options)
        }
        #expect(inbox.isInShortage, "the edges are told")
        #expect(error == .storage(.noSpace(path: "simulated", code: 28)))
        let told = outbox.taken.joined().count
        #expect(0 < told && told < 49, "the others wait for their records to be on disk")
    }

    @Test("it does not sleep on staged records that the device is free to take")
    func stagedBeforeSleep() throws {
        let lab = try Lab()
        var sleeps = 0
        lab.disk.onWait = { _ in sleeps += 1 }
        let canFlush = lab.engine.log.canFlush
        #expect(canFlush, "the start's own records are staged")
        try lab.engine.sleep()
        #expect(sleeps == 0)
        var effects: [Effect] = []
        try lab.engine.release(into: &effects)
        try lab.engine.sleep()
        #expect(sleeps == 1, "the device has them now")
    }

    @Test("a batch that waits for more goes to the device when its time is over, unasked")
    func heldBatch() throws {
        let lab = try Lab { $0.holdsBatches = true }
        try lab.settle()
        func isHolding() -> Bool { lab.engine.isHoldingBatch }
        var joined: UInt64 = 0
        func join(_ count: Int) throws {
            let commands = (0..<count).map { _ in
                joined += 1
                return Command.workerJoined(ConnectionID(loop: 0, number: joined), address: "a")
            }
            try lab.turn(commands)
        }
        for _ in 0..<20 {
            try join(Int(Limits.heldCrowd))
            #expect(!isHolding(), "all of them are here")
            #expect(lab.disk.complete())
            try lab.turn()
        }
        try join(1)
        #expect(isHolding())
        #expect(!lab.disk.complete(), "the device was given nothing")
        var slept: [UInt64?] = []
        lab.disk.onWait = { slept.append($0) }
        try lab.engine.sleep()
        #expect(slept == [Limits.batchHold + 1])
        lab.now = Now(wall: lab.now.wall, monotonic: lab.now.monotonic + Limits.batchHold + 1)
        try lab.turn()
        #expect(!isHolding())
        #expect(lab.disk.complete())
    }

    @Test("the inbox keeps the order, says when it is full, and calls back when it is drained")
    func inbox() throws {
        let inbox = Inbox(waker: try Waker(), limitBytes: 1 << 20, limitCommands: 5)
        func left(_ number: UInt64) -> Command {
            .workerLeft(ConnectionID(loop: 0, number: number), reason: "")
        }
        let calls = Count()
        var backlog = Backlog()
        // More rounds than batches are kept, so that emptied ones come back as new ones.
        for round in 0..<20 {
            var batch: [Command] = []
            batch += (0..<3).map(left)
            var isMade = false
            func resumption() -> @Sendable () -> Void {
                isMade = true
                return {}
            }
            let taken = inbox.offer(&batch, bytes: 1, whenDrained: resumption())
            #expect(taken == .taken && !isMade, "round \(round)")
            #expect(batch.isEmpty)
            inbox.offer(left(3))
            batch += (4..<7).map(left)
            let answer = inbox.offer(&batch, bytes: 1) { calls.add() }
            #expect(answer == .full, "round \(round)")
            #expect(calls.value == round)
            inbox.drain(into: &backlog)
            #expect(calls.value == round + 1)
            var numbers: [UInt64] = []
            while case .workerLeft(let connection, _) = backlog.next() {
                numbers.append(connection.number)
            }
            #expect(numbers == Array(0..<7), "round \(round)")
            #expect(backlog.isEmpty)
            inbox.drain(into: &backlog)
            #expect(backlog.isEmpty)
        }
    }

    @Test("it looks before it sleeps once a client goes on by itself, and else never")
    func polling() throws {
        for polling in [HaltPolling(), nil] {
            let disk = SimulatedDisk()
            let inbox = Inbox(waker: try Waker())
            var sent: UInt64 = 0
            disk.onWait = { _ in
                if disk.complete() { return }
                guard sent < 20 else { return inbox.close() }
                inbox.offer(.workerJoined(ConnectionID(loop: 0, number: sent), address: "a"))
                sent += 1
            }
            try loop(disk, inbox, [Outbox()], polling)
            #expect(disk.polls.isEmpty == (polling == nil))
            #expect(disk.polls.allSatisfy { $0 == Limits.haltPoll })
            #expect(disk.polls.count < 30, "not for the first ones")
        }
    }

    private func loop(
        _ disk: SimulatedDisk,
        _ inbox: Inbox,
        _ outboxes: [Outbox],
        _ polling: HaltPolling? = nil,
        options: LogOptions = LogOptions()
    ) throws(LogError) {
        var entropy = SeededEntropy(seed: 1)
        let log = try CommitLog(
            opening: LogClaim(SimulatedStorage(disk)),
            options: options,
            entropy: &entropy,
            now: Lab.epoch,
            replay: { _ in }
        )
        let engine = try Engine(
            log: log,
            views: Views(),
            options: EngineOptions(version: "test"),
            random: entropy,
            now: FixedClock().now()
        )
        let loop = CoreLoop(
            engine: engine,
            inbox: inbox,
            clock: FixedClock(),
            sinks: outboxes.map { outbox in { outbox.put($0) } },
            notify: { _ in },
            polling: polling,
            drained: {}
        )
        try loop.run()
    }
}
