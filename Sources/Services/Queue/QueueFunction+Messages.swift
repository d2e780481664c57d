import JSON
import Primitives

extension QueueView {
    /// `engine::queue::messages`: the oldest messages of a queue, or of all queues of a topic, that
    /// wait or run: `limit` of them, 50 unless said otherwise and at most 1000, behind the first
    /// `offset`. Dead letters have a function of their own.
    func messages(
        _ fields: JSONFields,
        _ isServed: (FunctionName) -> Bool,
        _ content: (Message) -> Message.Content?
    ) throws(JSONFieldError) -> QueueDecision {
        let name = try name(fields)
        let limit = Int(min(1000, max(0, try fields.optionalInteger("limit") ?? 50)))
        let skipped = Int(clamping: max(0, try fields.optionalInteger("offset") ?? 0))
        // Whichever queue of a topic they are in, the page is among so many of it.
        let end = skipped < Int.max - limit ? skipped + limit : Int.max
        let oldest = resolve(name)
            .flatMap { queue in
                (queues[queue]?.messages.first(end) { Self.word($0.state) != nil } ?? [])
                    .map { (queue: queue, message: $0) }
            }
            .sorted { $0.message.offset < $1.message.offset }
        var json = JSONBuilder()
        json.beginArray()
        for (queue, message) in oldest.dropFirst(skipped).prefix(limit) {
            let why = queues[queue]?.status(of: message, isServed).why
            write(message, of: queue, why ?? "", content(message), into: &json)
        }
        json.endArray()
        return QueueDecision(events: [], result: json.finish())
    }

    /// What the state is called; nil: such a message is not listed.
    private static func word(_ state: Message.State) -> String? {
        switch state {
        case .waiting: "waiting"
        case .delayed: "delayed"
        case .inFlight: "in_flight"
        case .dead, .done: nil
        }
    }

    private func write(
        _ message: Message,
        of queue: String,
        _ why: String,
        _ content: Message.Content?,
        into json: inout JSONBuilder
    ) {
        json.beginObject()
        json.key("id")
        json.string(content?.receipt.description ?? "")
        json.key("queue")
        json.string(queue)
        json.key("offset")
        json.integer(message.offset.rawValue)
        json.key("function_id")
        json.string(message.target.function.id)
        json.key("state")
        json.string(Self.word(message.state) ?? "")
        json.key("attempt")
        json.integer(Int64(message.nextAttempt))
        json.key("next_at_ms")
        if case .delayed(let until) = message.state {
            json.integer(until.milliseconds)
        } else {
            json.null()
        }
        json.key("why")
        json.string(why)
        json.key("payload")
        json.raw(Self.listed(content?.payload))
        json.endObject()
    }

    /// A payload as lists have it: the message, the list and its row are around it.
    static func listed(_ payload: [UInt8]?) -> JSONText {
        guard let payload else { return .null }
        return JSONText(trusted: payload).flattened(beyond: Limits.jsonDepth - 3)
    }
}
