import CommitLog
import Disk
import Events
import Folding
import JSON
import Primitives
import Queue
import Testing

@testable import Engine

/// What memory has no room for comes from the log.
@Suite("Cache")
struct CacheTests {
    private static let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    @Test(
        "a message is delivered with its payload, trace and baggage, kept in memory or not",
        arguments: [0, 200, Int.max],
        [false, true]
    )
    func delivery(cacheBytes: Int, isRestarted: Bool) throws {
        var lab = try Lab(cacheBytes: cacheBytes)
        let producer = try lab.join("p")
        var expected: [String] = []
        for number in 1...3 {
            let sent = try lab.settle(
                .call(
                    producer,
                    "f",
                    "{\"n\":\(number)}",
                    as: .enqueue(queue: "default"),
                    with: Propagation(traceparent: Self.traceparent, baggage: "k=\(number)")
                )
            )
            let receipt = try #require(sent.compactMap(\.receipt).first)
            expected.append("k=\(number),iii.function.id=f,iii.message.receipt=\(receipt)")
        }
        if isRestarted {
            lab.disk.crash(keepingWrite: false)
            lab = try Lab(disk: lab.disk, at: lab.now.wall, life: 2, cacheBytes: cacheBytes)
        }
        _ = try lab.join("w", serving: "f")
        let payloads = lab.left.dispatches.map { String(decoding: $0.payload, as: UTF8.self) }
        #expect(payloads == [#"{"n":1}"#, #"{"n":2}"#, #"{"n":3}"#])
        #expect(lab.left.dispatches.map(\.baggage) == expected)
        let trace = try #require(TraceParent(Self.traceparent)).trace
        #expect(lab.left.dispatches.allSatisfy { $0.traceparent.trace == trace })
    }

    @Test("one that is delivered before it is on disk comes from the batch in memory")
    func staged() throws {
        let lab = try Lab(cacheBytes: 0)
        let worker = try lab.join("w", serving: "f")
        let effects = try lab.settle(.enqueue(worker, "f", "1"), .enqueue(worker, "f", "2"))
        #expect(effects.lines == ["receipt f", "invoke f 1", "receipt f", "invoke f 2"])
    }

    @Test("what is done gives its memory back")
    func givesBack() throws {
        let budget = MemoryBudget(bytes: 1000)
        var view = QueueView(budget: budget)
        let event = Enqueued(
            queue: "default",
            target: FunctionName(id: "f"),
            receipt: UUID128(high: 1, low: 2),
            group: nil,
            baggage: nil,
            payload: [UInt8](repeating: 0x31, count: 300)
        )
        let time = Timestamp(seconds: 1)
        for offset in 1...3 {
            view.apply(.enqueued(event), at: Offset(UInt64(offset)), time: time, trace: nil)
        }
        let kept = (1...3).map { view.message(Offset(UInt64($0)), in: "default")?.content != nil }
        #expect(kept == [true, true, false])
        for offset in 1...3 {
            let discarded = Discarded(queue: "default", message: Offset(UInt64(offset)))
            view.apply(.discarded(discarded), at: Offset(9), time: time, trace: nil)
        }
        #expect(budget.used == 0)
    }

    @Test("a value's version that is another record is told to whoever asks, and ends nothing")
    func strange() throws {
        let lab = try Lab()
        try lab.settle()
        var code: String?
        do throws(ErrorBody) {
            _ = try Engine<SimulatedStorage, SeededEntropy>.stored(at: .zero, in: &lab.engine.log)
        } catch {
            code = error.code
        }
        #expect(code == "record_unreadable")
    }

    @Test("a message whose record was damaged meanwhile becomes a dead letter; the others go on")
    func damaged() throws {
        let lab = try Lab(cacheBytes: 0)
        let producer = try lab.join("p")
        let first = lab.engine.log.staged
        try lab.settle(.enqueue(producer, "f", #"{"secret":"needle-1"}"#))
        try lab.settle(.enqueue(producer, "f", #"{"n":2}"#))
        try flip(in: lab.disk, at: "needle")
        _ = try lab.join("w", serving: "f")
        #expect(lab.left.lines.suffix(1) == [#"invoke f {"n":2}"#])
        let queue = try #require(lab.engine.views.work.queue.queues["default"])
        #expect(queue.deadCount == 1)
        let message = try #require(lab.engine.views.work.queue.message(first, in: "default"))
        guard case .dead(let error, _) = message.state else {
            Issue.record("it is \(message.state)")
            return
        }
        #expect(error.code == "record_unreadable")
        #expect(error.message.hasPrefix("segment 0 is damaged: "), "\(error.message)")
    }

    @Test("messages that cannot be read for want of a descriptor wait until there is one")
    func unreadableForNow() throws {
        let lab = try Lab(cacheBytes: 0)
        let producer = try lab.join("p")
        try lab.settle(.enqueue(producer, "f", "1"))
        try lab.settle(.enqueue(producer, "f", "2"))
        lab.disk.readFailure = .system("open", path: "simulated", code: 24)
        _ = try lab.join("w", serving: "f")
        try lab.settle(.enqueue(producer, "f", "3"))
        #expect(lab.left.dispatches.isEmpty)
        #expect(lab.disk.failedReads == 1, "not one for each message")
        let notices = lab.engine.takeNotices().filter { $0.text.contains("waits until") }
        #expect(notices.count == 1)
        let rest = lab.engine.timeUntilDue() ?? .max
        #expect(rest <= UInt64(Limits.unreadableRest))
        lab.pass(seconds: 3)
        try lab.settle()
        #expect(lab.disk.failedReads == 2)
        let queue = try #require(lab.engine.views.work.queue.queues["default"])
        #expect(queue.deadCount == 0)
        #expect(queue.depth == 3)

        lab.disk.readFailure = nil
        lab.pass(seconds: 3)
        try lab.settle()
        #expect(lab.left.lines.suffix(3) == ["invoke f 1", "invoke f 2", "invoke f 3"])
    }

    /// Changes a bit of the first segment where `text` stands.
    private func flip(in disk: SimulatedDisk, at text: String) throws {
        let segment = try #require(disk.segments.keys.min())
        var bytes = try #require(disk.segments[segment])
        let needle = Array(text.utf8)
        let place = try #require(
            (0..<bytes.count - needle.count).first { start in
                bytes[start] == needle[0]
                    && bytes[start..<start + needle.count].elementsEqual(needle)
            }
        )
        bytes[place] ^= 1
        disk.segments[segment] = bytes
    }
}
