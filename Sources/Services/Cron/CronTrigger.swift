package import JSON
package import Primitives

/// A function and when it runs.
package struct CronTrigger: Equatable, Sendable {
    /// Chosen by the worker.
    package let id: String
    package let function: FunctionName
    package let expression: CronExpression
    /// Asked before each run; only its answer `false` forbids it.
    package let condition: FunctionName?

    package init(
        id: String,
        function: FunctionName,
        expression: CronExpression,
        condition: FunctionName? = nil
    ) {
        self.id = id
        self.function = function
        self.expression = expression
        self.condition = condition
    }
}

extension CronTrigger {
    /// The trigger that a worker's registration describes.
    ///
    /// `config` holds `expression` or its alias `schedule` (where both are there, the first
    /// counts), and perhaps `condition_function_id`, a function in the namespace of `function`.
    ///
    /// - Throws: `trigger_registration_failed` with a message for the worker's log, which contains
    ///   the expression.
    package static func decode(
        id: String,
        function: FunctionName,
        config: JSONText
    ) throws(ErrorBody) -> CronTrigger {
        let text: String
        let condition: String?
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
        } catch {
            throw refusal("the configuration of cron trigger \"\(id)\": \(error)")
        }
        do throws(CronExpressionError) {
            return CronTrigger(
                id: id,
                function: function,
                expression: try CronExpression(text),
                condition: condition.map { FunctionName(namespace: function.namespace, id: $0) }
            )
        } catch {
            throw refusal(error.description)
        }
    }

    private static func refusal(_ message: String) -> ErrorBody {
        ErrorBody(code: "trigger_registration_failed", message: message)
    }
}
