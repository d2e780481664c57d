package import JSON
package import Primitives

/// The functions that look at cron jobs and work on them. A job is named by its trigger's id, or by
/// its function's where that has one job only.
package enum CronFunction: String, CaseIterable, Sendable {
    case list = "engine::cron::list"
    /// The next slots of a job, or of any expression.
    case next = "engine::cron::next"
    /// What became of the slots since the engine's start.
    case history = "engine::cron::history"
    /// Runs a job now, whatever its schedule says.
    case run = "engine::cron::run"
    case pause = "engine::cron::pause"
    case resume = "engine::cron::resume"

    /// Whether it acts on another function in its caller's name.
    package var changesJob: Bool {
        switch self {
        case .run, .pause, .resume: true
        case .list, .next, .history: false
        }
    }
}

/// What such a function is called with.
package struct CronQuery: Equatable, Sendable {
    package let job: String?
    /// Of the function that a job is named by.
    package let namespace: String?
    package let expression: String?
    package let timezone: String?
    /// How many entries are wanted.
    package let count: Int

    /// The most that may be.
    package static let countMax = 1000

    /// - Throws: `deserialization_error`.
    package init(_ function: CronFunction, _ input: JSONText) throws(ErrorBody) {
        do throws(JSONFieldError) {
            let fields = try JSONFields(input.isNull ? .emptyObject : input)
            let id = try fields.optionalString("job_id")
            job = try fields.optionalString("job") ?? id
            namespace = try fields.optionalString("namespace")
            expression = try fields.optionalString("expression")
            timezone = try fields.optionalString("timezone")
            let count = try fields.optionalInteger("count") ?? 20
            guard (1...Int64(Self.countMax)).contains(count) else {
                throw fields.mismatch("count", expected: "1 to \(Self.countMax)")
            }
            self.count = Int(count)
            if function.changesJob, job == nil { throw .missing(field: "job") }
            if function == .next, job == nil, expression == nil {
                throw .missing(field: #"job" or "expression"#)
            }
        } catch {
            throw Self.unreadable(function, "\(error)")
        }
    }

    /// Whether the job that it names may have had this trigger and this function.
    package func names(_ trigger: String, _ function: FunctionName?) -> Bool {
        if job == trigger { return true }
        guard let function, function.id == job else { return false }
        return namespace == nil || namespace == function.namespace
    }

    /// What an expression means that the next slots of are asked for; nil: those of a job are.
    ///
    /// - Throws: `deserialization_error`.
    package func schedule(_ zones: TimeZones) throws(ErrorBody) -> CronSchedule? {
        guard let expression else { return nil }
        do throws(CronScheduleError) {
            return try CronSchedule(expression, timezone: timezone, zones)
        } catch {
            throw Self.unreadable(.next, "\(error)")
        }
    }

    private static func unreadable(_ function: CronFunction, _ reason: String) -> ErrorBody {
        ErrorBody(
            code: "deserialization_error",
            message: "Failed to deserialize input for \(function.rawValue): \(reason)"
        )
    }
}
