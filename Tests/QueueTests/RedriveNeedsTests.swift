import Events
import Primitives
import RecordFormat
import Testing

@testable import Queue

/// What retention keeps of a dead letter that is redriven again and again.
@Suite struct RedriveNeedsTests {
    /// The view as a start from a snapshot has it.
    private func restored(_ view: QueueView) throws -> QueueView {
        var bytes: [UInt8] = []
        var writer = SnapshotWriter { block in
            bytes.append(contentsOf: block)
            return true
        }
        view.encode(into: &writer)
        _ = writer.finish()
        return try bytes.withUnsafeBytes { memory in
            var reader = ByteReader(memory)
            return try QueueView(from: &reader, budget: MemoryBudget(bytes: .max))
        }
    }

    private func redrive(_ bench: inout Bench) throws {
        #expect(try bench.call(.redrive, #"{"queue":"q"}"#).hasSuffix(#""redriven":1}"#))
    }

    @Test("attempts before the last redrive, but for those that it rests on, are history")
    func history() throws {
        var bench = Bench()
        bench.define(attempts: 2)
        let message = try bench.enqueue()
        for round in 0..<6 {
            for attempt in 0..<2 {
                #expect(bench.deliver() == [message])
                _ = bench.needed()
                bench.fail(message)
                if attempt == 0 { bench.pass(milliseconds: 60_000) }
            }
            #expect(bench.view.message(message, in: "q")?.isDead == true)
            // The definition, the message; its last retry before the redrive, its next delivery
            // and its death; the redrive and two attempts.
            let count = bench.needed().count
            #expect(round == 0 ? count == 6 : count == 10, "\(count) in round \(round)")
            try redrive(&bench)
            _ = bench.needed()
        }
        bench.ack(message)
        #expect(bench.needed() == [0])
    }

    @Test("behind a snapshot all counts until the next redrive")
    func snapshot() throws {
        var bench = Bench()
        bench.define(attempts: 1)
        let message = try bench.enqueue()
        for _ in 0..<3 {
            _ = bench.deliver()
            bench.fail(message)
            try redrive(&bench)
        }
        bench.view = try restored(bench.view)
        #expect(bench.needed().count == bench.events.count)
        _ = bench.deliver()
        bench.fail(message)
        try redrive(&bench)
        // The definition, the message, the redrive before, a delivery, a death and the last one.
        #expect(bench.needed().count == 6)
    }
}
