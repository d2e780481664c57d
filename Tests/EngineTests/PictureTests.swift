import Events
import Primitives
import Queue
import Testing

@testable import Engine

@Suite("Pictures of the engine")
struct PictureTests {
    private func look(_ lab: Lab, known: UInt64? = nil) throws -> EnginePicture {
        let request = PictureRequest(loop: 0, id: 7, known: known)
        for case .picture(let answered, let picture) in try lab.settle(.look(request)) {
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
        #expect((row.depth, row.inFlight, row.delayed, row.dead) == (2, 1, 0, 0))

        // The first fails, and waits; the other has nobody to go to.
        func fail() throws {
            let id = try #require(lab.left.dispatches.last).invocation
            try lab.settle(.fail(worker, id))
        }
        try fail()
        row = try #require(try look(lab).queues.first { $0.name == "q" })
        #expect((row.depth, row.inFlight, row.delayed, row.dead) == (2, 0, 1, 0))
        #expect(row.unserved.map(\.function.id) == ["gone"])
        #expect(row.unserved.map(\.count) == [1])
        #expect(row.oldest == enqueued)

        lab.pass(seconds: 1.1)
        try lab.settle()
        row = try #require(try look(lab).queues.first { $0.name == "q" })
        #expect((row.inFlight, row.delayed) == (1, 0))
        try fail()
        row = try #require(try look(lab).queues.first { $0.name == "q" })
        #expect((row.depth, row.inFlight, row.delayed, row.dead) == (1, 0, 0, 1))
        #expect((row.tally.delivered, row.tally.failed, row.tally.dead) == (2, 1, 1))
    }

    @Test("nothing is shown that is not on disk")
    func durable() throws {
        let lab = try Lab()
        let worker = try lab.join("w", serving: "f")
        let early = try lab.turn(
            .call(worker, "f", "1", as: .enqueue(queue: "default")),
            .look(PictureRequest(loop: 0, id: 1, known: nil))
        )
        #expect(early.isEmpty)
        let later = try lab.settle()
        #expect(later.contains { if case .picture = $0 { true } else { false } })
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
}
