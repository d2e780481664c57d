package import JSON
package import Primitives

/// A function and when it runs.
package struct CronTrigger: Equatable, Sendable {
    /// Chosen by the worker.
    package let id: String
    package let function: FunctionName
    package let schedule: CronSchedule
    /// Asked before each run; only its answer `false` forbids it.
    package let condition: FunctionName?
    package let policy: CronPolicy

    package var expression: CronExpression { schedule.expression }

    package init(
        id: String,
        function: FunctionName,
        expression: CronExpression,
        zone: TimeZoneRules = .utc,
        condition: FunctionName? = nil,
        policy: CronPolicy = .standard
    ) {
        self.id = id
        self.function = function
        schedule = CronSchedule(expression, in: zone)
        self.condition = condition
        self.policy = policy
    }
}

extension CronTrigger {
    /// The member of a configuration that has another name, behind the one that counts where both
    /// are there.
    package static let aliases: KeyValuePairs = ["expression": "schedule"]

    /// The members of a configuration that are read.
    package static let members = [
        "expression", "schedule", "timezone", "catch_up", "window", "max", "overlap", "jitter",
        "condition_function_id",
    ]

    /// The trigger that a worker's registration describes.
    ///
    /// `config` holds `expression` or its alias `schedule` (where both are there, the first
    /// counts), and perhaps `timezone`, what ``CronPolicy`` is made of, and
    /// `condition_function_id`, a function in the namespace of `function`. The zone may also stand
    /// before the expression, as `CRON_TZ=Europe/Berlin`.
    ///
    /// - Throws: `trigger_registration_failed` with a message for the worker's log, which contains
    ///   the expression.
    package static func decode(
        id: String,
        function: FunctionName,
        config: JSONText,
        zones: TimeZones = .utcOnly
    ) throws(ErrorBody) -> CronTrigger {
        let text: String
        let condition: String?
        let policy: CronPolicy
        let zone: String?
        do throws(JSONFieldError) {
            let fields = try JSONFields(config)
            if let expression = try fields.optionalString("expression") {
                text = expression
            } else if let schedule = try fields.optionalString("schedule") {
                text = schedule
            } else {
                throw .missing(field: "expression")
            }
            condition = try fields.optionalString("condition_function_id")
            zone = try fields.optionalString("timezone")
            policy = try CronPolicy(fields)
        } catch {
            throw refusal("the configuration of cron trigger \"\(id)\": \(error)")
        }
        do throws(CronScheduleError) {
            let schedule = try CronSchedule(text, timezone: zone, zones)
            return CronTrigger(
                id: id,
                function: function,
                expression: schedule.expression,
                zone: schedule.zone,
                condition: condition.map { FunctionName(namespace: function.namespace, id: $0) },
                policy: policy
            )
        } catch {
            switch error {
            case .unknownZone, .noZones:
                throw refusal("cron trigger \"\(id)\", \"\(text)\": \(error)")
            case .expression: throw refusal("\(error)")
            }
        }
    }

    private static func refusal(_ message: String) -> ErrorBody {
        ErrorBody(code: "trigger_registration_failed", message: message)
    }
}
