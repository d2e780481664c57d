import Primitives
import Testing

@Suite("Entropy")
struct EntropyTests {
    /// The first words of SplitMix64, as its reference implementation gives them.
    @Test("the same seed gives the same bits for ever")
    func vectors() {
        var zero = SeededEntropy(seed: 0)
        #expect(zero.next() == 0xe220_a839_7b1d_cdaf)
        #expect(zero.next() == 0x6e78_9e6a_a1b9_65f4)
        #expect(zero.next() == 0x06c4_5d18_8009_454f)
        var other = SeededEntropy(seed: 1_234_567)
        #expect(other.next() == 6_457_827_717_110_365_317)
        #expect(other.next() == 3_203_168_211_198_807_973)
    }

    @Test("the system's bits do not repeat")
    func system() {
        var entropy = SystemEntropy()
        let words = Set((0..<2000).map { _ in entropy.next() })
        #expect(words.count == 2000)
    }

    @Test("the system's clocks run")
    func clock() {
        let first = SystemClock().now()
        let second = SystemClock().now()
        #expect(first.monotonic > 0 && second.monotonic >= first.monotonic)
        #expect(first.wall > Timestamp(seconds: 1_700_000_000))
    }
}
