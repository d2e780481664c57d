import DequeModule
package import Events
package import Primitives

/// What became of a queue's messages. No part of the fold: it tells of one life of the engine.
package struct QueueTally: Equatable, Sendable {
    package internal(set) var delivered: UInt64 = 0
    package internal(set) var acked: UInt64 = 0
    package internal(set) var retried: UInt64 = 0
    package internal(set) var dead: UInt64 = 0
}

/// One queue: a function queue, or a topic's queue for one subscription.
///
/// Invariants:
/// * `messages` holds every message that is not done, dead letters included.
/// * `inFlight` counts the messages whose state is `.inFlight`.
/// * Of a group, only the first message is in `ready`, delayed or in flight; the rest wait in
///   `groups`, and are `isBehind`.
///
/// A class, so that the many steps of a message's life find it once and copy nothing.
package final class QueueState {
    package internal(set) var settings: QueueSettings
    /// The subscription that it serves; nil: a function queue.
    package let subscription: Subscribed?
    /// Whether that subscription has ended: then no message comes, and none goes to its function.
    package internal(set) var isEnded = false
    /// The record that made it, as that of a subscription; nil: another made it, or it was in the
    /// snapshot that the fold began with, which does not tell.
    var begun: Offset?
    /// Of a message that is over here, attempts before this record are history: the queue was made
    /// by it, or a redrive has made some of them history, which they stay when nobody knows any
    /// more whose they were. No part of a snapshot: behind one more is kept.
    var attemptsFrom = Offset.zero
    /// The record that defined it last; nil: none did, or one before that snapshot.
    var defined: Offset?
    /// The last one that says what the configuration does; nil: as above.
    var configuredBy: Offset?
    /// What the configuration said of it last; nil: nothing, or the log does not tell.
    package internal(set) var configured: QueueSettings?
    /// What became of its messages since ``QueueView/beginTallies()``.
    package internal(set) var tally = QueueTally()
    package internal(set) var inFlight = 0
    /// Messages whose state is `.delayed`.
    package internal(set) var delayedCount = 0
    package internal(set) var deadCount = 0
    var messages = MessageIndex()
    var ready = ReadyQueue()
    /// Messages behind the first of their group.
    var groups: [String: Deque<Message>] = [:]
    /// Messages whose function no live worker serves, by their target: no attempt is spent on them.
    /// Further messages of a target that is here are held at once.
    var held: [ObjectIdentifier: [Message]] = [:]
    /// Messages that the disk did not give: see ``QueueView/putAside(_:of:now:)``.
    var refused = UnreadableMessages()
    /// The target of the last message that was added: mostly that of the next one, too.
    var recentTarget: Target?
    /// How many messages the live triggers of its subscription take at the same time, together
    /// (services 2, A.8); nil: none is there. No part of the fold.
    package var consumers: UInt32?
    /// Whether the engine is delivering from it: a delivery that ends at once must not begin again.
    package var isPumping = false
    /// Whether nothing is delivered from it: see ``QueueView/pause(_:until:)``.
    var isPaused = false

    init(settings: QueueSettings, subscription: Subscribed? = nil) {
        self.settings = settings
        self.subscription = subscription
    }

    /// The function that is asked about each message before that runs; nil: none is.
    package var condition: FunctionName? {
        guard let subscription, let id = subscription.condition else { return nil }
        return FunctionName(namespace: subscription.function.namespace, id: id)
    }

    /// How many messages may be in flight.
    package var places: UInt32 { consumers ?? settings.concurrency }

    /// Messages that wait, are delayed or in flight.
    package var depth: Int { messages.count - deadCount }

    /// The oldest message that waits, for room, for a worker or for the disk; nil: none does, but
    /// perhaps behind others of its group.
    package var oldestWaiting: Offset? {
        var oldest = ready.first()?.offset
        for put in held.values {
            if let first = put.first(where: { $0.isWaiting })?.offset {
                oldest = min(oldest ?? first, first)
            }
        }
        for message in refused.messages where message.isWaiting {
            oldest = min(oldest ?? message.offset, message.offset)
        }
        return oldest
    }

    /// Messages that wait and whose function no live worker serves, by function, at most `limit` of
    /// those. A worker would not help what is left of a subscription that has ended.
    package func unserved(limit: Int) -> [(function: FunctionName, count: Int)] {
        guard !isEnded else { return [] }
        return held.values.prefix(limit).compactMap { put in
            put.first.map { ($0.target.function, put.count) }
        }
    }

    func add(_ message: Message) {
        messages.insert(message)
        // What an earlier turn left among the ready ones is stale, also while it waits in a group.
        message.turn &+= 1
        guard let group = message.group else { return makeReady(message) }
        message.isBehind = groups[group]?.append(message) != nil
        guard !message.isBehind else { return }
        groups[group] = []
        makeReady(message)
    }

    private func makeReady(_ message: Message) {
        if held.isEmpty || held[ObjectIdentifier(message.target)]?.append(message) == nil {
            ready.append(message)
        }
    }

    /// Ends a message's turn in its group, by the record at `offset`: the next one may go.
    func releaseGroup(of message: Message, at offset: Offset) {
        if let group = message.group { releaseNext(of: group, at: offset) }
    }

    private func releaseNext(of group: String, at offset: Offset) {
        guard let next = groups[group]?.popFirst() else { return groups[group] = nil }
        next.isBehind = false
        next.released = offset
        ready.reinsert(next)
    }

    /// Forgets messages that were not dead and are done, by the record at `offset`: of a group
    /// whose first was among them, the next one may go. That may be out already, where what told of
    /// the first one's death is gone.
    func forget(_ dropped: [Message], at offset: Offset) {
        var leaderless: [String: Bool] = [:]
        for message in dropped {
            guard let group = message.group else { continue }
            leaderless[group] = !message.isBehind || leaderless[group] == true
        }
        // In an order of its own: a dictionary's is another in every process.
        for (group, isLeaderless) in leaderless.sorted(by: { $0.key < $1.key }) {
            groups[group]?.removeAll { $0.state == .done }
            if isLeaderless { releaseNext(of: group, at: offset) }
        }
        held = held.mapValues { $0.filter(\.isWaiting) }.filter { !$0.value.isEmpty }
        refused.messages.removeAll { !$0.isWaiting }
        ready.dropStale()
    }
}
