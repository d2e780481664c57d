import Primitives
import Testing

@Suite("Sets of offsets")
struct OffsetSetTests {
    @Test("hold what was put in, and nothing else", arguments: UInt64(1)...8)
    func members(seed: UInt64) {
        var entropy = SeededEntropy(seed: seed)
        // From all in one chunk, which becomes a bitmap, to nearly each in its own.
        let span = UInt64(1) << (14 + 3 * seed)
        var set = OffsetSet()
        var expected: Set<UInt64> = []
        for step in 0..<12_000 {
            let isNext = entropy.next() % 2 == 0
            let offset = isNext ? UInt64(step) : entropy.next() % span
            set.insert(Offset(offset))
            expected.insert(offset)
        }
        #expect(set.count == expected.count)
        for offset in expected { #expect(set.contains(Offset(offset)), "\(offset)") }
        for _ in 0..<5000 {
            let offset = entropy.next() % span
            #expect(set.contains(Offset(offset)) == expected.contains(offset), "\(offset)")
        }
    }
}
