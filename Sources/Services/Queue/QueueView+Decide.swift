package import Events
package import JSON
package import Primitives

extension QueueView {
    /// A message for a function queue (services 2, A.3).
    ///
    /// - Throws: `enqueue_error` where the queue does not exist, no function is named, or its FIFO
    ///   group cannot be told.
    package func decideEnqueue(
        queue: String,
        target: FunctionName,
        payload: [UInt8],
        receipt: UUID128,
        baggage: String?,
        parent: RemoteSpan? = nil
    ) throws(ErrorBody) -> Enqueued {
        if queue.isEmpty { throw Self.enqueueError("queue is required") }
        if target.id.isEmpty { throw Self.enqueueError("function_id is required") }
        guard let state = queues[queue], state.subscription == nil else {
            throw Self.enqueueError("Queue '\(queue)' not found")
        }
        return Enqueued(
            queue: queue,
            target: target,
            receipt: receipt,
            group: state.settings.fifo
                ? try Self.group(of: payload, in: queue, state.settings) : nil,
            baggage: baggage,
            payload: payload,
            parent: parent
        )
    }

    private static func group(
        of payload: [UInt8],
        in queue: String,
        _ settings: QueueSettings
    ) throws(ErrorBody) -> String {
        guard let field = settings.groupField else {
            throw enqueueError(
                "FIFO queue '\(queue)' requires 'message_group_field' to be configured"
            )
        }
        guard let value = JSONText(trusted: payload).member(field) else {
            throw enqueueError(
                "FIFO queue '\(queue)' requires field '\(field)' in data, but it was not found"
            )
        }
        if value.isNull {
            throw enqueueError("FIFO queue '\(queue)': field '\(field)' must not be null")
        }
        guard !value.isObject, !value.isArray, value.bytes.count <= Limits.nameBytes else {
            throw enqueueError(
                "FIFO queue '\(queue)': field '\(field)' names a group: it must be a string, "
                    + "number or boolean of at most \(Limits.nameBytes) bytes"
            )
        }
        return value.stringValue ?? value.description
    }

    /// Whether a trigger may have this subscription. The name of its queue may be that of another
    /// one: names are joined by `::`, which topics and functions may have inside as well.
    ///
    /// - Throws: `trigger_registration_failed`, with whose queue it is.
    package func check(_ wanted: Subscribed) throws(ErrorBody) {
        let name = Self.subscriptionQueue(topic: wanted.topic, function: wanted.function)
        guard let queue = queues[name] else { return }
        let holder: String
        if let known = queue.subscription {
            if known.topic == wanted.topic, known.function == wanted.function { return }
            holder = "topic '\(known.topic)' for function \(known.function) has"
        } else {
            holder = "is a function queue"
        }
        throw ErrorBody(
            code: "trigger_registration_failed",
            message: "topic '\(wanted.topic)' for function \(wanted.function) would have the queue "
                + "'\(name)', which \(holder); give the topic or the function another name"
        )
    }

    /// A message for every subscription of a topic (services 2, A.8), from the input of
    /// `iii::durable::publish` or its older name `enqueue`.
    package func decidePublish(
        _ input: JSONText,
        function: String,
        receipt: UUID128,
        baggage: String?,
        parent: RemoteSpan? = nil
    ) throws(ErrorBody) -> Enqueued {
        let topic: String
        let data: JSONText
        do throws(JSONFieldError) {
            let fields = try JSONFields(input)
            topic = try fields.requiredString("topic")
            data = try fields.requiredValue("data")
        } catch {
            throw ErrorBody(
                code: "deserialization_error",
                message: "Failed to deserialize input for \(function): \(error)"
            )
        }
        guard !topic.isEmpty else {
            throw ErrorBody(code: "topic_not_set", message: "Topic is not set")
        }
        guard topic.utf8.count <= Limits.nameBytes else {
            throw ErrorBody(
                code: "INVALID_ARGUMENTS",
                message: "a topic's name has at most \(Limits.nameBytes) bytes"
            )
        }
        return Enqueued(
            queue: topic,
            target: nil,
            receipt: receipt,
            group: nil,
            baggage: baggage,
            payload: data.bytes,
            parent: parent
        )
    }

    /// What becomes of a message whose delivery failed.
    package func decideFailure(
        of message: Message,
        in queue: String,
        error: ErrorBody,
        now: Timestamp
    ) -> QueueEvent {
        let settings = queues[queue]?.settings ?? .standard
        let failures = message.failures + 1
        guard failures < max(1, settings.attempts) else {
            return .deadLettered(
                DeadLettered(
                    queue: queue,
                    message: message.offset,
                    failures: failures,
                    error: error
                )
            )
        }
        return .retried(
            Retried(
                queue: queue,
                message: message.offset,
                failures: failures,
                notBefore: now.advanced(by: settings.delay(afterFailures: failures)),
                error: error
            )
        )
    }

    static func enqueueError(_ message: String) -> ErrorBody {
        ErrorBody(code: "enqueue_error", message: message)
    }
}
