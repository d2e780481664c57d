import Glibc

/// Where random bits come from: the operating system in production, a seed in a simulation.
package protocol Entropy: Sendable {
    /// 64 random bits.
    mutating func next() -> UInt64
}

/// The operating system's generator, asked for a page at a time: a system call for each identifier
/// would cost more than the rest of an enqueue.
package struct SystemEntropy: Entropy {
    private var words: [UInt64] = []

    package init() {}

    package mutating func next() -> UInt64 {
        if let word = words.popLast() { return word }
        words = [UInt64](repeating: 0, count: 512)
        words.withUnsafeMutableBytes { page in
            if let start = page.baseAddress { arc4random_buf(start, page.count) }
        }
        return words.removeLast()
    }
}

/// SplitMix64 (Steele, Lea, Flood: *Fast Splittable Pseudorandom Number Generators*, OOPSLA 2014):
/// the same seed, the same bits. For tests and simulations.
package struct SeededEntropy: Entropy, RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
