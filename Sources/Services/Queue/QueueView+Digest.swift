import DequeModule
import Events
import Primitives

extension QueueView {
    /// A hash of the content: of every queue, its settings and messages, in order.
    ///
    /// Equal contents have equal digests in every process and whatever happened before: FNV-1a over
    /// the queues in the order of their names and their messages in that of their offsets, which
    /// stand for their contents. Whether a message's delay is over depends on the clock and not on
    /// the log: it does not count.
    package func digest() -> UInt64 {
        var hash = ContentHash()
        for name in queues.keys.sorted() {
            guard let queue = queues[name] else { continue }
            hash.add(name)
            hash.add(queue.settings)
            hash.add(queue.subscription, isEnded: queue.isEnded)
            // Not told by the records of older engines, whose digests stay as they were.
            if let configured = queue.configured { hash.add(configured) }
            hash.add(UInt64(queue.inFlight))
            hash.add(UInt64(queue.deadCount))
            hash.add(UInt64(queue.messages.count))
            for message in queue.messages.inOrder { hash.add(message) }
            for group in queue.groups.keys.sorted() {
                hash.add(group)
                for message in queue.groups[group] ?? [] { hash.add(message.offset.rawValue) }
            }
        }
        for topic in topicNames {
            hash.add(topic)
            for queue in queues(ofTopic: topic) { hash.add(queue) }
        }
        return hash.value
    }
}

extension ContentHash {
    fileprivate mutating func add(_ settings: QueueSettings) {
        add(UInt8(settings.fifo ? 1 : 0))
        add(UInt64(settings.concurrency))
        add(UInt64(settings.attempts))
        add(UInt64(bitPattern: settings.backoff.nanoseconds))
        add(settings.groupField)
    }

    fileprivate mutating func add(_ subscription: Subscribed?, isEnded: Bool) {
        guard let subscription else { return add(UInt8(0)) }
        add(UInt8(isEnded ? 2 : 1))
        add(subscription.topic)
        add(subscription.function)
        add(subscription.condition)
    }

    fileprivate mutating func add(_ message: Message) {
        add(message.offset.rawValue)
        add(message.target.function)
        add(message.group)
        add(message.released.rawValue)
        add(UInt64(message.failures))
        switch message.state {
        case .waiting, .delayed: add(UInt8(0))
        case .inFlight(let since):
            add(UInt8(1))
            add(UInt64(bitPattern: since.nanoseconds))
        case .dead(let error, let at):
            add(UInt8(2))
            add(error.code)
            add(error.message)
            add(UInt64(bitPattern: at.nanoseconds))
        case .done: add(UInt8(3))
        }
    }
}
