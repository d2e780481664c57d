import CommitLog
import Disk
import Events
import Folding
import JSON
import Primitives

// Publishing without a promise (services 2, B): whoever is subscribed now is called, once, and what
// becomes of the calls nobody hears. Topics of queues are others.

/// Who is subscribed to what, live: a subscription ends with its trigger.
struct Subscriptions {
    /// The triggers of each topic, in the order in which they came; never empty.
    private var triggers: [String: [String]] = [:]
    private var topics: [String: String] = [:]

    mutating func add(_ trigger: String, to topic: String) {
        remove(trigger)
        topics[trigger] = topic
        triggers[topic, default: []].append(trigger)
    }

    mutating func remove(_ trigger: String) {
        guard let topic = topics.removeValue(forKey: trigger) else { return }
        triggers[topic]?.removeAll { $0 == trigger }
        if triggers[topic]?.isEmpty == true { triggers[topic] = nil }
    }

    func triggers(of topic: String) -> [String] { triggers[topic] ?? [] }
}

extension Engine where Store: ~Copyable {
    /// Subscribes a trigger. One without a topic is taken and never runs, as users know it.
    ///
    /// - Throws: `trigger_registration_failed` where the topic is no text.
    mutating func subscribe(_ request: TriggerRequest) throws(ErrorBody) {
        let topic: String
        do throws(JSONFieldError) {
            let config = request.config.isNull ? JSONText.emptyObject : request.config
            topic = try JSONFields(config).optionalString("topic") ?? ""
        } catch {
            throw ErrorBody(
                code: "trigger_registration_failed",
                message: "the configuration of subscribe trigger \"\(request.id)\": \(error)"
            )
        }
        guard !topic.isEmpty else {
            subscriptions.remove(request.id)
            return notice(
                .warning,
                "trigger \(request.id) subscribes to no topic and never runs: it has no \"topic\""
            )
        }
        subscriptions.add(request.id, to: topic)
    }

    /// `publish`: calls the function of every trigger of the topic with `data` as it is.
    mutating func publishToSubscribers(
        _ input: JSONText,
        _ origin: Origin
    ) throws(LogError) -> Outcome {
        let topic: String
        let data: JSONText
        do throws(JSONFieldError) {
            let fields = try JSONFields(input)
            topic = try fields.requiredString("topic")
            data = try fields.requiredValue("data")
        } catch {
            return .failure(
                ErrorBody(
                    code: "deserialization_error",
                    message: "Failed to deserialize input for publish: \(error)"
                )
            )
        }
        guard !topic.isEmpty else {
            return .failure(ErrorBody(code: "topic_not_set", message: "Topic is not set"))
        }
        for trigger in subscriptions.triggers(of: topic) {
            try fire(trigger, data, summary: topic, origin)
        }
        return Outcome(result: .none, after: newest)
    }
}
