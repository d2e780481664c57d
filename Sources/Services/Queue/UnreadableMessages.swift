import DequeModule
package import Primitives

/// Messages of one queue that the disk did not give when they were to be delivered. No part of the
/// fold: each of them waits, to the log, where it always did.
///
/// They are tried again one at a time, in turn, and less and less often: when the disk gives one,
/// all others are tried as well.
struct UnreadableMessages {
    /// Of those the first is tried next.
    var messages: Deque<Message> = []
    /// The one that was let go last, to be tried for all of them.
    var probe: Message?
    /// How long until the next one is tried.
    var rest = Timestamp.Span(nanoseconds: Limits.unreadableRest)
    /// How many the disk has refused since it gave one, or the queue rested.
    var inARow = 0

    mutating func lengthenRest() {
        let longer = min(2 * rest.nanoseconds, Limits.unreadableRestMax)
        rest = Timestamp.Span(nanoseconds: longer)
    }

    /// The next one that is to be tried; nil: none waits any more.
    mutating func takeProbe() -> Message? {
        probe = nil
        while let message = messages.popFirst() {
            message.isRefused = false
            guard message.isWaiting else { continue }
            probe = message
            return message
        }
        return nil
    }
}

extension QueueView {
    /// Puts the next message of a queue aside: the disk does not give it for the moment. It keeps
    /// its place and its attempts, and holds up none but those of its group. A queue of which much
    /// is refused rests.
    ///
    /// - Returns: whether it is the only one of its queue: that is to be told.
    package mutating func putAside(
        _ message: Message,
        of name: String,
        now: Timestamp
    ) -> Bool {
        guard let queue = queues[name] else { return false }
        let isFirst = queue.refused.messages.isEmpty && queue.refused.probe == nil
        // Its entry among the ready ones is stale by that.
        message.turn &+= 1
        message.isRefused = true
        queue.refused.messages.append(message)
        if queue.refused.probe === message {
            queue.refused.probe = nil
            queue.refused.lengthenRest()
            refusedDue[name] = now.advanced(by: queue.refused.rest)
            return false
        }
        if refusedDue[name] == nil { refusedDue[name] = now.advanced(by: queue.refused.rest) }
        queue.refused.inARow += 1
        if queue.refused.inARow >= Limits.refusedMessages {
            queue.refused.inARow = 0
            let rest = Timestamp.Span(nanoseconds: Limits.unreadableRest)
            _ = pause(name, until: now.advanced(by: rest))
        }
        return isFirst
    }

    /// The disk has given a message that was to be delivered: where it was tried for others, those
    /// go as well.
    ///
    /// - Returns: whether there was an end to that: it is to be told.
    package mutating func wasRead(_ message: Message, of name: String) -> Bool {
        guard let queue = queues[name] else { return false }
        queue.refused.inARow = 0
        guard queue.refused.probe === message else { return false }
        for other in queue.refused.messages {
            other.isRefused = false
            if other.isWaiting { queue.ready.reinsert(other) }
        }
        queue.refused = UnreadableMessages()
        refusedDue[name] = nil
        return true
    }

    /// Lets one message go of each queue whose refused ones are to be tried again.
    ///
    /// - Returns: those queues, in order.
    mutating func takeRefused(now: Timestamp) -> [String] {
        guard !refusedDue.isEmpty else { return [] }
        var names: [String] = []
        for name in refusedDue.filter({ $0.value <= now }).keys.sorted() {
            refusedDue[name] = nil
            guard let queue = queues[name] else { continue }
            guard let message = queue.refused.takeProbe() else {
                queue.refused = UnreadableMessages()
                continue
            }
            queue.ready.reinsert(message)
            // Where it is not delivered, as it was dropped or nobody serves it, the next one is.
            refusedDue[name] = now.advanced(by: queue.refused.rest)
            names.append(name)
        }
        return names
    }
}
