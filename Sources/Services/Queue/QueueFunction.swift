package import Events
package import JSON
package import Primitives

/// The functions that look into queues and mend them (services 2, A.10).
package enum QueueFunction: String, CaseIterable, Sendable {
    case define = "queue::define"
    case redrive = "iii::queue::redrive"
    case redriveMessage = "iii::queue::redrive_message"
    case discard = "iii::queue::discard"
    case discardMessage = "iii::queue::discard_message"
    case purge = "iii::queue::purge"
    case listTopics = "engine::queue::list_topics"
    case topicStats = "engine::queue::topic_stats"
    case deadLetterTopics = "engine::queue::dlq_topics"
    case deadLetters = "engine::queue::dlq_messages"
    case messages = "engine::queue::messages"
    /// Answered by the log and the queues together: see ``QueueView/explain(_:in:_:)``.
    case explain = "engine::queue::explain"

    /// Whether a call may change a queue.
    package var writes: Bool {
        switch self {
        case .define, .redrive, .redriveMessage, .discard, .discardMessage, .purge: true
        case .listTopics, .topicStats, .deadLetterTopics, .deadLetters, .messages, .explain: false
        }
    }
}

extension QueueFunction {
    /// Whether it is about one message, which is looked for by its receipt.
    package var namesMessage: Bool { self == .redriveMessage || self == .discardMessage }

    /// Whether it drops all that waits, or all that is dead.
    fileprivate var dropsAll: Bool { self == .purge || self == .discard }
}

/// What such a function does, and what it answers once that is on disk.
package struct QueueDecision: Equatable, Sendable {
    package let events: [QueueEvent]
    package let result: JSONText
}

extension QueueView {
    /// What a call of `function` does that `caller` made, a worker with a name, or somebody else.
    /// `consumers` counts the triggers of a topic; `content` gives a message's content, nil where
    /// it cannot be read any more. A list of messages shows so many bytes of what is in them as
    /// `listedBytes` says, and reads as many.
    package func decide(
        _ function: QueueFunction,
        input: JSONText,
        by caller: String?,
        consumers: (String) -> Int,
        isServed: (FunctionName) -> Bool,
        listedBytes: Int = Limits.listedBytes,
        content: (Message) -> Message.Content?
    ) throws(ErrorBody) -> QueueDecision {
        if function.dropsAll, let refusal = refusal(ofPurging: input) { throw refusal }
        if function == .define, let refusal = refusal(ofDefining: input) { throw refusal }
        let room = ListRoom(bytes: listedBytes)
        do throws(JSONFieldError) {
            let fields = try JSONFields(input.isNull ? .emptyObject : input)
            switch function {
            case .define: return try decideDefine(fields)
            case .redrive: return try decideRedrive(fields)
            case .redriveMessage, .discardMessage:
                return try decideOne(fields, discard: function == .discardMessage, content)
            case .purge, .discard:
                return try decidePurge(fields, areDead: function == .discard, by: caller)
            case .listTopics: return listTopics(consumers)
            case .topicStats: return try topicStats(fields, consumers)
            case .deadLetterTopics: return deadLetterTopics()
            case .deadLetters: return try deadLetters(fields, room, content)
            case .messages: return try messages(fields, isServed, room, content)
            case .explain: break
            }
        } catch {
            throw Self.refusal(function, error)
        }
        throw ErrorBody(
            code: "INVALID_ARGUMENTS",
            message: "what the log is asked for is answered to a worker that waits for it"
        )
    }

    static func refusal(_ function: QueueFunction, _ error: JSONFieldError) -> ErrorBody {
        switch (function, error) {
        case (.redrive, .missing), (.redriveMessage, .missing("queue")),
            (.discardMessage, .missing("queue")), (.purge, .missing), (.discard, .missing):
            ErrorBody(code: "queue_not_set", message: "Queue name is required")
        case (.redriveMessage, .missing), (.discardMessage, .missing):
            ErrorBody(code: "message_id_not_set", message: "Message ID is required")
        case (.topicStats, .missing), (.deadLetters, .missing), (.messages, .missing):
            ErrorBody(code: "topic_required", message: "topic is required")
        default:
            ErrorBody(
                code: "deserialization_error",
                message: "Failed to deserialize input for \(function.rawValue): \(error)"
            )
        }
    }

    /// The queue's name by either spelling, or the same by both; an empty one counts as missing.
    func name(_ fields: JSONFields) throws(JSONFieldError) -> String {
        let queue = try fields.optionalString("queue") ?? ""
        let topic = try fields.optionalString("topic") ?? ""
        guard queue.isEmpty || topic.isEmpty || queue == topic else {
            throw .mismatch(
                field: "topic",
                expected: "the name that \"queue\" has, which is the same field",
                found: "another one"
            )
        }
        let name = queue.isEmpty ? topic : queue
        if name.isEmpty { throw .missing(field: "queue") }
        return name
    }

    /// The queue of that name; nil where it is a subscription's, and a topic has the name, too.
    private func queue(named name: String) -> QueueState? {
        queues[name].flatMap { $0.subscription == nil || topics[name] == nil ? $0 : nil }
    }

    /// The queue of that name, and all queues of the topic of that name.
    package func resolve(_ name: String) -> [String] {
        (queue(named: name) == nil ? [] : [name]) + queues(ofTopic: name)
    }

    /// The dead letters of a queue or topic, the newest first.
    private func dead(_ name: String) -> [(queue: String, message: Message, at: Timestamp)] {
        resolve(name).flatMap { queue in
            (queues[queue]?.messages.inOrder ?? []).compactMap { message in
                guard case .dead(_, let at) = message.state else { return nil }
                return (queue, message, at)
            }
        }
        .sorted { ($0.2, $0.1.offset) > ($1.2, $1.1.offset) }
    }

    /// What a message is called: by its receipt, and where that was not or cannot be read by its
    /// place in the log, so that it can be asked for, and a dead letter be got rid of.
    static func id(of message: Message, _ content: Message.Content?) -> String {
        content?.receipt.description ?? "\(placePrefix)\(message.offset)"
    }

    /// What is before the place of a message that is called by it.
    package static let placePrefix = "offset-"

    /// The place of a message that is called by it, exactly so; nil: it is not.
    private static func place(of id: String) -> Offset? {
        guard let number = UInt64(id.dropFirst(placePrefix.count)) else { return nil }
        return id == "\(placePrefix)\(number)" ? Offset(number) : nil
    }

    private func decideRedrive(_ fields: JSONFields) throws(JSONFieldError) -> QueueDecision {
        let name = try name(fields)
        let letters = dead(name).reversed()
        return QueueDecision(
            events: letters.map {
                .redriven(Redriven(queue: $0.queue, message: $0.message.offset))
            },
            result: JSONValue.object([
                "queue": .string(name), "redriven": .integer(Int64(letters.count)),
            ]).text
        )
    }

    /// The dead letter of a queue or topic that is called `id`. What is not in memory is read only
    /// for a receipt that nothing in memory has: everything waits for that.
    private func letter(
        _ id: String,
        in name: String,
        _ content: (Message) -> Message.Content?
    ) -> (queue: String, message: Message, at: Timestamp)? {
        let letters = dead(name)
        // By its place it may have been listed while the disk did not give it.
        if let place = Self.place(of: id) { return letters.first { $0.message.offset == place } }
        guard let receipt = UUID128(id) else { return nil }
        let known = letters.first { $0.message.content?.receipt == receipt }
        if let known { return known }
        return letters.first { letter in
            letter.message.content == nil && content(letter.message)?.receipt == receipt
        }
    }

    private func decideOne(
        _ fields: JSONFields,
        discard: Bool,
        _ content: (Message) -> Message.Content?
    ) throws(JSONFieldError) -> QueueDecision {
        let name = try name(fields)
        let id = try fields.optionalString("message_id") ?? ""
        guard !id.isEmpty else { throw .missing(field: "message_id") }
        let letter = letter(id, in: name, content)
        let event: QueueEvent? = letter.map {
            discard
                ? .discarded(Discarded(queue: $0.queue, message: $0.message.offset))
                : .redriven(Redriven(queue: $0.queue, message: $0.message.offset))
        }
        return QueueDecision(
            events: event.map { [$0] } ?? [],
            result: JSONValue.object([
                "queue": .string(name), "message_id": .string(id),
                "redriven": .integer(letter == nil ? 0 : 1),
            ]).text
        )
    }
}

// MARK: Looking in

extension QueueView {
    private var functionQueues: [String] {
        queues.keys.filter { queues[$0]?.subscription == nil }.sorted()
    }

    /// Function queues and topics, each name once.
    private var names: [String] {
        let topics = topicNames.filter { queues[$0].map { $0.subscription != nil } ?? true }
        return functionQueues + topics
    }

    /// How much of a queue is worked off at the same time, and how many triggers the topic of that
    /// name has.
    private func consumerCount(_ name: String, _ consumers: (String) -> Int) -> Int64 {
        let places = queue(named: name).map { Int64($0.places) } ?? 0
        return places + (topics[name] == nil ? 0 : Int64(consumers(name)))
    }

    private func answer(_ value: JSONValue) -> QueueDecision {
        QueueDecision(events: [], result: value.text)
    }

    private func listTopics(_ consumers: (String) -> Int) -> QueueDecision {
        answer(
            .array(
                names.map { name in
                    .object([
                        "name": .string(name), "broker_type": .string("builtin"),
                        "subscriber_count": .integer(consumerCount(name, consumers)),
                    ])
                }
            )
        )
    }

    private func topicStats(
        _ fields: JSONFields,
        _ consumers: (String) -> Int
    ) throws(JSONFieldError) -> QueueDecision {
        let name = try name(fields)
        let states = resolve(name).compactMap { queues[$0] }
        func sum(_ count: (QueueState) -> Int) -> JSONValue {
            .integer(Int64(states.reduce(0) { $0 + count($1) }))
        }
        return answer(
            .object([
                "depth": sum(\.depth),
                "consumer_count": .integer(consumerCount(name, consumers)),
                "dlq_depth": sum(\.deadCount),
                "config": states.first.map { Self.json($0.settings) } ?? .null,
                "delayed": sum(\.delayedCount),
                "in_flight": sum(\.inFlight),
            ])
        )
    }

    private static func json(_ settings: QueueSettings) -> JSONValue {
        .object([
            "type": .string(settings.fifo ? "fifo" : "standard"),
            "concurrency": .integer(Int64(settings.concurrency)),
            "attempts": .integer(Int64(settings.attempts)),
            "backoff_ms": .integer(settings.backoff.milliseconds),
            "message_group_field": settings.groupField.map { .string($0) } ?? .null,
        ])
    }

    private func deadLetterTopics() -> QueueDecision {
        let rows = names.compactMap { name -> JSONValue? in
            let count = resolve(name).reduce(0) { $0 + (queues[$1]?.deadCount ?? 0) }
            guard count > 0 else { return nil }
            return .object([
                "topic": .string(name), "broker_type": .string("builtin"),
                "message_count": .integer(Int64(count)),
            ])
        }
        return answer(.array(rows))
    }

    private func deadLetters(
        _ fields: JSONFields,
        _ room: ListRoom,
        _ content: (Message) -> Message.Content?
    ) throws(JSONFieldError) -> QueueDecision {
        let letters = dead(try name(fields))
        let (limit, skipped) = try Self.page(fields)
        var room = Self.room(room, for: limit)
        var json = JSONBuilder()
        json.beginArray()
        for letter in letters.dropFirst(skipped).prefix(limit) {
            guard case .dead(let error, let at) = letter.message.state else { continue }
            let text = room.take(error)
            let told = room.take(letter.message, content)
            json.beginObject()
            json.key("id")
            json.string(Self.id(of: letter.message, told.content))
            told.writePayload(into: &json)
            json.key("error")
            json.string(text)
            json.key("failed_at")
            json.integer(at.seconds)
            json.key("retries")
            json.integer(Int64(letter.message.failures))
            told.writeSize(into: &json)
            json.key("queue")
            json.string(letter.queue)
            json.key("function_id")
            json.string(letter.message.target.function.id)
            json.key("offset")
            json.integer(letter.message.offset.rawValue)
            json.key("failed_at_ms")
            json.integer(at.milliseconds)
            told.writeOrigin(into: &json)
            json.endObject()
        }
        json.endArray()
        return QueueDecision(events: [], result: json.finish())
    }
}
