package import Events
package import Primitives

// A topic's subscriptions: each has a queue of its own, which outlives it for as long as something
// is left in it. Nothing comes to such a queue and nothing is delivered from it, but what is in it
// is listed, can be redriven, discarded and purged, and is taken over when the same function is
// subscribed to the same topic again.

extension QueueView {
    /// The name of the queue that a topic has for one subscription.
    package static func subscriptionQueue(topic: String, function: FunctionName) -> String {
        func escaped(_ part: String) -> String {
            guard part.utf8.contains(where: { $0 == UInt8(ascii: "@") || $0 == UInt8(ascii: "\\") })
            else { return part }
            return part.reduce(into: "") { text, character in
                if character == "@" || character == "\\" { text.append("\\") }
                text.append(character)
            }
        }
        return "\(topic)::\(escaped(function.id))@\(escaped(function.namespace))"
    }

    /// Those of subscriptions that have ended included, as long as they have messages.
    package func queues(ofTopic topic: String) -> [String] { topics[topic] ?? [] }

    package var topicNames: [String] { topics.keys.sorted() }

    // MARK: Deciding

    /// What makes a subscription that is wanted; nil: there is the same one.
    package func decideSubscribe(_ wanted: Subscribed) -> Subscribed? {
        let name = Self.subscriptionQueue(topic: wanted.topic, function: wanted.function)
        guard let queue = queues[name], queue.subscription == wanted, !queue.isEnded else {
            return wanted
        }
        // Engines of before let `queue::define` change them.
        return queue.settings == wanted.settings ? nil : wanted
    }

    /// What ends a subscription; nil: there is none.
    package func decideUnsubscribe(_ unwanted: Subscribed) -> Unsubscribed? {
        let name = Self.subscriptionQueue(topic: unwanted.topic, function: unwanted.function)
        guard let queue = queues[name], !queue.isEnded, let known = queue.subscription,
            known.topic == unwanted.topic, known.function == unwanted.function
        else { return nil }
        return Unsubscribed(topic: known.topic, function: known.function, keepsMessages: true)
    }

    // MARK: Applying

    mutating func subscribe(_ event: Subscribed, at offset: Offset) {
        let name = Self.subscriptionQueue(topic: event.topic, function: event.function)
        let queue = QueueState(settings: event.settings, subscription: event)
        if let old = queues.updateValue(queue, forKey: name) {
            queue.adopt(old)
            guard old.isEnded else { return }
            // As a new one it is the last of its topic: whether anything was left for it to take
            // over, a log that was shortened does not tell.
            topics[event.topic]?.removeAll { $0 == name }
        } else {
            queue.begun = offset
            queue.attemptsFrom = offset
        }
        topics[event.topic, default: []].append(name)
    }

    mutating func unsubscribe(_ event: Unsubscribed) {
        let name = Self.subscriptionQueue(topic: event.topic, function: event.function)
        guard let queue = queues[name] else { return }
        if event.keepsMessages {
            queue.isEnded = queue.subscription != nil
            return removeIfOver(queue)
        }
        for message in queue.messages.inOrder {
            message.state = .done
            message.dropContent(budget)
        }
        remove(name, ofTopic: event.topic)
    }

    /// The queue of a subscription that has ended goes with its last message.
    mutating func removeIfOver(_ queue: QueueState) {
        guard queue.isEnded, queue.messages.count == 0, let known = queue.subscription else {
            return
        }
        let name = Self.subscriptionQueue(topic: known.topic, function: known.function)
        remove(name, ofTopic: known.topic)
    }

    private mutating func remove(_ name: String, ofTopic topic: String) {
        queues[name] = nil
        topics[topic]?.removeAll { $0 == name }
        if topics[topic]?.isEmpty == true { topics[topic] = nil }
    }
}

extension QueueState {
    /// Takes over the messages of the queue that had this name with other settings.
    fileprivate func adopt(_ old: QueueState) {
        begun = old.begun
        attemptsFrom = old.attemptsFrom
        messages = old.messages
        ready = old.ready
        groups = old.groups
        held = old.held
        refused = old.refused
        inFlight = old.inFlight
        delayedCount = old.delayedCount
        deadCount = old.deadCount
        tally = old.tally
        consumers = old.consumers
    }
}
