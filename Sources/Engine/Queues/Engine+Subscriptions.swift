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

/// A function that would be asked about messages of topics, and that nobody serves.
struct AwaitedCondition {
    /// Those with messages that wait for it.
    var queues: Set<String>
    /// When its worker is not expected back any more, in monotonic nanoseconds.
    let deadline: UInt64
}

/// How many messages the live triggers of topics take at the same time: each that a worker has adds
/// its own to those of the same subscription (services 2, A.8). Those that belong to no worker are
/// wishes, and not consumers: where there are no others, the largest counts.
struct TopicConsumers {
    private struct Place {
        let concurrency: UInt32
        let isOfWorker: Bool
    }

    /// By queue, and by the trigger's id.
    private var places: [String: [String: Place]] = [:]
    /// The queue of each trigger, and its topic.
    private var homes: [String: (queue: String, topic: String)] = [:]
    /// How many triggers each topic has, at all its queues; never zero.
    private var counts: [String: Int] = [:]

    /// Adds a trigger, which is not there, to a queue of a topic.
    mutating func add(
        _ trigger: String,
        to queue: String,
        of topic: String,
        _ concurrency: UInt32,
        isOfWorker: Bool
    ) {
        homes[trigger] = (queue, topic)
        counts[topic, default: 0] += 1
        let place = Place(concurrency: concurrency, isOfWorker: isOfWorker)
        places[queue, default: [:]][trigger] = place
    }

    /// - Returns: the queue that it was of; nil: it is none of a topic.
    mutating func remove(_ trigger: String) -> String? {
        guard let (queue, topic) = homes.removeValue(forKey: trigger) else { return nil }
        let left = (counts[topic] ?? 1) - 1
        counts[topic] = left > 0 ? left : nil
        places[queue]?[trigger] = nil
        if places[queue]?.isEmpty == true { places[queue] = nil }
        return queue
    }

    /// How many triggers a topic has.
    func count(of topic: String) -> Int { counts[topic] ?? 0 }

    /// How many that makes for a queue; nil: it has no trigger.
    func total(of queue: String) -> UInt32? {
        guard let all = places[queue]?.values else { return nil }
        let live = all.filter(\.isOfWorker)
        guard !live.isEmpty else { return all.map(\.concurrency).max() }
        return UInt32(clamping: live.reduce(0) { $0 + UInt64($1.concurrency) })
    }
}

extension Engine where Store: ~Copyable {
    /// A queue trigger makes a subscription, which outlives the worker's connection, and so does
    /// the wish of a cron trigger for the slots that it misses.
    mutating func subscribe(_ trigger: Registry.Trigger) throws(LogError) {
        if let event = views.work.cron.decideAdded(trigger.request.id, now: cronTime) {
            try recordCron(event)
        }
        if !waitingFirings.isEmpty, trigger.type.flatMap({ EngineTriggerType($0) }) == .cron {
            reviseRuns(of: trigger.function)
        }
        guard let subscription = subscription(trigger) else { return }
        let name = Self.queue(of: subscription)
        topicTriggers[name] = .known(metadata: trigger.request.metadata)
        if let event = views.work.queue.decideSubscribe(subscription) {
            let condition = views.work.queue.queues[name]?.condition
            try record(.queue(.subscribed(event)))
            forgetWait(forCondition: condition)
        }
        // It may have been one of another topic.
        removeConsumer(trigger.request.id)
        topicConsumers.add(
            trigger.request.id,
            to: name,
            of: subscription.topic,
            subscription.settings.concurrency,
            isOfWorker: trigger.owner != nil
        )
        countConsumers(of: name)
        try pump(name)
    }

    /// A queue trigger is gone, if only with its worker.
    mutating func removeConsumer(_ trigger: String) {
        if let queue = topicConsumers.remove(trigger) { countConsumers(of: queue) }
    }

    private func countConsumers(of queue: String) {
        guard let state = views.work.queue.queues[queue] else { return }
        state.consumers = topicConsumers.total(of: queue)
    }

    /// Only an explicit unregistration ends a subscription, or another trigger of the same id, and
    /// only with its last trigger; of several, the last one that is left says how it is. What was
    /// not handled stays.
    mutating func unsubscribe(_ trigger: Registry.Trigger) throws(LogError) {
        try forgetCron(trigger)
        guard let subscription = subscription(trigger) else { return }
        let others = registry.triggers.values.filter {
            $0.function == trigger.function
                && self.subscription($0)?.topic == subscription.topic
        }
        if let last = others.max(by: { $0.number < $1.number }) { return try subscribe(last) }
        guard let end = views.work.queue.decideUnsubscribe(subscription) else { return }
        let name = Self.queue(of: subscription)
        topicTriggers[name] = nil
        let condition = views.work.queue.queues[name]?.condition
        try record(.queue(.unsubscribed(end)))
        forgetWait(forCondition: condition)
        guard let left = views.work.queue.queues[name] else { return }
        notice(
            .warning,
            "the subscription of \(end.function) to topic \(end.topic) has ended, and its queue "
                + "\(name) still has messages (\(left.depth) that wait or run, "
                + "\(left.deadCount) dead): they stay for when it is subscribed again, and "
                + "`iii queue purge` and `iii queue discard` drop them"
        )
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

    /// Whether the messages of a queue wait for the function that is asked about them, and that
    /// nobody serves: they spend no attempt for as long as its worker may be about to come back.
    /// Then each attempt fails (services 2, A.9).
    mutating func awaitsCondition(of queue: String, _ state: QueueState) -> Bool {
        guard let condition = state.condition, !isThere(condition) else { return false }
        guard let awaited = awaitedConditions[condition] else {
            let deadline = now.monotonic + UInt64(Limits.workersReturn)
            awaitedConditions[condition] = AwaitedCondition(queues: [queue], deadline: deadline)
            timers.set(.topicCondition(condition), at: deadline)
            return true
        }
        guard now.monotonic < awaited.deadline else { return false }
        awaitedConditions[condition]?.queues.insert(queue)
        return true
    }

    /// A condition has not come in time.
    mutating func endWait(forCondition condition: FunctionName) throws(LogError) {
        // It may have come and gone, and be awaited anew.
        guard let awaited = awaitedConditions[condition], now.monotonic >= awaited.deadline else {
            return
        }
        awaitedConditions[condition]?.queues = []
        for queue in awaited.queues.sorted() { try pump(queue) }
    }

    /// A subscription had this condition, and has ended or changed: where no other has the same
    /// one, nobody waits for it any more.
    private mutating func forgetWait(forCondition condition: FunctionName?) {
        guard let condition, awaitedConditions[condition] != nil else { return }
        let isAsked = views.work.queue.queues.values.contains {
            !$0.isEnded && $0.condition == condition
        }
        if !isAsked { awaitedConditions[condition] = nil }
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
