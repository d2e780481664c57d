package import Events
import JSON
import Primitives

// Making function queues and changing them: by `queue::define` (services 2, A.2, A.6), and by the
// configuration.

extension QueueView {
    private enum Key {
        static let type = "type"
        static let concurrency = "concurrency"
        static let retries = "max_retries"
        static let backoff = "backoff_ms"
        static let group = "message_group_field"
        static let all = [type, concurrency, retries, backoff, group]
        /// What other engines know. It must be well-formed, and the answer says that it is ignored.
        static let foreign = [
            "max_priority", "poll_interval_ms", "priority_field", "redeliver_on_engine_restart",
            "timeout_ms",
        ]
    }

    /// The queue that there always is.
    private static let standardQueue = "default"

    /// The settings of a subscription's queue are those of its trigger.
    func refusal(ofDefining input: JSONText) -> ErrorBody? {
        guard let fields = try? JSONFields(input), let name = try? definedName(fields),
            let known = queues[name]?.subscription
        else { return nil }
        return ErrorBody(
            code: "queue_of_subscription",
            message: "cannot define queue '\(name)': it is that of the subscription of "
                + "\(known.function) to topic '\(known.topic)', and its settings are in the "
                + "configuration of its trigger"
        )
    }

    func decideDefine(_ fields: JSONFields) throws(JSONFieldError) -> QueueDecision {
        let name = try definedName(fields)
        var config = try JSONFields(.emptyObject)
        if let given = try fields.optionalObject("config") { config = given }
        try config.refuseOthers(than: Key.all + Key.foreign)
        let settings = try Self.settings(config)
        let ignored = try Self.ignored(config)
        let isNew = queues[name]?.settings != settings
        var answer: JSONObject = ["queue": .string(name), "changed": .bool(isNew)]
        if !ignored.isEmpty { answer["ignored"] = .array(ignored.map { .string($0) }) }
        return QueueDecision(
            events: isNew ? [.defined(QueueDefined(queue: name, settings: settings))] : [],
            result: JSONValue.object(answer).text
        )
    }

    /// White space around a name does not count.
    private func definedName(_ fields: JSONFields) throws(JSONFieldError) -> String {
        let name = try name(fields).trimmed
        if name.isEmpty { throw .missing(field: "queue") }
        guard QueueSettings.allows(name: name) else {
            throw .mismatch(
                field: "queue",
                expected: "a name of at most \(Limits.nameBytes) bytes",
                found: "one of \(name.utf8.count)"
            )
        }
        return name
    }

    private static func settings(_ config: JSONFields) throws(JSONFieldError) -> QueueSettings {
        let type = try config.optionalString(Key.type) ?? "standard"
        guard ["standard", "fifo"].contains(type) else {
            throw config.mismatch(Key.type, expected: "\"standard\" or \"fifo\"")
        }
        let group = try config.optionalString(Key.group)
        if group?.isEmpty == true {
            throw config.mismatch(Key.group, expected: "a string that is not empty")
        }
        if type == "fifo", group == nil { throw config.missing(Key.group) }
        let most = Int64(UInt32.max)
        let concurrency = try number(config, Key.concurrency, 1...most) ?? 10
        let retries = try number(config, Key.retries, 0...most) ?? 3
        let backoff = try number(config, Key.backoff, 0...Int64.max) ?? 1000
        return QueueSettings(
            fifo: type == "fifo",
            concurrency: UInt32(concurrency),
            attempts: UInt32(max(1, retries)),
            backoff: .milliseconds(backoff),
            groupField: group
        )
    }

    /// - Returns: the keys that are given, and have no effect in this engine.
    private static func ignored(_ config: JSONFields) throws(JSONFieldError) -> [String] {
        _ = try number(config, "max_priority", 1...255)
        _ = try number(config, "poll_interval_ms", 1...Int64.max)
        _ = try number(config, "timeout_ms", 1...Int64.max)
        _ = try config.optionalString("priority_field")
        _ = try config.optionalBool("redeliver_on_engine_restart")
        return Key.foreign.filter { config.optionalValue($0).map { !$0.isNull } ?? false }
    }

    private static func number(
        _ config: JSONFields,
        _ key: String,
        _ range: ClosedRange<Int64>
    ) throws(JSONFieldError) -> Int64? {
        guard let value = try config.optionalInteger(key) else { return nil }
        guard range.contains(value) else {
            let bound = range.upperBound == .max ? "or more" : "to \(range.upperBound)"
            throw .mismatch(
                field: config.path(of: key),
                expected: "\(range.lowerBound) \(bound)",
                found: "\(value)"
            )
        }
        return value
    }

    /// A function queue as the configuration has it; nil where that says nothing new of it: what
    /// `queue::define` has made of it since stays until then. Nil also for the name of a
    /// subscription's queue.
    package func decideConfigured(_ name: String, _ settings: QueueSettings) -> QueueDefined? {
        let defined = QueueDefined(queue: name, settings: settings, isConfigured: true)
        guard let known = queues[name] else { return defined }
        // A log of before that was recorded does not tell what was said; the built-in default is
        // nothing that anybody has said.
        let builtIn: QueueSettings? = name == Self.standardQueue ? .standard : nil
        guard known.subscription == nil, settings != known.configured ?? builtIn else { return nil }
        return defined
    }
}

extension String {
    fileprivate var trimmed: String {
        var text = self[...]
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
