package import Primitives

/// A schedule of a function: what a cron job is from one start to the next, whatever its trigger's
/// id.
package struct CronJob: Hashable, Sendable {
    package let function: FunctionName
    /// With its zone, where that is not UTC.
    package let expression: String

    package init(function: FunctionName, expression: String) {
        self.function = function
        self.expression = expression
    }
}

/// What became of the runs of cron jobs.
package struct CronRuns: Equatable, Sendable {
    /// When the last one that succeeded had ended; nil: none has.
    package private(set) var lastSuccess: Timestamp?
    package private(set) var failures: UInt64 = 0

    package init(lastSuccess: Timestamp? = nil, failures: UInt64 = 0) {
        self.lastSuccess = lastSuccess
        self.failures = failures
    }

    /// Takes in the runs of another job.
    package mutating func add(_ other: CronRuns) {
        failures += other.failures
        guard let success = other.lastSuccess else { return }
        lastSuccess = max(lastSuccess ?? success, success)
    }

    mutating func add(_ outcome: WorkOutcome, at time: Timestamp) {
        switch outcome {
        case .done: add(CronRuns(lastSuccess: time))
        case .failed, .dead: failures += 1
        case .answered, .retried, .skipped: break
        }
    }
}
