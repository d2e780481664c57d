import CommitLog
import Cron
import Disk
import Events
import Folding
import JSON
import Primitives
import Queue

// What queue triggers make, and what outlives them. A subscription is a record, and there again
// with the engine; what goes along with its messages is known from its triggers alone, which their
// workers register once more.

/// What is known, in this life of the engine, of the triggers of a topic's queue.
enum TopicTrigger {
    /// None was registered yet, and one may be about to be: messages wait a moment for it.
    case awaited
    /// The metadata of the last one, also while that is gone with its worker; or none came in time.
    case known(metadata: JSONText?)
}

extension Engine where Store: ~Copyable {
    /// A queue trigger makes a subscription, which outlives the worker's connection, and so does
    /// the wish of a cron trigger for the slots that it misses.
    mutating func subscribe(_ trigger: Registry.Trigger) throws(LogError) {
        if let event = views.work.cron.decideAdded(trigger.request.id, now: now.wall) {
            try recordCron(event)
        }
        guard let subscription = subscription(trigger) else { return }
        let name = Self.queue(of: subscription)
        topicTriggers[name] = .known(metadata: trigger.request.metadata)
        if views.work.queue.queues[name]?.subscription != subscription {
            try record(.queue(.subscribed(subscription)))
        }
        try pump(name)
    }

    /// Only an explicit unregistration ends a subscription, or another trigger of the same id, and
    /// only with its last trigger; of several, the last one that is left says how it is.
    mutating func unsubscribe(_ trigger: Registry.Trigger) throws(LogError) {
        try forgetCron(trigger)
        guard let subscription = subscription(trigger) else { return }
        let others = registry.triggers.values.filter {
            $0.function == trigger.function
                && self.subscription($0)?.topic == subscription.topic
        }
        if let last = others.max(by: { $0.number < $1.number }) { return try subscribe(last) }
        topicTriggers[Self.queue(of: subscription)] = nil
        let end = Unsubscribed(topic: subscription.topic, function: trigger.function)
        try record(.queue(.unsubscribed(end)))
    }

    private static func queue(of subscription: Subscribed) -> String {
        QueueView.subscriptionQueue(topic: subscription.topic, function: subscription.function)
    }

    /// The subscription that a trigger makes; nil: it is none of the engine's queues.
    func subscription(_ trigger: Registry.Trigger) -> Subscribed? {
        switch trigger.type.flatMap({ EngineTriggerType($0) }) {
        case .queue, .durableSubscriber: break
        default: return nil
        }
        do throws(ErrorBody) {
            return try QueueTrigger.subscription(
                of: trigger.function,
                config: trigger.request.config
            )
        } catch {
            return nil
        }
    }

    // MARK: What goes along with messages

    /// What the messages of a topic's queue get beside them.
    func metadata(ofTopicQueue queue: String) -> JSONText? {
        guard case .known(let metadata)? = topicTriggers[queue] else { return nil }
        return metadata
    }

    /// Whether the messages of a queue wait for a trigger that says what goes along with them:
    /// after a start of the engine, workers register their functions before their triggers.
    mutating func awaitsTrigger(of queue: String, _ state: QueueState) -> Bool {
        // Builtins have no use for it, and messages for nobody are put aside anyway.
        guard let function = state.subscription?.function, registry.isServed(function) else {
            return false
        }
        switch topicTriggers[queue] {
        case .known?: return false
        case .awaited?: return true
        case nil:
            topicTriggers[queue] = .awaited
            let moment = UInt64(CronView.settling.nanoseconds)
            timers.set(.topicTrigger(queue), at: now.monotonic + moment)
            return true
        }
    }

    func isTriggerAwaited(of queue: String) -> Bool {
        if case .awaited? = topicTriggers[queue] { true } else { false }
    }

    /// Messages do not wait any longer: a worker need not register again what it is subscribed to.
    mutating func endWait(ofTopicQueue queue: String) throws(LogError) {
        guard isTriggerAwaited(of: queue) else { return }
        let function = views.work.queue.queues[queue]?.subscription?.function
        // Who serves it next lets them wait anew.
        let isServed = function.map { registry.isServed($0) } ?? false
        topicTriggers[queue] = isServed ? .known(metadata: nil) : nil
        try pump(queue)
    }
}
