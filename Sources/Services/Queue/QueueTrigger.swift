package import Events
package import JSON
package import Primitives

/// Triggers of type `durable:subscriber` and, its older and plainer name, `queue`.
package enum QueueTrigger {
    /// Reads a trigger's configuration (services 2, A.7) into the subscription that it makes.
    ///
    /// - Throws: `trigger_registration_failed`, with what is wrong and what is expected.
    package static func subscription(
        of function: FunctionName,
        config: JSONText
    ) throws(ErrorBody) -> Subscribed {
        do throws(JSONFieldError) {
            let fields = try JSONFields(config)
            guard let topic = try name(in: fields), !topic.isEmpty else {
                throw fields.mismatch("topic", expected: "the name of a topic")
            }
            if topic.utf8.count > Limits.nameBytes {
                throw JSONFieldError.mismatch(
                    field: "topic",
                    expected: "a name of at most \(Limits.nameBytes) bytes",
                    found: "one of \(topic.utf8.count)"
                )
            }
            return Subscribed(
                topic: topic,
                function: function,
                condition: try fields.optionalString("condition_function_id"),
                settings: try settings(fields, try fields.optionalObject("queue_config"))
            )
        } catch {
            throw ErrorBody(
                code: "trigger_registration_failed",
                message: "queue trigger: queue is required, and its settings must be well-formed: "
                    + error.description
            )
        }
    }

    /// The members of a configuration, and of its `queue_config`, that are read or known to be
    /// without effect.
    package static let members =
        [
            "queue", "topic", "source", "condition_function_id", "queue_config", "type",
            "max_retries", "maxRetries", "concurrency", "backoff_ms", "backoffDelayMs",
        ] + withoutEffect

    private static let withoutEffect = ["visibilityTimeout", "delaySeconds", "backoffType"]

    /// The settings of a trigger's configuration, which was read, that other engines document and
    /// this one takes without doing anything (services 2, G.19).
    package static func ignored(_ config: JSONText) -> [String] {
        withoutEffect.filter { key in
            config.member(key) != nil || config.member("queue_config")?.member(key) != nil
        }
    }

    private static func name(in fields: JSONFields) throws(JSONFieldError) -> String? {
        for key in ["queue", "topic", "source"] {
            if let name = try fields.optionalString(key) { return name }
        }
        return nil
    }

    /// Top-level settings win over those in `queue_config`. `maxRetries` N means N + 1 calls.
    private static func settings(
        _ top: JSONFields,
        _ nested: JSONFields?
    ) throws(JSONFieldError) -> QueueSettings {
        func number(_ keys: [String]) throws(JSONFieldError) -> Int64? {
            for fields in [top, nested].compactMap({ $0 }) {
                for key in keys {
                    guard let value = try fields.optionalInteger(key) else { continue }
                    guard value >= 0 else {
                        throw fields.mismatch(key, expected: "a number that is not negative")
                    }
                    return value
                }
            }
            return nil
        }
        let retries = try number(["max_retries", "maxRetries"])
        let concurrency = try number(["concurrency"]) ?? 10
        let backoff = try number(["backoff_ms", "backoffDelayMs"]) ?? 1000
        return QueueSettings(
            fifo: try nested?.optionalString("type") == "fifo",
            concurrency: UInt32(clamping: concurrency),
            attempts: retries.map { UInt32(clamping: min($0, Int64(UInt32.max) - 1) + 1) } ?? 3,
            backoff: .milliseconds(backoff),
            groupField: nil
        )
    }
}
