import Events
import Observability
import Primitives
import Queue
import Testing

@testable import Engine

@Suite("Pictures of the engine")
struct PictureTests {
    private func look(_ lab: Lab, known: UInt64? = nil) throws -> EnginePicture {
        let request = PictureRequest(loop: 0, id: 7, known: known)
        for case .picture(let answered, let picture) in try lab.settle(.requestPicture(request)) {
            #expect(answered.id == 7)
            return picture
        }
        throw Missing()
    }

    private struct Missing: Error {}

    @Test("a queue's messages are counted by what they wait for")
    func queues() throws {
        let lab = try Lab { options in
            options.queues["q"] = QueueSettings(
                fifo: false,
                concurrency: 1,
                attempts: 2,
                backoff: .milliseconds(1000),
                groupField: nil
            )
        }
        let worker = try lab.join("w", serving: "f")
        let enqueued = lab.now.wall
        try lab.settle(.call(worker, "f", "1", as: .enqueue(queue: "q")))
        try lab.settle(.call(worker, "gone", "2", as: .enqueue(queue: "q")))
        var row = try #require(try look(lab).queues.first { $0.name == "q" })
        #expect(row.counts.states == [2, 1, 0, 0])

        // The first fails, and waits; the other has nobody to go to.
        func fail() throws {
            let id = try #require(lab.left.dispatches.last).invocation
            try lab.settle(.fail(worker, id))
        }
        try fail()
        row = try #require(try look(lab).queues.first { $0.name == "q" })
        #expect(row.counts.states == [2, 0, 1, 0])
        #expect(row.unserved.map(\.function.id) == ["gone"])
        #expect(row.unserved.map(\.count) == [1])
        #expect(row.oldest == enqueued)

        lab.pass(seconds: 1.1)
        try lab.settle()
        row = try #require(try look(lab).queues.first { $0.name == "q" })
        #expect(row.counts.states == [2, 1, 0, 0])
        try fail()
        row = try #require(try look(lab).queues.first { $0.name == "q" })
        #expect(row.counts.states == [1, 0, 0, 1])
        let tally = row.counts.tally
        #expect((tally.delivered, tally.retried, tally.dead) == (2, 1, 1))
    }

    @Test("nothing is shown that is not on disk")
    func durable() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        let early = try lab.turn(
            .call(worker, "f", "1", as: .enqueue(queue: "default")),
            .requestPicture(PictureRequest(loop: 0, id: 1, known: nil))
        )
        #expect(early.isEmpty)
        let later = try lab.settle()
        #expect(later.contains { if case .picture = $0 { true } else { false } })
    }

    @Test("records are counted as they are written, and runs by who has them run")
    func counts() throws {
        let lab = try Lab { $0.queues["q"] = .standard }
        let worker = try lab.join("w", serving: "f")
        try lab.settle(.call(worker, "f", "1", as: .enqueue(queue: "q")))
        let delivery = try #require(lab.left.dispatches.last)
        lab.pass(seconds: 1)
        try lab.settle(.answer(worker, delivery.invocation))
        try lab.settle(.call(worker, "f", "2"))
        let run = try #require(lab.left.dispatches.last)
        try lab.settle(.fail(worker, run.invocation))
        let picture = try look(lab)
        let counts = picture.counts
        #expect((counts.enqueued, counts.delivered, counts.acked, counts.calls) == (1, 1, 1, 1))
        let row = try #require(picture.runs.rows.first)
        #expect(picture.runs.rows.count == 1)
        #expect(row.function == FunctionName(id: "f"))
        #expect((row.runs.calls, row.runs.errors) == (2, 1))
        #expect(row.runs.took >= 1_000_000_000)
        #expect(picture.runs.others == FunctionRuns())
    }

    @Test("functions and triggers are left out where they are known")
    func known() throws {
        let lab = try Lab()
        _ = try lab.join("w", serving: "f")
        let first = try look(lab)
        #expect(first.functions?.map(\.name.id) == ["f"])
        #expect(first.workers.map(\.name) == ["w"])
        #expect(try look(lab, known: first.version).functions == nil)
        _ = try lab.join("v", serving: "g")
        let second = try look(lab, known: first.version)
        #expect(second.functions?.map(\.name.id) == ["f", "g"])
        #expect(second.version != first.version)
    }

    @Test("of more queues than have a row those with dead letters have one, and all are counted")
    func manyQueues() throws {
        let lab = try Lab { options in
            for number in 0...Limits.pictureRows { options.queues["a\(number)"] = .standard }
            options.queues["zdead"] = .once(attempts: 1)
            options.queues["zdeep"] = .standard
        }
        let worker = try lab.join("w", serving: "f")
        try lab.settle(.call(worker, "gone", "1", as: .enqueue(queue: "zdeep")))
        try lab.settle(.call(worker, "f", "2", as: .enqueue(queue: "zdead")))
        let id = try #require(lab.left.dispatches.last).invocation
        try lab.settle(.fail(worker, id))

        let picture = try look(lab)
        #expect(picture.queues.count == Limits.pictureRows)
        #expect(picture.queues.suffix(2).map(\.name) == ["zdead", "zdeep"])
        #expect(picture.queues.map(\.name) == picture.queues.map(\.name).sorted())
        #expect(picture.allQueues.queues >= Limits.pictureRows + 3)
        #expect((picture.allQueues.depth, picture.allQueues.dead) == (1, 1))
        #expect((picture.allQueues.tally.delivered, picture.allQueues.tally.dead) == (1, 1))
    }

    @Test("streams are counted by who has joined their groups")
    func streams() throws {
        let lab = try Lab()
        func counts(after commands: Command...) throws -> [Int] {
            for command in commands { try lab.settle(command) }
            let picture = try look(lab)
            #expect(picture.streams.count == picture.work.streams)
            #expect(picture.streams.reduce(0) { $0 + $1.subscribers } == picture.work.subscribers)
            return [picture.work.streams, picture.work.subscribers]
        }
        #expect(try counts(after: .join(1), .join(1, item: "i"), .join(2, group: "h")) == [1, 2])
        #expect(try counts(after: .join(1, stream: "other"), .join(2, "t")) == [2, 3])
        #expect(try counts(after: .leave(2, "t"), .leave(2, "never")) == [2, 2])
        #expect(try counts(after: .gone(1), .gone(2)) == [0, 0])
    }

    @Test("of more workers than have a row the first by name have one, and all are counted")
    func manyWorkers() throws {
        let lab = try Lab()
        _ = try lab.join("z")
        for number in 0..<Limits.pictureRows { _ = try lab.join("a\(number)") }
        let picture = try look(lab)
        #expect(picture.workers.count == Limits.pictureRows)
        #expect(picture.workerCount == Limits.pictureRows + 1)
        #expect(picture.workers.allSatisfy { $0.name != "z" })
    }

    @Test("of more triggers than have a row those whose function nobody serves have one")
    func manyTriggers() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        func trigger(_ id: String, _ function: String) -> Command {
            .trigger(worker, "subscribe", #"{"topic":"t"}"#, to: function, id: id)
        }
        for number in 0..<Limits.pictureRows { try lab.settle(trigger("a\(number)", "f")) }
        try lab.settle(trigger("z", "gone"))
        let picture = try look(lab)
        let triggers = try #require(picture.triggers)
        #expect(triggers.count == Limits.pictureRows)
        #expect(picture.work.triggers == Limits.pictureRows + 1)
        #expect(triggers.filter { !$0.isServed }.map(\.id) == ["z"])
    }
}

extension EnginePicture.QueueCounts {
    fileprivate var states: [Int] { [depth, inFlight, delayed, dead] }
}
