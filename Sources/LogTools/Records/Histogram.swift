/// How many values lie between bounds that are fixed.
struct Histogram: Equatable, Sendable {
    /// Ascending.
    private let bounds: [Int64]
    /// Below the first bound, from each one up to the next, and from the last one on.
    private var counts: [Int]
    private(set) var count = 0
    private(set) var least = Int64.max
    private(set) var most = Int64.min

    struct Bucket: Equatable, Sendable {
        let from: Int64
        /// Nil: it has no end.
        let below: Int64?
        let count: Int
    }

    init(_ bounds: [Int64]) {
        self.bounds = bounds
        counts = [Int](repeating: 0, count: bounds.count + 1)
    }

    mutating func add(_ value: Int64) {
        counts[bounds.firstIndex { value < $0 } ?? bounds.count] += 1
        count += 1
        least = min(least, value)
        most = max(most, value)
    }

    /// From the first that has something up to the last.
    var buckets: [Bucket] {
        guard let first = counts.firstIndex(where: { $0 > 0 }),
            let last = counts.lastIndex(where: { $0 > 0 })
        else { return [] }
        return (first...last).map { place in
            Bucket(
                from: place == 0 ? 0 : bounds[place - 1],
                below: place < bounds.count ? bounds[place] : nil,
                count: counts[place]
            )
        }
    }
}
