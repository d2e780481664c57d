/// How long a point is measured, and how much it may do at most.
struct Plan {
    /// Seconds that count.
    var seconds = 2.0
    /// Seconds before them that do not.
    var warmUp = 0.3
    /// Completions after which a point ends early, so that memory and disk stay bounded.
    var operations = 2_000_000

    /// The same time in rounds, between which others take their turns: what changes with time then
    /// changes for all.
    func inRounds(_ count: Int) -> Plan {
        var round = self
        round.seconds /= Double(count)
        round.warmUp /= Double(count)
        return round
    }
}

/// One measured point: completions count from the end of the warm-up to the end of the time, or
/// until there were enough.
struct Meter {
    private let begin: UInt64
    private let end: UInt64
    private let limit: Int
    private var last: UInt64
    /// All that were completed, warm-up included.
    private(set) var total = 0
    private(set) var latencies = Histogram()

    init(_ plan: Plan, now: UInt64 = Monotonic.now()) {
        begin = now + UInt64(plan.warmUp * 1e9)
        end = begin + UInt64(plan.seconds * 1e9)
        limit = plan.operations
        last = begin
    }

    /// Counts one that was asked for at `start` and is done at `now`.
    mutating func complete(start: UInt64, now: UInt64) {
        total += 1
        guard now >= begin, now < end, total <= limit else { return }
        latencies.add(now - start)
        last = now
    }

    func isOver(at now: UInt64) -> Bool { now >= end || total >= limit }

    var perSecond: Double? {
        last > begin ? Double(latencies.count) / (Double(last - begin) / 1e9) : nil
    }
}
