import Events
import Primitives
import Testing

@testable import Queue

/// Lists and searches, where the view has heaps and counts.
private struct Model {
    struct Entry {
        let offset: Offset
        let group: String?
        var failures: UInt32 = 0
        var state = State.waiting
        /// Its place in line: that of its record, or behind all others after a redrive.
        var place: Int

        /// Whether a purge drops it.
        var isQueued: Bool {
            switch state {
            case .waiting, .delayed: true
            case .running, .dead: false
            }
        }
    }

    enum State: Equatable {
        case waiting
        case delayed(Timestamp)
        case running
        case dead
    }

    var entries: [Entry] = []
    private var places = 0

    mutating func add(_ offset: Offset, group: String?) {
        places += 1
        entries.append(Entry(offset: offset, group: group, place: places))
    }

    mutating func change(_ offset: Offset, _ body: (inout Entry) -> Void) {
        guard let index = entries.firstIndex(where: { $0.offset == offset }) else { return }
        body(&entries[index])
    }

    mutating func redrive(_ offset: Offset) {
        places += 1
        let place = places
        change(offset) { entry in
            entry.failures = 0
            entry.state = .waiting
            entry.place = place
        }
    }

    mutating func remove(_ offset: Offset) { entries.removeAll { $0.offset == offset } }

    /// The messages that may be delivered: of a group, only the first in line.
    func deliverable(now: Timestamp) -> Set<Offset> {
        var blocked: Set<String> = []
        var result: Set<Offset> = []
        for entry in entries.sorted(by: { $0.place < $1.place }) where entry.state != .dead {
            if let group = entry.group, !blocked.insert(group).inserted { continue }
            switch entry.state {
            case .waiting: result.insert(entry.offset)
            case .delayed(let until) where until <= now: result.insert(entry.offset)
            default: break
            }
        }
        return result
    }
}

@Suite("The queue view against a naive model")
struct PropertyTests {
    @Test("what is delivered, counted and folded agrees", arguments: UInt64(0)..<60)
    func model(seed: UInt64) throws {
        var entropy = SeededEntropy(seed: seed)
        let isFifo = seed % 2 == 0
        let limit = Int(1 + entropy.next() % 4)
        var bench = Bench()
        bench.define(fifo: isFifo, concurrency: UInt32(limit), attempts: 2, backoff: 50)
        var model = Model()
        for step in 0..<150 {
            let context: Comment = "seed \(seed), step \(step)"
            let running = model.entries.filter { $0.state == .running }
            let dead = model.entries.filter { $0.state == .dead }
            switch entropy.next() % 9 {
            case 0, 1, 2:
                let group = entropy.next() % 3
                let offset = try bench.enqueue(#"{"g":\#(group)}"#)
                model.add(offset, group: isFifo ? "\(group)" : nil)
            case 3, 4:
                guard let entry = running.randomElement(using: &entropy) else { continue }
                bench.ack(entry.offset)
                model.remove(entry.offset)
            case 5:
                guard let entry = running.randomElement(using: &entropy) else { continue }
                let isLast = entry.failures == 1
                bench.fail(entry.offset)
                let due = bench.now.advanced(by: .milliseconds(50))
                model.change(entry.offset) { entry in
                    entry.failures += 1
                    entry.state = isLast ? .dead : .delayed(due)
                }
            case 6:
                guard let entry = dead.randomElement(using: &entropy) else { continue }
                bench.apply(.redriven(Redriven(queue: "q", message: entry.offset)))
                model.redrive(entry.offset)
            case 7 where entropy.next() % 4 == 0:
                let count = model.entries.count { $0.isQueued }
                let answer = try bench.call(.purge, #"{"queue":"q"}"#)
                #expect(answer == #"{"queue":"q","purged":\#(count)}"#, context)
                model.entries.removeAll { $0.isQueued }
            default: bench.pass(milliseconds: Int64(entropy.next() % 40))
            }
            try deliver(&bench, &model, limit, context)
            #expect(bench.view.queues["q"]?.deadCount == model.entries.count { $0.state == .dead })
        }
        #expect(bench.replayed().digest() == bench.view.digest(), "seed \(seed)")
        try drain(&bench, &model, limit, "seed \(seed)")
    }

    /// All that may be delivered is, up to the limit, and nothing else.
    private func deliver(
        _ bench: inout Bench,
        _ model: inout Model,
        _ limit: Int,
        _ context: Comment
    ) throws {
        let ready = model.deliverable(now: bench.now)
        let running = model.entries.count { $0.state == .running }
        let delivered = bench.deliver()
        #expect(ready.isSuperset(of: delivered), context)
        #expect(Set(delivered).count == delivered.count, context)
        #expect(delivered.count == min(ready.count, limit - running), context)
        for offset in delivered { model.change(offset) { $0.state = .running } }
    }

    /// Whatever happened, everything left is delivered in the end, after a restart too.
    private func drain(
        _ bench: inout Bench,
        _ model: inout Model,
        _ limit: Int,
        _ context: Comment
    ) throws {
        var next = bench.replayed()
        next.applyRestart()
        bench.view = next
        for index in model.entries.indices where model.entries[index].state == .running {
            model.entries[index].state = .waiting
        }
        for _ in 0..<1000 {
            bench.pass(milliseconds: 100)
            try deliver(&bench, &model, limit, context)
            let running = model.entries.filter { $0.state == .running }
            if running.isEmpty { break }
            for entry in running {
                bench.ack(entry.offset)
                model.remove(entry.offset)
            }
        }
        #expect(model.entries.allSatisfy { $0.state == .dead }, context)
        #expect(bench.view.queues["q"]?.depth == 0, context)
    }
}
