import Events
import Primitives
import Queue

/// A random history of two queues, a topic with two subscriptions, some keys and some items.
struct RandomWork {
    private(set) var story = Story()
    private var entropy: SeededEntropy
    private var waiting: [Place] = []
    private var dead: [Place] = []
    private var items: Set<String> = []

    /// A message in one of the queues that have it.
    private struct Place {
        let queue: String
        let message: Offset
    }

    private static let subscriptions = [
        Story.subscribed,
        Subscribed(
            topic: Story.subscribed.topic,
            function: FunctionName(id: "greet::also"),
            condition: nil,
            settings: .standard
        ),
    ]

    private static let topicQueues = subscriptions.map {
        QueueView.subscriptionQueue(topic: $0.topic, function: $0.function)
    }

    init(seed: UInt64) {
        entropy = SeededEntropy(seed: seed)
        for subscription in Self.subscriptions {
            story.add(.queue(.subscribed(subscription)), trace: nil)
        }
        for _ in 0..<600 { step() }
    }

    private mutating func step() {
        switch entropy.next() % 14 {
        case 0...2:
            let queue = entropy.next() % 2 == 0 ? "q" : "r"
            let message = story.enqueue(queue, "f", at: 0, cause: nil)
            waiting.append(Place(queue: queue, message: message))
        case 3:
            let message = story.enqueue(Story.subscribed.topic, nil, at: 0, cause: nil)
            waiting += Self.topicQueues.map { Place(queue: $0, message: message) }
        case 4...8 where !waiting.isEmpty: deliver()
        case 9:
            let deleted = StateDeleted(scope: "s", key: "k\(entropy.next() % 9)")
            story.add(.state(.deleted(deleted)))
        case 10: changeItem()
        case 11 where !dead.isEmpty: mend()
        case 12 where entropy.next() % 4 == 0: dropAll()
        default:
            let set = StateSet(
                scope: "s",
                key: "k\(entropy.next() % 9)",
                value: Story.json("\(entropy.next() % 1000)"),
                function: "state::set"
            )
            story.add(.state(.set(set)))
        }
    }

    private mutating func pick(_ count: Int) -> Int { Int(entropy.next() % UInt64(count)) }

    private mutating func deliver() {
        let index = pick(waiting.count)
        let place = waiting.remove(at: index)
        let delivery = story.deliver(place.message, of: place.queue, at: 0)
        guard entropy.next() % 4 == 0 else {
            return story.ack(delivery, place.message, of: place.queue, at: 0)
        }
        let letter = DeadLettered(
            queue: place.queue,
            message: place.message,
            failures: 1,
            error: ErrorBody(code: "e", message: "m")
        )
        story.add(.queue(.deadLettered(letter)), cause: delivery)
        dead.append(place)
    }

    /// Redrives or discards a dead letter.
    private mutating func mend() {
        let index = pick(dead.count)
        let place = dead.remove(at: index)
        if entropy.next() % 2 == 0 {
            let redriven = Redriven(queue: place.queue, message: place.message)
            story.add(.queue(.redriven(redriven)))
            waiting.append(place)
        } else {
            let discarded = Discarded(queue: place.queue, message: place.message)
            story.add(.queue(.discarded(discarded)))
        }
    }

    /// Drops all that waits, or all that is dead, of one queue.
    private mutating func dropAll() {
        let names = ["q", "r"] + Self.topicQueues
        let queue = names[pick(names.count)]
        let areDead = entropy.next() % 2 == 0
        let places = (areDead ? dead : waiting).filter { $0.queue == queue }
        guard !places.isEmpty else { return }
        let messages = places.map(\.message).sorted()
        let purged = Purged(queue: queue, by: nil, messages: messages, areDead: areDead)
        story.add(.queue(.purged(purged)))
        if areDead {
            dead.removeAll { $0.queue == queue }
        } else {
            waiting.removeAll { $0.queue == queue }
        }
    }

    private mutating func changeItem() {
        let item = "i\(entropy.next() % 5)"
        let value = Story.json("\(entropy.next() % 1000)")
        if items.contains(item), entropy.next() % 2 == 0 {
            items.remove(item)
            let deleted = StreamDeleted(stream: "board", group: "g", item: item, old: value)
            story.add(.stream(.deleted(deleted)))
        } else {
            let set = StreamSet(
                stream: "board",
                group: "g",
                item: item,
                value: value,
                isNew: items.insert(item).inserted,
                function: "stream::set"
            )
            story.add(.stream(.set(set)))
        }
    }
}
