import JSON
import Primitives

extension QueueView {
    /// `engine::queue::messages`: the oldest messages of a queue, or of all queues of a topic, that
    /// wait or run: `limit` of them, 50 unless said otherwise and at most 1000, behind the first
    /// `offset`. Dead letters have a function of their own.
    func messages(
        _ fields: JSONFields,
        _ isServed: (FunctionName) -> Bool,
        _ room: ListRoom,
        _ content: (Message) -> Message.Content?
    ) throws(JSONFieldError) -> QueueDecision {
        let name = try name(fields)
        let (limit, skipped) = try Self.page(fields)
        // Whichever queue of a topic they are in, the page is among so many of it.
        let end = skipped < Int.max - limit ? skipped + limit : Int.max
        let oldest = resolve(name)
            .flatMap { queue in
                (queues[queue]?.messages.first(end) { Self.word($0.state) != nil } ?? [])
                    .map { (queue: queue, message: $0) }
            }
            .sorted { $0.message.offset < $1.message.offset }
        var room = Self.room(room, for: limit)
        var json = JSONBuilder()
        json.beginArray()
        for (queue, message) in oldest.dropFirst(skipped).prefix(limit) {
            let told = room.take(message, content)
            let status = queues[queue]?.status(of: message, isServed)
            let isLost = told.isUnreadable && status != .refused
            let why = isLost ? "its record cannot be read" : status?.why ?? ""
            write(message, of: queue, why, told, into: &json)
        }
        json.endArray()
        return QueueDecision(events: [], result: json.finish())
    }

    /// Who asks for one message gets it whole: what its receiver takes is the answer's only bound.
    static func room(_ room: ListRoom, for limit: Int) -> ListRoom {
        limit == 1 ? ListRoom(bytes: .max) : room
    }

    /// How many messages a list has at most, and how many stand before them.
    static func page(
        _ fields: JSONFields
    ) throws(JSONFieldError) -> (limit: Int, skipped: Int) {
        let limit = min(Limits.listedMessages, max(0, try fields.optionalInteger("limit") ?? 50))
        let skipped = max(0, try fields.optionalInteger("offset") ?? 0)
        return (Int(limit), Int(clamping: skipped))
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
        _ told: ListRoom.Told,
        into json: inout JSONBuilder
    ) {
        json.beginObject()
        json.key("id")
        json.string(Self.id(of: message, told.content))
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
        told.writePayload(into: &json)
        told.writeSize(into: &json)
        told.writeOrigin(into: &json)
        json.endObject()
    }
}
