import Events
import Folding
import Primitives
import Queue

/// Follows every message by code of its own, and compares its counts with the engine's fold.
///
/// What a loss or the start of a shortened log hides contradicts nothing: only what is there is
/// held against what is there. Memory grows with the messages that are pending, not with the log.
struct QueueCheck {
    private struct Message {
        var attempt: UInt32 = 0
        var failures: UInt32 = 0
        /// Its delivery that did not end, since the engine's last start.
        var delivery: Offset?
        var isDead = false
    }

    private struct Counts {
        var enqueued = 0
        var acked = 0
        var discarded = 0
        var purged = 0
    }

    private var queues: [String: [Offset: Message]] = [:]
    private var counts: [String: Counts] = [:]
    private var subscriptions: [String: [String]] = [:]
    /// The queues of subscriptions that are over: they get nothing, and deliver nothing.
    private var ended: Set<String> = []
    /// Deliveries of queues that are gone: they end all the same.
    private var orphans: Set<Offset> = []

    private var record: (offset: Offset, kind: UInt8, cause: Offset?) = (.zero, 0, nil)
    private var isLenient = false
    private var findings = Findings()

    /// What was found since the last call.
    mutating func takeFindings() -> Findings {
        defer { findings = Findings() }
        return findings
    }

    /// The engine started: no delivery of the run before ends any more.
    mutating func restart() {
        orphans = []
        for queue in queues.keys {
            guard let open = queues[queue]?.filter({ $0.value.delivery != nil }) else { continue }
            for message in open.keys { queues[queue]?[message]?.delivery = nil }
        }
    }

    /// `isLenient`: records are missing before this one.
    mutating func check(_ event: QueueEvent, _ record: LogRecord, isLenient: Bool) {
        self.record = (record.offset, record.kind, record.cause)
        self.isLenient = isLenient
        switch event {
        case .defined(let event): queues[event.queue] = queues[event.queue] ?? [:]
        case .subscribed(let event): subscribe(event)
        case .unsubscribed(let event): unsubscribe(event)
        case .enqueued(let event):
            let names = event.target == nil ? subscriptions[event.queue] ?? [] : [event.queue]
            for name in names {
                queues[name, default: [:]][record.offset] = Message()
                counts[name, default: Counts()].enqueued += 1
            }
        case .delivered(let event): deliver(event)
        case .acked(let event):
            end(event.queue, event.message) { _, _ in true }
        case .retried(let event):
            end(event.queue, event.message) { message, check in
                check.failed(&message, event.failures)
                return false
            }
        case .deadLettered(let event): bury(event)
        case .redriven(let event): redrive(event)
        case .discarded(let event): discard(event)
        case .purged(let event): purge(event)
        }
    }

    private mutating func tell(_ text: String) {
        findings.add(record.offset, record.kind, text)
    }

    // MARK: Queues

    private mutating func subscribe(_ event: Subscribed) {
        let name = QueueView.subscriptionQueue(topic: event.topic, function: event.function)
        let known = queues.updateValue(queues[name] ?? [:], forKey: name)
        // One that had ended takes over what was left.
        guard known == nil || ended.remove(name) != nil else { return }
        subscriptions[event.topic, default: []].append(name)
    }

    private mutating func unsubscribe(_ event: Unsubscribed) {
        let name = QueueView.subscriptionQueue(topic: event.topic, function: event.function)
        subscriptions[event.topic]?.removeAll { $0 == name }
        if event.keepsMessages {
            if queues[name] != nil { ended.insert(name) }
            return
        }
        let dropped = queues.removeValue(forKey: name) ?? [:]
        orphans.formUnion(dropped.values.compactMap(\.delivery))
        counts[name] = nil
        ended.remove(name)
    }

    // MARK: Messages

    private mutating func deliver(_ event: Delivered) {
        let number = event.message
        guard var message = queues[event.queue]?[number] else {
            if !isLenient {
                tell("its message \(number) of queue \(event.queue) is not pending")
            }
            return
        }
        if ended.contains(event.queue), !isLenient {
            tell("message \(number) of queue \(event.queue), whose subscription has ended")
        }
        if let open = message.delivery, !isLenient {
            tell("message \(number) of queue \(event.queue) is still out, by delivery \(open)")
        }
        if message.isDead, !isLenient {
            tell("message \(number) of queue \(event.queue) is a dead letter")
        }
        if event.attempt < message.attempt, !isLenient {
            tell(
                "attempt \(event.attempt) of message \(number) of queue \(event.queue) follows "
                    + "attempt \(message.attempt)"
            )
        } else if event.attempt != message.failures + 1, !isLenient {
            tell(
                "attempt \(event.attempt) of message \(number) of queue \(event.queue) follows "
                    + "\(Text.count(Int(message.failures), "failure"))"
            )
        }
        message.attempt = event.attempt
        message.delivery = record.offset
        queues[event.queue]?[number] = message
    }

    /// Ends the delivery that the record's cause is. `body` changes the message, and says whether
    /// it is done.
    private mutating func end(
        _ queue: String,
        _ number: Offset,
        _ body: (inout Message, inout QueueCheck) -> Bool
    ) {
        guard let delivery = record.cause else {
            return tell("it ends a delivery and does not say which")
        }
        if orphans.remove(delivery) != nil { return }
        guard var message = queues[queue]?[number] else {
            if !isLenient { tell("it ends delivery \(delivery), which is not open") }
            return
        }
        if message.delivery != delivery, !isLenient {
            tell("it ends delivery \(delivery), which is not open")
        }
        message.delivery = nil
        if body(&message, &self) {
            queues[queue]?[number] = nil
            counts[queue, default: Counts()].acked += 1
        } else {
            queues[queue]?[number] = message
        }
    }

    private mutating func failed(_ message: inout Message, _ failures: UInt32) {
        if failures != message.failures + 1, !isLenient {
            tell("failure \(failures) follows failure \(message.failures)")
        }
        message.failures = failures
    }

    private mutating func bury(_ event: DeadLettered) {
        // What cannot be read is buried without a delivery; its cause is the message.
        if record.cause == event.message {
            if queues[event.queue]?[event.message] == nil, !isLenient {
                tell("its message \(event.message) of queue \(event.queue) is not pending")
            }
            queues[event.queue]?[event.message]?.isDead = true
            return
        }
        end(event.queue, event.message) { message, check in
            check.failed(&message, event.failures)
            message.isDead = true
            return false
        }
    }

    private mutating func redrive(_ event: Redriven) {
        guard queues[event.queue]?[event.message]?.isDead == true else {
            if !isLenient {
                tell("message \(event.message) of queue \(event.queue) is no dead letter")
            }
            return
        }
        queues[event.queue]?[event.message] = Message()
    }

    private mutating func discard(_ event: Discarded) {
        let message = queues[event.queue]?.removeValue(forKey: event.message)
        if message?.isDead != true, !isLenient {
            tell("message \(event.message) of queue \(event.queue) is no dead letter")
        }
        if message != nil { counts[event.queue, default: Counts()].discarded += 1 }
    }

    private mutating func purge(_ event: Purged) {
        for number in event.messages {
            guard let message = queues[event.queue]?.removeValue(forKey: number) else {
                if !isLenient {
                    tell("its message \(number) of queue \(event.queue) is not pending")
                }
                continue
            }
            counts[event.queue, default: Counts()].purged += 1
            let isMeant = message.isDead == event.areDead && message.delivery == nil
            if !isMeant, !isLenient {
                let what = event.areDead ? "is no dead letter" : "does not wait"
                tell("message \(number) of queue \(event.queue) \(what)")
            }
        }
    }

    // MARK: The end

    /// Compares with the engine's fold of the same records: enqueued = acked + discarded + purged +
    /// dead + pending, in every queue.
    mutating func compare(with view: QueueView) {
        for name in Set(queues.keys).union(view.queues.keys).sorted() {
            let messages = queues[name] ?? [:]
            let count = counts[name] ?? Counts()
            let dead = view.queues[name]?.deadCount ?? 0
            let pending = view.queues[name]?.depth ?? 0
            let ended = count.acked + count.discarded + count.purged
            if count.enqueued != ended + dead + pending {
                findings.add(
                    "queue \(name): \(count.enqueued) enqueued are not \(count.acked) acked, "
                        + "\(count.discarded) discarded, \(count.purged) purged, \(dead) dead and "
                        + "\(pending) pending"
                )
            }
            let ownDead = messages.values.count { $0.isDead }
            if ownDead != dead {
                findings.add("queue \(name): \(ownDead) dead letters, the fold has \(dead)")
            }
        }
    }
}
