package import Primitives

extension Name {
    /// A cheap hash beside the one of `Hashable`, for what is no worse off where somebody picks
    /// names for which it is the same.
    fileprivate var spread: UInt {
        text.withBytes { bytes in
            let raw = UnsafeRawBufferPointer(bytes)
            var hash = spreadSeed &+ UInt64(raw.count)
            var next = 0
            while next + 8 <= raw.count {
                hash = mix(hash ^ raw.loadUnaligned(fromByteOffset: next, as: UInt64.self))
                next += 8
            }
            while next < raw.count {
                hash = mix(hash ^ UInt64(raw[next]))
                next += 1
            }
            return UInt(truncatingIfNeeded: hash)
        }
    }
}

private let spreadSeed = UInt64.random(in: .min ... .max)

/// The halves of a product with an odd number, folded: each bit moves about half of all bits.
private func mix(_ value: UInt64) -> UInt64 {
    let (high, low) = value.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
    return high ^ low
}

/// A hash table that grows a bucket at a time, so that no single insertion pays for moving millions
/// of elements, as one into a `Dictionary` may: linear hashing (Litwin, *Linear Hashing: A New Tool
/// for File and Table Addressing*, VLDB 1980), each bucket a small dictionary.
///
/// Nothing depends on the order of its elements: hashes differ from process to process.
///
/// Invariants:
/// * A name is in bucket `bucket(of:)`, and nowhere else.
/// * `count` is the sum of the buckets' counts.
/// * `1 << level <= buckets.count < 2 << level`: buckets below `buckets.count - (1 << level)` have
///   been split in this round.
package struct NameTable<Value: Sendable>: Sendable {
    private var buckets: [[Name: Value]] = [[:]]
    private var level = 0
    package private(set) var count = 0

    package init() {}

    /// The mean number of names in a bucket beyond which one is split.
    private static var load: Int { 128 }

    package var isEmpty: Bool { count == 0 }

    package subscript(_ name: Name) -> Value? { buckets[bucket(of: name)][name] }

    /// Reads from the value of `name` in place, without a copy of it; nil: it is not there.
    package func read<Outcome>(_ name: Name, _ body: (borrowing Value) -> Outcome) -> Outcome? {
        let bucket = bucket(of: name)
        guard let index = buckets[bucket].index(forKey: name) else { return nil }
        return body(buckets[bucket].values[index])
    }

    /// Lets `body` change the value of `name` in place, put one there, or remove it (nil).
    package mutating func change<Outcome>(
        _ name: Name,
        _ body: (inout Value?) -> Outcome
    ) -> Outcome {
        let bucket = bucket(of: name)
        let before = buckets[bucket].count
        let outcome = body(&buckets[bucket][name])
        count += buckets[bucket].count - before
        if count > Self.load * buckets.count { split() }
        return outcome
    }

    /// Calls `body` with each element, in no meaningful order.
    package func forEach(_ body: (Name, Value) -> Void) {
        for bucket in buckets {
            for (name, value) in bucket { body(name, value) }
        }
    }

    /// All names, in no meaningful order.
    package var names: [Name] {
        var names: [Name] = []
        names.reserveCapacity(count)
        forEach { name, _ in names.append(name) }
        return names
    }

    /// All names, in the order of their bytes.
    package var sortedNames: [Name] { names.sorted() }

    private func bucket(of name: Name) -> Int {
        guard buckets.count > 1 else { return 0 }
        let wide = Int(name.spread & (UInt(2) << UInt(level) - 1))
        return wide < buckets.count ? wide : wide - 1 << level
    }

    /// Moves the half of the round's next bucket whose names belong there to a new last bucket.
    private mutating func split() {
        let old = buckets.count - 1 << level
        let elements = buckets[old]
        // With room for what comes into it: to grow is to hash all of it again.
        buckets[old] = Dictionary(minimumCapacity: elements.count / 2)
        buckets.append(Dictionary(minimumCapacity: elements.count / 2))
        if buckets.count == 2 << level { level += 1 }
        for (name, value) in elements { buckets[bucket(of: name)][name] = value }
    }

    /// For tests: traps where an invariant does not hold.
    func checkInvariants() {
        precondition(1 << level <= buckets.count)
        precondition(buckets.count < 2 << level)
        precondition(count == buckets.reduce(0) { $0 + $1.count })
        for (index, bucket) in buckets.enumerated() {
            for name in bucket.keys { precondition(self.bucket(of: name) == index) }
        }
    }
}
