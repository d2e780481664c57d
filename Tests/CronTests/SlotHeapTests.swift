import Primitives
import Testing

@testable import Cron

@Suite("The heap of slots")
struct SlotHeapTests {
    @Test("agrees with a sorted list under random moves", arguments: UInt64(1)...16)
    func model(seed: UInt64) {
        var entropy = SeededEntropy(seed: seed)
        var heap = SlotHeap()
        var model: [UInt64: Timestamp] = [:]
        for step in 0..<600 {
            let ordinal = UInt64.random(in: 0..<50, using: &entropy)
            let isRemoved = Int.random(in: 0..<3, using: &entropy) == 0
            let time = Timestamp(seconds: .random(in: 0..<40, using: &entropy))
            heap.move(ordinal, to: isRemoved ? nil : time)
            model[ordinal] = isRemoved ? nil : time
            heap.checkInvariants()

            let sorted = model.map { SlotHeap.Slot(time: $0.value, ordinal: $0.key) }.sorted()
            let now = Timestamp(seconds: .random(in: 0..<40, using: &entropy))
            #expect(heap.first == sorted.first, "seed \(seed), step \(step)")
            #expect(heap.count == sorted.count, "seed \(seed), step \(step)")
            #expect(
                heap.due(by: now) == sorted.filter { $0.time <= now },
                "seed \(seed), step \(step)"
            )
            #expect(heap[ordinal] == model[ordinal], "seed \(seed), step \(step)")
        }
    }
}
