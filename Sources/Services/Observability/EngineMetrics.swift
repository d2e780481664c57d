package import JSON
package import Primitives

/// What the engine counts about its own work. Counting allocates nothing once a function is known.
package struct EngineMetrics {
    /// The functions that are counted one by one.
    private static let functionLimit = 4096

    private final class Tally {
        let function: FunctionName
        var runs = FunctionRuns()

        init(_ function: FunctionName) { self.function = function }
    }

    private var succeeded = 0
    private var failed = 0
    private var deferred = 0
    /// Workers that have connected, and that have gone.
    package private(set) var spawned = 0
    package private(set) var died = 0
    private var tallies: [FunctionName: Tally] = [:]
    /// In the order in which they ran first.
    private var order: [Tally] = []
    /// Of all functions beyond ``functionLimit``.
    private var others = FunctionRuns()
    /// Of the function that ran last: most often it is the next one, too.
    private var last: Tally?
    private var durations = DurationHistogram()

    package init() {}

    /// A worker's run of a function is over, after that many nanoseconds.
    package mutating func ran(_ function: FunctionName, failed: Bool, took: UInt64) {
        if failed { self.failed += 1 } else { succeeded += 1 }
        durations.add(took)
        if let last, last.function == function {
            last.runs.add(failed: failed, took: took)
            return
        }
        guard let tally = tally(of: function) else {
            return others.add(failed: failed, took: took)
        }
        tally.runs.add(failed: failed, took: took)
        last = tally
    }

    private mutating func tally(of function: FunctionName) -> Tally? {
        if let known = tallies[function] { return known }
        guard tallies.count < Self.functionLimit else { return nil }
        let tally = Tally(function)
        tallies[function] = tally
        order.append(tally)
        return tally
    }

    /// A function was called that nobody serves.
    package mutating func missed() { failed += 1 }

    /// A function is to run later: a message was taken for it.
    package mutating func postponed() { deferred += 1 }

    package mutating func workerJoined() { spawned += 1 }

    package mutating func workerLeft() { died += 1 }

    /// The runs of the first `limit` functions that ran, and of all others together.
    package func runs(limit: Int) -> RunTable {
        var table = RunTable(
            rows: order.prefix(limit).map { RunTable.Row(function: $0.function, runs: $0.runs) },
            others: others
        )
        for tally in order.dropFirst(limit) { table.others.add(tally.runs) }
        return table
    }

    /// As rules of alerts name them.
    package var figures: [String: Double] {
        [
            "iii.invocations.total": Double(succeeded + failed + deferred),
            "iii.invocations.success": Double(succeeded),
            "iii.invocations.error": Double(failed),
            "iii.invocations.deferred": Double(deferred),
            "iii.workers.spawns": Double(spawned), "iii.workers.deaths": Double(died),
        ]
    }

    /// As `engine::metrics::list` shows it.
    package func json(activeWorkers: Int) -> JSONValue {
        var counts: [String: Int] = [:]
        for tally in order { counts[tally.function.id, default: 0] += Int(tally.runs.calls) }
        var functions = JSONObject()
        for (id, count) in counts.sorted(by: { $0.key < $1.key }) {
            functions[id] = .integer(Int64(count))
        }
        return .object([
            "invocations": .object([
                "total": .integer(Int64(succeeded + failed + deferred)),
                "success": .integer(Int64(succeeded)), "error": .integer(Int64(failed)),
                "deferred": .integer(Int64(deferred)), "by_function": .object(functions),
            ]),
            "workers": .object([
                "spawns": .integer(Int64(spawned)), "deaths": .integer(Int64(died)),
                "active": .integer(Int64(activeWorkers)),
            ]),
            "performance": .object([
                "avg_duration_ms": .double(durations.mean),
                "p50_duration_ms": .double(durations.percentile(50)),
                "p95_duration_ms": .double(durations.percentile(95)),
                "p99_duration_ms": .double(durations.percentile(99)),
                "min_duration_ms": .double(durations.least),
                "max_duration_ms": .double(durations.most),
            ]),
        ])
    }
}

/// Runs of a function by workers, since the start.
package struct FunctionRuns: Equatable, Sendable {
    package internal(set) var calls: UInt64 = 0
    /// Those of them that failed.
    package internal(set) var errors: UInt64 = 0
    /// In nanoseconds, of all of them together.
    package internal(set) var took: UInt64 = 0

    package init() {}

    mutating func add(failed: Bool, took nanoseconds: UInt64) {
        calls += 1
        if failed { errors += 1 }
        took &+= nanoseconds
    }

    /// Takes in the runs of another function.
    package mutating func add(_ other: FunctionRuns) {
        calls += other.calls
        errors += other.errors
        took &+= other.took
    }
}

/// Functions that ran, and how often.
package struct RunTable: Equatable, Sendable {
    package struct Row: Equatable, Sendable {
        package let function: FunctionName
        package let runs: FunctionRuns

        package init(function: FunctionName, runs: FunctionRuns) {
            self.function = function
            self.runs = runs
        }
    }

    /// In the order in which they ran first.
    package let rows: [Row]
    /// Of all functions without a row.
    package internal(set) var others: FunctionRuns

    package init(rows: [Row], others: FunctionRuns) {
        self.rows = rows
        self.others = others
    }
}

/// How often what took how long. Sixteen steps for each doubling: what it tells is right to about
/// 3 %. (As HdrHistogram does, with fewer digits.)
package struct DurationHistogram: Sendable {
    private static let steps = 16
    private static let stepBits = 4

    private var counts = [UInt64](repeating: 0, count: 64 * steps)
    package private(set) var total: UInt64 = 0
    /// In the unit of what was added, as all that has no other.
    package private(set) var sum = 0.0
    private var smallest: UInt64 = .max
    private var largest: UInt64 = 0

    package init() {}

    package mutating func add(_ nanoseconds: UInt64) {
        counts[Self.place(of: nanoseconds)] += 1
        total += 1
        sum += Double(nanoseconds)
        smallest = min(smallest, nanoseconds)
        largest = max(largest, nanoseconds)
    }

    /// What was added since it was `earlier`.
    package func since(_ earlier: DurationHistogram) -> DurationHistogram {
        var rest = DurationHistogram()
        for place in counts.indices { rest.counts[place] = counts[place] &- earlier.counts[place] }
        rest.total = total &- earlier.total
        rest.sum = sum - earlier.sum
        rest.smallest = 0
        rest.largest = largest
        return rest
    }

    /// How many were at most as large as each of `bounds`, which ascend: right to one step.
    package func cumulative(_ bounds: [UInt64]) -> [UInt64] {
        var result: [UInt64] = []
        var place = 0
        var sum: UInt64 = 0
        for bound in bounds {
            let end = Self.place(of: bound)
            while place <= end {
                sum += counts[place]
                place += 1
            }
            result.append(sum)
        }
        return result
    }

    /// The largest that was added.
    package var maximum: UInt64 { largest }

    /// In milliseconds, like all that follows; 0 while nothing was added.
    var mean: Double { total == 0 ? 0 : sum / Double(total) / 1_000_000 }
    var least: Double { total == 0 ? 0 : Double(smallest) / 1_000_000 }
    var most: Double { Double(largest) / 1_000_000 }

    package func percentile(_ percent: UInt64) -> Double {
        guard total > 0 else { return 0 }
        var rest = (total * percent + 99) / 100
        for (place, count) in counts.enumerated() {
            if count >= rest {
                let middle = Self.middle(of: place)
                return Double(min(max(middle, smallest), largest)) / 1_000_000
            }
            rest -= count
        }
        return most
    }

    /// Below 16 each number has a place of its own; from there, each sixteenth of a doubling.
    static func place(of value: UInt64) -> Int {
        guard value >= UInt64(steps) else { return Int(value) }
        let exponent = 63 - value.leadingZeroBitCount
        let step = Int(value >> UInt64(exponent - stepBits)) & (steps - 1)
        return (exponent - stepBits + 1) * steps + step
    }

    private static func middle(of place: Int) -> UInt64 {
        guard place >= steps else { return UInt64(place) }
        let shift = UInt64(place / steps - 1)
        let low = UInt64(steps + place % steps) << shift
        return low + (1 << shift) / 2
    }
}
