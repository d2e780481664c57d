/// Counts of durations in nanoseconds. A bucket is less than 1 % wide, so memory does not grow with
/// the number of durations and adding one costs a few instructions.
struct Histogram {
    /// Buckets of each power of two.
    private static let stepBits = 7
    private static let steps = 1 << stepBits

    private var counts = [UInt32](repeating: 0, count: (65 - stepBits) * steps)
    private(set) var count = 0

    mutating func add(_ nanoseconds: UInt64) {
        counts[Self.bucket(of: nanoseconds)] += 1
        count += 1
    }

    /// The duration that `share` (0...1) of all are at or below, in microseconds; nil without any.
    func microseconds(at share: Double) -> Double? {
        guard count > 0 else { return nil }
        let rank = max(1, Int((Double(count) * share).rounded(.up)))
        var seen = 0
        for (bucket, number) in counts.enumerated() {
            seen += Int(number)
            if seen >= rank { return Self.middle(of: bucket) / 1000 }
        }
        return nil
    }

    private static func bucket(of value: UInt64) -> Int {
        guard value >= UInt64(steps) else { return Int(value) }
        let shift = UInt64.bitWidth - 1 - value.leadingZeroBitCount - stepBits
        return (shift + 1) * steps + Int(value >> UInt64(shift)) - steps
    }

    private static func middle(of bucket: Int) -> Double {
        guard bucket >= steps else { return Double(bucket) }
        let shift = bucket / steps - 1
        let low = Double(bucket % steps + steps) * Double(UInt64(1) << UInt64(shift))
        return low + Double(UInt64(1) << UInt64(shift)) / 2
    }
}
