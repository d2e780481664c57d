/// Hashes that were added, in memory of a fixed size: what was added is always found, and at times,
/// the more there are, what was not (Bloom, *Space/Time Trade-offs in Hash Coding with Allowable
/// Errors*, CACM 1970).
struct KeyFilter {
    private let bits: Int
    /// Empty until the first hash is added: most filters never get one.
    private var words: [UInt64] = []

    private static let probes: UInt64 = 4

    /// A filter of so many `bits`, a power of two and at least 64.
    init(bits: Int) {
        precondition(bits >= 64 && bits.nonzeroBitCount == 1)
        self.bits = bits
    }

    mutating func insert(_ hash: UInt64) {
        if words.isEmpty { words = Array(repeating: 0, count: bits / 64) }
        let mixed = Self.mixed(hash)
        for probe in 0..<Self.probes {
            let place = place(of: mixed, probe)
            words[place / 64] |= 1 << UInt64(place % 64)
        }
    }

    func contains(_ hash: UInt64) -> Bool {
        guard !words.isEmpty else { return false }
        let mixed = Self.mixed(hash)
        return (0..<Self.probes).allSatisfy { probe in
            let place = place(of: mixed, probe)
            return words[place / 64] & (1 << UInt64(place % 64)) != 0
        }
    }

    /// Both halves of the hash give all probes.
    private func place(of mixed: UInt64, _ probe: UInt64) -> Int {
        Int((mixed &+ probe &* (mixed >> 32 | 1)) & UInt64(bits - 1))
    }

    /// The low bits of FNV tell short texts badly apart.
    private static func mixed(_ hash: UInt64) -> UInt64 {
        var hash = hash
        hash ^= hash >> 33
        hash &*= 0xff51_afd7_ed55_8ccd
        hash ^= hash >> 33
        return hash
    }
}
