package import Primitives

/// How much of what has been followed in this life. Only grows: whoever wants rates looks twice.
///
/// Records that were passed over are not in it, nor are runs that were not seen to begin: what must
/// count everything is counted by who writes the log (``RecordCounts``, ``EngineMetrics``).
package struct RecordTotals: Equatable, Sendable {
    package struct Function: Equatable, Sendable {
        /// Of runs that succeeded, and of the others.
        package internal(set) var succeeded = RunTimes()
        package internal(set) var failed = RunTimes()
        /// How many others were counted before it: the order in which they ran first.
        package internal(set) var place = 0

        package init() {}

        /// Takes in the runs of another function.
        package mutating func add(_ other: Function) {
            succeeded.add(other.succeeded)
            failed.add(other.failed)
        }
    }

    package internal(set) var records: UInt64 = 0
    /// Records that were passed over, since they came too fast or could not be read.
    package internal(set) var skipped: UInt64 = 0
    /// Of their payloads.
    package internal(set) var bytes: UInt64 = 0
    /// Runs and deliveries that have ended, by function.
    package internal(set) var functions: [FunctionName: Function] = [:]
    /// Of all functions beyond ``functionLimit``.
    package internal(set) var otherFunctions = Function()
    /// Those that have fired.
    package internal(set) var cronJobs: [CronJob: CronRuns] = [:]
    /// Of all jobs beyond ``cronLimit``.
    package internal(set) var otherCronJobs = CronRuns()

    /// Functions that are counted one by one.
    static let functionLimit = 4096
    /// The same of cron jobs.
    static let cronLimit = 4096

    mutating func take(_ record: FollowedRecord, _ change: WorkChange) {
        records += 1
        bytes += UInt64(record.byteCount)
        if let began = change.began { update(began) { _ in } }
        if let (work, outcome) = change.ended {
            count(work, outcome, at: record.time)
            update(work) { $0.add(outcome, at: record.time) }
        }
        // A slot ends with its run.
        if let (work, outcome) = change.endedToo {
            update(work) { $0.add(outcome, at: record.time) }
        }
    }

    /// Changes what is known of a cron job, if `work` is a slot of one.
    private mutating func update(_ work: Work, _ change: (inout CronRuns) -> Void) {
        guard let expression = work.facts.schedule, let function = work.facts.function else {
            return
        }
        let job = CronJob(function: function, expression: expression)
        if cronJobs[job] != nil || cronJobs.count < Self.cronLimit {
            change(&cronJobs[job, default: CronRuns()])
        } else {
            change(&otherCronJobs)
        }
    }

    private mutating func count(_ work: Work, _ outcome: WorkOutcome, at time: Timestamp) {
        let facts = work.facts
        guard facts.kind == .run || facts.kind == .delivery, let function = facts.function else {
            return
        }
        let took = UInt64(max(0, facts.start.distance(to: time).nanoseconds))
        if let place = functions.index(forKey: function) {
            functions.values[place].add(took, failed: outcome.error != nil)
        } else if functions.count < Self.functionLimit {
            var counts = Function()
            counts.place = functions.count
            counts.add(took, failed: outcome.error != nil)
            functions[function] = counts
        } else {
            otherFunctions.add(took, failed: outcome.error != nil)
        }
    }
}

extension RecordTotals.Function {
    fileprivate mutating func add(_ nanoseconds: UInt64, failed: Bool) {
        if failed {
            self.failed.add(nanoseconds)
        } else {
            succeeded.add(nanoseconds)
        }
    }
}

/// How many runs took how long.
package struct RunTimes: Equatable, Sendable {
    /// In nanoseconds: a run is counted at the first that it is not above.
    package static let bounds: [UInt64] = [
        500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000, 100_000_000,
        250_000_000, 500_000_000, 1_000_000_000, 2_500_000_000, 5_000_000_000, 10_000_000_000,
        30_000_000_000,
    ]

    /// One for each bound, and one for all beyond; empty while there was no run.
    private var counts: [UInt64] = []
    /// In nanoseconds.
    package private(set) var sum: UInt64 = 0

    package init() {}

    package var total: UInt64 { counts.reduce(0, +) }

    /// How many took at most as long as each of ``bounds``.
    package var cumulative: [UInt64] {
        var sum: UInt64 = 0
        return Self.bounds.indices.map { place in
            if !counts.isEmpty { sum += counts[place] }
            return sum
        }
    }

    mutating func add(_ nanoseconds: UInt64) {
        if counts.isEmpty { counts = [UInt64](repeating: 0, count: Self.bounds.count + 1) }
        counts[Self.bounds.firstIndex { nanoseconds <= $0 } ?? Self.bounds.count] += 1
        sum &+= nanoseconds
    }

    /// Takes in the runs of another function.
    package mutating func add(_ others: RunTimes) {
        if counts.isEmpty {
            counts = others.counts
        } else {
            for place in others.counts.indices { counts[place] += others.counts[place] }
        }
        sum &+= others.sum
    }
}
