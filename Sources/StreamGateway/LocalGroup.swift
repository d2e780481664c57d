import Engine
import Primitives
import Stream

/// A group of a stream and who on this event loop has subscribed to it.
///
/// What is pushed is told in rounds over the subscriptions, so that the loop can look after other
/// sockets in the middle of one. Whoever's turn comes is told all that there is by then.
///
///     messages  |--------------------|
///               first      floor     end      floor: the end when the round began
///     told          ^         ^      ^        of those whose turn is to come, was, is just now
///
/// Invariants:
/// * A subscription is told every message behind its beginning once, in order.
/// * `first` is at or below what any subscription was told.
final class LocalGroup {
    typealias Send = (EncodedBatch, Subscriber) -> Void

    let name: StreamGroup
    private(set) var subscriptions: [Subscription] = []
    /// Whether it is among the gateway's groups with news.
    var isListed = false
    private var messages: [StreamMessage] = []
    private var first = 0
    // The round under way.
    private var turns: [Subscription] = []
    private var turn = 0
    private var floor = 0
    /// What was encoded last, for each transport, and from which message on up to which.
    private var sockets: (range: Range<Int>, fan: Broadcast)?
    private var events: (range: Range<Int>, fan: Broadcast)?

    final class Subscription {
        let group: LocalGroup
        let subscriber: Subscriber
        /// Nil: all of the group.
        let item: String?
        fileprivate var place: Int
        /// The message that it is told next.
        fileprivate var told: Int
        fileprivate var isGone = false

        fileprivate init(
            _ group: LocalGroup,
            _ subscriber: Subscriber,
            item: String?,
            place: Int,
            told: Int
        ) {
            self.group = group
            self.subscriber = subscriber
            self.item = item
            self.place = place
            self.told = told
        }
    }

    init(_ name: StreamGroup) { self.name = name }

    var isEmpty: Bool { subscriptions.isEmpty }
    /// Whether somebody may not have been told everything.
    var hasNews: Bool { !messages.isEmpty }

    private var end: Int { first + messages.count }

    /// Adds a subscription to what is pushed from now on.
    func add(_ subscriber: Subscriber, item: String?) -> Subscription {
        let made = Subscription(
            self,
            subscriber,
            item: item,
            place: subscriptions.count,
            told: end
        )
        subscriptions.append(made)
        return made
    }

    /// The last one takes its place.
    func remove(_ subscription: Subscription) {
        subscription.isGone = true
        let last = subscriptions.removeLast()
        if last !== subscription {
            subscriptions[subscription.place] = last
            last.place = subscription.place
        }
    }

    func push(_ message: StreamMessage) { messages.append(message) }

    // MARK: Telling

    /// Tells the next subscription whose turn it is, and begins a round where none is under way.
    ///
    /// - Returns: false when the round is over; nobody was told anything then.
    func tellNext(_ send: Send) -> Bool {
        if turns.isEmpty, hasNews {
            turns = subscriptions
            floor = end
        }
        while turn < turns.count {
            let subscription = turns[turn]
            turn += 1
            if tell(subscription, send) { return true }
        }
        turns = []
        turn = 0
        messages.removeFirst(max(0, floor - first))
        first = max(first, floor)
        if !hasNews {
            sockets = nil
            events = nil
        }
        return false
    }

    /// Tells one subscription all that there is for it.
    ///
    /// - Returns: false when there was nothing.
    @discardableResult
    func tell(_ subscription: Subscription, _ send: Send) -> Bool {
        guard !subscription.isGone, subscription.told < end else { return false }
        let subscriber = subscription.subscriber
        let fan = fan(subscription.told..<end, isEvents: subscriber.wantsEvents)
        subscription.told = end
        if let item = subscription.item {
            if let parcel = fan.parcel(of: item) { send(parcel, subscriber) }
        } else {
            send(fan.all, subscriber)
        }
        return true
    }

    /// Most of those whose turn comes in a row are told the same.
    private func fan(_ range: Range<Int>, isEvents: Bool) -> Broadcast {
        if let made = isEvents ? events : sockets, made.range == range { return made.fan }
        let wanted = range.lowerBound - first..<range.upperBound - first
        let fan = Broadcast(Array(messages[wanted]), isEvents: isEvents)
        if isEvents { events = (range, fan) } else { sockets = (range, fan) }
        return fan
    }
}
