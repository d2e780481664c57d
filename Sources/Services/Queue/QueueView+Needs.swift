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
        case .defined, .subscribed, .unsubscribed: true
        case .enqueued(let event):
            event.target == nil
                ? isWaitedFor(offset, in: queues(ofTopic: event.queue))
                : message(offset, in: event.queue) != nil
        case .delivered(let event): message(event.message, in: event.queue) != nil
        case .retried(let event): message(event.message, in: event.queue) != nil
        case .deadLettered(let event): message(event.message, in: event.queue) != nil
        case .redriven(let event): message(event.message, in: event.queue) != nil
        case .acked(let event): isWaitedForBesides(event.queue, event.message)
        case .discarded(let event): isWaitedForBesides(event.queue, event.message)
        case .purged(let event):
            event.messages.contains { isWaitedForBesides(event.queue, $0) }
        }
    }

    /// Whether another subscription of the topic still has the message that is over in `queue`: its
    /// record stays then, and must not come back here. The topic stands before one of the `::` of
    /// the name; whose that is by now, says nothing of whose it was.
    private func isWaitedForBesides(_ queue: String, _ message: Offset) -> Bool {
        let name = Array(queue.utf8)
        let colon = UInt8(ascii: ":")
        return name.indices.dropLast().contains { end in
            guard name[end] == colon, name[end + 1] == colon else { return false }
            let topic = String(decoding: name[..<end], as: UTF8.self)
            return isWaitedFor(message, in: queues(ofTopic: topic))
        }
    }

    private func isWaitedFor(_ message: Offset, in names: [String]) -> Bool {
        names.contains { self.message(message, in: $0) != nil }
    }
}
