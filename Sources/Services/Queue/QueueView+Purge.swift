import Events
import JSON
import Primitives

// Dropping all that waits, or all that is dead. What is running stays: it has an end of its own.

extension QueueView {
    /// `iii::queue::purge` and `iii::queue::discard`: drops what waits, or what is dead, in a
    /// queue, or in all queues of a topic, in a record for each.
    func decidePurge(
        _ fields: JSONFields,
        areDead: Bool,
        by worker: String?
    ) throws(JSONFieldError) -> QueueDecision {
        let name = try name(fields)
        var count = 0
        var events: [QueueEvent] = []
        for queue in resolve(name) {
            let all = queues[queue]?.messages.inOrder ?? []
            let meant = all.filter { $0.isPurged(asDead: areDead) }.map(\.offset)
            guard !meant.isEmpty else { continue }
            count += meant.count
            let event = Purged(queue: queue, by: worker, messages: meant, areDead: areDead)
            events.append(.purged(event))
        }
        let done = areDead ? "discarded" : "purged"
        return QueueDecision(
            events: events,
            result: JSONValue.object([
                "queue": .string(name), done: .integer(Int64(count)),
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

    /// Drops the messages of the record, whatever they are by now: none comes back here, and what
    /// told that one had died may be gone. What is not there is passed over.
    mutating func purge(_ event: Purged, at offset: Offset) {
        guard let queue = queues[event.queue] else { return }
        var dropped: [Message] = []
        for number in event.messages {
            guard let message = queue.messages.remove(number) else { continue }
            switch message.state {
            case .inFlight: queue.inFlight -= 1
            case .delayed: queue.delayedCount -= 1
            case .dead: queue.deadCount -= 1
            case .waiting, .done: break
            }
            // A dead letter has left its group, and all that holds messages which wait.
            if !message.isDead { dropped.append(message) }
            message.state = .done
            message.dropContent(budget)
        }
        if !dropped.isEmpty { queue.forget(dropped, at: offset) }
        removeIfOver(queue)
    }
}

extension Message {
    /// Whether a purge takes it: one of dead letters, or one of what waits.
    fileprivate func isPurged(asDead: Bool) -> Bool { asDead ? isDead : isQueued }
}
