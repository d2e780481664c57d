import Events
import JSON
import Primitives

// Dropping all that waits. What is running stays, and so does what is dead: each has an end of its
// own.

extension QueueView {
    /// `iii::queue::purge`: drops what waits in a queue, or in all queues of a topic, in a record
    /// for each.
    func decidePurge(
        _ fields: JSONFields,
        by worker: String?
    ) throws(JSONFieldError) -> QueueDecision {
        let name = try name(fields)
        var count = 0
        var events: [QueueEvent] = []
        for queue in resolve(name) {
            let all = queues[queue]?.messages.all ?? []
            let waiting = all.filter(\.isQueued).map(\.offset).sorted()
            guard !waiting.isEmpty else { continue }
            count += waiting.count
            events.append(.purged(Purged(queue: queue, by: worker, messages: waiting)))
        }
        return QueueDecision(
            events: events,
            result: JSONValue.object([
                "queue": .string(name), "purged": .integer(Int64(count)),
            ]).text
        )
    }

    /// Whoever drops everything should hear that it was of another name.
    func refusal(ofPurging input: JSONText) -> ErrorBody? {
        guard let fields = try? JSONFields(input), let name = try? name(fields),
            resolve(name).isEmpty
        else { return nil }
        return ErrorBody(
            code: "NOT_FOUND",
            message: "there is no queue and no topic '\(name)'; `iii queue ls` lists those that "
                + "there are"
        )
    }

    /// What is not there, or does not wait, is passed over: what told of it may be gone.
    mutating func purge(_ event: Purged, at offset: Offset) {
        guard let queue = queues[event.queue] else { return }
        var dropped: [Message] = []
        for number in event.messages {
            guard let message = queue.messages[number], message.isQueued else { continue }
            if !message.isWaiting { queue.delayedCount -= 1 }
            _ = queue.messages.remove(number)
            message.state = .done
            message.dropContent(budget)
            dropped.append(message)
        }
        queue.forget(dropped, at: offset)
        removeIfOver(queue)
    }
}
