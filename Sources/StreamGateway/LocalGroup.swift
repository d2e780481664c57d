import Engine
import Primitives
import Stream

/// A group of a stream and who on this event loop has subscribed to it.
final class LocalGroup {
    let name: StreamGroup
    private(set) var subscriptions: [Subscription] = []
    /// Pushed, and not handed to the sockets yet.
    var pending: [StreamMessage] = []
    private var eventsCount = 0

    final class Subscription {
        let group: LocalGroup
        let subscriber: Subscriber
        /// Nil: all of the group.
        let item: String?
        fileprivate var place: Int

        init(_ group: LocalGroup, _ subscriber: Subscriber, item: String?, place: Int) {
            self.group = group
            self.subscriber = subscriber
            self.item = item
            self.place = place
        }
    }

    init(_ name: StreamGroup) { self.name = name }

    var isEmpty: Bool { subscriptions.isEmpty }
    var hasEvents: Bool { eventsCount > 0 }
    var hasSockets: Bool { eventsCount < subscriptions.count }

    func add(_ subscriber: Subscriber, item: String?) -> Subscription {
        let made = Subscription(self, subscriber, item: item, place: subscriptions.count)
        subscriptions.append(made)
        if subscriber.wantsEvents { eventsCount += 1 }
        return made
    }

    /// The last one takes its place.
    func remove(_ subscription: Subscription) {
        let last = subscriptions.removeLast()
        if last !== subscription {
            subscriptions[subscription.place] = last
            last.place = subscription.place
        }
        if subscription.subscriber.wantsEvents { eventsCount -= 1 }
    }
}
