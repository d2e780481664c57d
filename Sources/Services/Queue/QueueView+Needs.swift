package import Events
package import Primitives

extension QueueView {
    /// Whether the record of `event` at `offset` has to be kept so that folding what is kept makes
    /// the same queues as folding all.
    ///
    /// What is asked of older records must be answered for them, too: an acknowledgement may go
    /// only where its message went.
    package func needs(_ event: QueueEvent, at offset: Offset) -> Bool {
        switch event {
        case .defined(let event): needs(event, at: offset)
        case .subscribed(let event):
            isOfSetup(offset, Self.subscriptionQueue(topic: event.topic, function: event.function))
        case .unsubscribed(let event):
            isOfSetup(offset, Self.subscriptionQueue(topic: event.topic, function: event.function))
        case .enqueued(let event):
            event.target == nil
                ? isWaitedFor(offset, in: queues(ofTopic: event.queue))
                : message(offset, in: event.queue) != nil
        case .delivered(let event): needsAttempt(event.message, event.queue, offset)
        case .retried(let event): needsAttempt(event.message, event.queue, offset)
        case .deadLettered(let event): needsAttempt(event.message, event.queue, offset)
        case .redriven(let event): needsAttempt(event.message, event.queue, offset)
        case .acked(let event): isWaitedForBesides(event.queue, event.message)
        case .discarded(let event): isWaitedForBesides(event.queue, event.message)
        case .purged(let event):
            event.messages.contains { isWaitedForBesides(event.queue, $0) }
        }
    }

    /// Whether a message that records of `queue` tell of is still there, in that queue or in
    /// another one of its topic.
    package func hasMessage(_ message: Offset, of queue: String) -> Bool {
        self.message(message, in: queue) != nil || isWaitedForBesides(queue, message)
    }

    /// The last definitions count; of a subscription's queue all since it was made, as they say how
    /// its messages are ordered.
    private func needs(_ event: QueueDefined, at offset: Offset) -> Bool {
        guard let queue = queues[event.queue] else { return false }
        if queue.subscription != nil { return isOfSetup(offset, event.queue) }
        let last = event.isConfigured ? queue.configuredBy : queue.defined
        return last.map { $0 <= offset } ?? true
    }

    /// A subscription that is over, and has left nothing, need not be known; nor one of before, of
    /// which nothing was left when it was made anew.
    private func isOfSetup(_ offset: Offset, _ name: String) -> Bool {
        guard let queue = queues[name] else { return false }
        return queue.begun.map { $0 <= offset } ?? true
    }

    /// Of a message that is over here, and still in another queue of its topic, all that happened
    /// here stays: what ended it rests on that, and so does what came behind it in its group.
    private func needsAttempt(_ number: Offset, _ name: String, _ offset: Offset) -> Bool {
        guard let queue = queues[name] else { return false }
        guard let message = queue.messages[number] else {
            return queue.attemptsFrom <= offset && isWaitedForBesides(name, number)
        }
        return message.attemptsFrom <= offset
    }

    /// Whether another subscription of the topic still has the message that is over in `queue`: its
    /// record stays then, and must not come back here. The topic stands before one of the `::` of
    /// the name; whose that is by now, says nothing of whose it was.
    private func isWaitedForBesides(_ queue: String, _ message: Offset) -> Bool {
        guard !topics.isEmpty else { return false }
        let name = queue.utf8
        return name.indices.contains { end in
            name[end...].starts(with: "::".utf8)
                && isWaitedFor(message, in: queues(ofTopic: String(queue[..<end])))
        }
    }

    private func isWaitedFor(_ message: Offset, in names: [String]) -> Bool {
        names.contains { self.message(message, in: $0) != nil }
    }
}
