import DequeModule
package import Events
import Primitives

/// One queue: a function queue, or a topic's queue for one subscription.
///
/// Invariants:
/// * `messages` holds every message that is not done, dead letters included.
/// * `inFlight` counts the messages whose state is `.inFlight`.
/// * Of a group, only the first message is in `ready`, delayed or in flight; the rest wait in
///   `groups`.
package struct QueueState {
    package internal(set) var settings: QueueSettings
    /// The subscription that it serves; nil: a function queue.
    package let subscription: Subscribed?
    package internal(set) var inFlight = 0
    package internal(set) var deadCount = 0
    var messages: [Offset: Message] = [:]
    var ready = Ready()
    /// Messages behind the first of their group.
    var groups: [String: Deque<Message>] = [:]
    /// Messages whose function no live worker serves: no attempt is spent on them.
    var held: [FunctionName: [Message]] = [:]

    init(settings: QueueSettings, subscription: Subscribed? = nil) {
        self.settings = settings
        self.subscription = subscription
    }

    /// Messages that wait, are delayed or in flight.
    package var depth: Int { messages.count - deadCount }

    mutating func add(_ message: Message) {
        messages[message.offset] = message
        // What an earlier turn left among the ready ones is stale, also while it waits in a group.
        message.turn += 1
        guard let group = message.group else { return ready.append(message) }
        if groups[group]?.append(message) == nil {
            groups[group] = []
            ready.append(message)
        }
    }

    /// Ends a message's turn in its group, by the record at `offset`: the next one may go.
    mutating func releaseGroup(of message: Message, at offset: Offset) {
        guard let group = message.group else { return }
        guard let next = groups[group]?.popFirst() else { return groups[group] = nil }
        next.released = offset
        ready.comeBack(next)
    }
}
