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
        var zone: String?
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
        let (prefix, expression) = splitZone(text)
        zone = prefix ?? zone
        let rules = zone.map { zones.find($0) } ?? zones.standard
        guard let rules else {
            throw refusal(
                "cron trigger \"\(id)\", \"\(text)\": there is no time zone "
                    + "\"\(zone ?? "")\" in the system's database; names are as in Europe/Berlin"
            )
        }
        do throws(CronExpressionError) {
            return CronTrigger(
                id: id,
                function: function,
                expression: try CronExpression(expression),
                zone: rules,
                condition: condition.map { FunctionName(namespace: function.namespace, id: $0) },
                policy: policy
            )
        } catch {
            throw refusal(error.description)
        }
    }

    /// `CRON_TZ=Europe/Berlin 0 2 * * *` as its two parts.
    private static func splitZone(_ text: String) -> (zone: String?, expression: String) {
        let marks = ["CRON_TZ=", "TZ="]
        guard let mark = marks.first(where: { text.hasPrefix($0) }) else { return (nil, text) }
        let rest = text.dropFirst(mark.count)
        let zone = rest.prefix { !$0.isWhitespace }
        return (String(zone), String(rest[zone.endIndex...].drop(while: \.isWhitespace)))
    }

    private static func refusal(_ message: String) -> ErrorBody {
        ErrorBody(code: "trigger_registration_failed", message: message)
    }
}
