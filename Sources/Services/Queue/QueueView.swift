import HeapModule
package import Events
package import Primitives

/// Which messages wait, are delayed, delivered or dead, in every queue.
///
/// A fold over ``QueueEvent``: `decide…` reads and may refuse, ``apply(_:at:time:trace:)`` changes
/// and cannot. What cannot be folded (which functions have a live worker) is asked of the caller
/// when the next message is looked for.
///
/// Invariants:
/// * A message is in exactly one queue and one ``Message/State``.
/// * enqueued = acked + discarded + purged + dead + (waiting, delayed, in flight).
package struct QueueView {
    package internal(set) var queues: [String: QueueState] = [:]
    /// The queues of a topic's subscriptions, in the order in which those were made; of those that
    /// have ended, as long as they have messages.
    var topics: [String: [String]] = [:]
    private var targets: [FunctionName: Target] = [:]
    private var delays: Heap<Delay> = []
    /// The queues that are paused, and until when. No part of the fold, and no message's state.
    private var paused: (queues: [String], until: Timestamp)?
    /// The queues of which the disk has refused messages, and when the next one is tried.
    var refusedDue: [String: Timestamp] = [:]
    let budget: MemoryBudget

    private struct Delay: Comparable {
        let until: Timestamp
        let queue: String
        let message: Message
        static func < (left: Delay, right: Delay) -> Bool {
            (left.until, left.message.offset) < (right.until, right.message.offset)
        }
        static func == (left: Delay, right: Delay) -> Bool { left.message === right.message }
    }

    /// - Parameter budget: what the payloads of messages may take.
    package init(budget: MemoryBudget = MemoryBudget(bytes: .max)) { self.budget = budget }

    package func message(_ offset: Offset, in queue: String) -> Message? {
        queues[queue]?.messages[offset]
    }

    /// What follows is of a new life of the engine, and counted from 0.
    package func beginTallies() {
        for queue in queues.values { queue.tally = QueueTally() }
    }

    // MARK: Applying: changes, cannot refuse.

    /// Folds an event with the offset, time and trace of its record; a message keeps the trace for
    /// its deliveries.
    package mutating func apply(
        _ event: QueueEvent,
        at offset: Offset,
        time: Timestamp,
        trace: TraceID?
    ) {
        switch event {
        case .defined(let event): define(event, at: offset)
        case .subscribed(let event): subscribe(event, at: offset)
        case .unsubscribed(let event): unsubscribe(event)
        case .enqueued(let event): enqueue(event, at: offset, time, trace)
        case .delivered(let event): deliver(event, at: time)
        case .acked(let event):
            queues[event.queue]?.tally.acked += 1
            settle(event.message, in: event.queue, at: offset)
        case .retried(let event): retry(event, at: offset)
        case .deadLettered(let event): deadLetter(event, at: offset, time)
        case .redriven(let event): redrive(event, at: offset)
        case .discarded(let event): settle(event.message, in: event.queue, at: offset)
        case .purged(let event): purge(event, at: offset)
        }
    }

    /// The engine started: deliveries of the run before did not come to an end, and are repeated
    /// with the attempts that they had.
    package mutating func applyRestart() {
        for queue in queues.values {
            queue.held = [:]
            queue.isPumping = false
            for message in queue.messages.inOrder {
                guard case .inFlight = message.state else { continue }
                message.state = .waiting
                if Mutant.is(.forgottenAttempts) { message.failures = 0 }
                queue.inFlight -= 1
                queue.ready.reinsert(message)
            }
        }
    }

    private mutating func define(_ event: QueueDefined, at offset: Offset) {
        let queue = queue(event.queue)
        queue.settings = event.settings
        queue.defined = offset
        guard event.isConfigured else { return }
        queue.configured = event.settings
        queue.configuredBy = offset
    }

    private mutating func enqueue(
        _ event: Enqueued,
        at offset: Offset,
        _ time: Timestamp,
        _ trace: TraceID?
    ) {
        if let target = event.target {
            let queue = queue(event.queue)
            add(event, to: queue, target: target, group: event.group, offset, time, trace)
        } else {
            for name in queues(ofTopic: event.queue) {
                guard let queue = queues[name], let subscription = queue.subscription,
                    !queue.isEnded
                else { continue }
                // A FIFO subscription is one group: strictly one message at a time.
                let group = queue.settings.fifo ? "" : nil
                let target = subscription.function
                add(event, to: queue, target: target, group: group, offset, time, trace)
            }
        }
    }

    /// A queue that no record defined has the standard settings.
    private mutating func queue(_ name: String) -> QueueState {
        if let known = queues[name] { return known }
        let queue = QueueState(settings: .standard)
        queues[name] = queue
        return queue
    }

    private mutating func add(
        _ event: Enqueued,
        to queue: QueueState,
        target function: FunctionName,
        group: String?,
        _ offset: Offset,
        _ time: Timestamp,
        _ trace: TraceID?
    ) {
        let bytes = Message.Content.byteCount(payload: event.payload.count)
        let message = Message(
            offset: offset,
            target: target(function, in: queue),
            group: group,
            content: budget.take(bytes)
                ? Message.Content(event, time: time, trace: trace) : nil
        )
        queue.add(message)
    }

    mutating func target(_ function: FunctionName, in queue: QueueState) -> Target {
        if let recent = queue.recentTarget, recent.function == function { return recent }
        let target = targets[function] ?? Target(function)
        targets[function] = target
        queue.recentTarget = target
        return target
    }

    private func deliver(_ event: Delivered, at time: Timestamp) {
        guard let queue = queues[event.queue], let message = queue.messages[event.message] else {
            return
        }
        // Only a live engine has noticed that its delay was over.
        if case .delayed = message.state { queue.delayedCount -= 1 }
        message.state = .inFlight(since: Mutant.drifted(time))
        queue.inFlight += 1
        queue.tally.delivered += 1
        queue.ready.dropStale()
    }

    private mutating func settle(_ number: Offset, in name: String, at offset: Offset) {
        guard let queue = queues[name], let message = queue.messages.remove(number) else { return }
        leave(message, queue, at: offset)
        message.state = .done
        message.dropContent(budget)
        removeIfOver(queue)
    }

    private mutating func retry(_ event: Retried, at offset: Offset) {
        guard let queue = queues[event.queue], let message = queue.messages[event.message] else {
            return
        }
        queue.tally.retried += 1
        if case .inFlight = message.state { queue.inFlight -= 1 }
        message.failures = event.failures
        message.released = offset
        message.state = .delayed(until: event.notBefore)
        queue.delayedCount += 1
        wait(message, until: event.notBefore, in: event.queue)
        // Recovery takes no due messages, so that this is where it forgets those that are over.
        dropStaleDelays()
    }

    mutating func wait(_ message: Message, until time: Timestamp, in queue: String) {
        delays.insert(Delay(until: time, queue: queue, message: message))
    }

    private func deadLetter(_ event: DeadLettered, at offset: Offset, _ time: Timestamp) {
        guard let queue = queues[event.queue], let message = queue.messages[event.message] else {
            return
        }
        leave(message, queue, at: offset)
        message.failures = event.failures
        message.state = .dead(error: event.error, at: time)
        queue.deadCount += 1
        queue.tally.dead += 1
    }

    private func redrive(_ event: Redriven, at offset: Offset) {
        guard let queue = queues[event.queue], let message = queue.messages[event.message],
            case .dead = message.state
        else { return }
        queue.deadCount -= 1
        message.failures = 0
        // From what let it go before on: its death, which this rests on, is behind that. In a group
        // the order rests on older attempts, too.
        if message.group == nil {
            message.attemptsFrom = message.released
            queue.attemptsFrom = max(queue.attemptsFrom, message.released)
        }
        message.released = offset
        message.state = .waiting
        queue.add(message)
    }

    /// Takes a message out of the counts of its state, and lets the next of its group go.
    private func leave(_ message: Message, _ queue: QueueState, at offset: Offset) {
        switch message.state {
        case .inFlight:
            queue.inFlight -= 1
            queue.releaseGroup(of: message, at: offset)
        case .dead: queue.deadCount -= 1
        case .delayed:
            queue.delayedCount -= 1
            queue.releaseGroup(of: message, at: offset)
        case .waiting: queue.releaseGroup(of: message, at: offset)
        case .done: break
        }
    }
}

// MARK: What can be delivered

extension QueueView {
    /// When the next delayed message becomes due, a pause is over, or a message is tried again that
    /// the disk refused; nil: there are none.
    package mutating func nextDue() -> Timestamp? {
        dropStaleDelays()
        var due = delays.min?.until
        if let paused { due = min(due ?? paused.until, paused.until) }
        if let refused = refusedDue.values.min() { due = min(due ?? refused, refused) }
        return due
    }

    /// Lets no message of a queue go before `time`, or before the end of a pause that is on: its
    /// next message cannot be read for the moment, and stays the next one.
    ///
    /// - Returns: whether no pause was on.
    package mutating func pause(_ queue: String, until time: Timestamp) -> Bool {
        queues[queue]?.isPaused = true
        guard paused == nil else {
            paused?.queues.append(queue)
            return false
        }
        paused = ([queue], time)
        return true
    }

    private mutating func dropStaleDelays() {
        while let delay = delays.min, delay.message.state != .delayed(until: delay.until) {
            delays.removeMin()
        }
    }

    /// Lets the messages go whose delay is over, the queues whose pause is, and one message of each
    /// queue that the disk has refused long enough ago.
    ///
    /// - Returns: the queues that have something to deliver now, each once, in order.
    package mutating func takeDue(now: Timestamp) -> [String] {
        var names: [String] = []
        var seen: Set<String> = []
        if let paused, paused.until <= now {
            self.paused = nil
            for name in paused.queues where seen.insert(name).inserted {
                queues[name]?.isPaused = false
                names.append(name)
            }
        }
        for name in takeRefused(now: now) where seen.insert(name).inserted { names.append(name) }
        dropStaleDelays()
        while let delay = delays.min, delay.until <= now {
            delays.removeMin()
            delay.message.state = .waiting
            queues[delay.queue]?.delayedCount -= 1
            queues[delay.queue]?.ready.reinsert(delay.message)
            if seen.insert(delay.queue).inserted { names.append(delay.queue) }
            dropStaleDelays()
        }
        return names
    }

    /// The message that `queue` delivers next, until its `delivered` event is applied; nil when
    /// none waits or none may go.
    ///
    /// Messages for functions that `isServed` denies are put aside until ``functionAppeared(_:)``,
    /// so that they hold up no other.
    package func next(
        in queue: QueueState,
        isServed: (FunctionName) -> Bool
    ) -> Message? {
        guard !queue.isPaused, !queue.isEnded, queue.inFlight < Int(queue.places) else {
            return nil
        }
        while let message = queue.ready.first() {
            if isServed(message.target.function) { return message }
            message.turn &+= 1
            queue.held[ObjectIdentifier(message.target), default: []].append(message)
        }
        return nil
    }

    /// A worker serves `function` now.
    ///
    /// - Returns: the queues that have held messages for it, in order.
    package func functionAppeared(_ function: FunctionName) -> [String] {
        guard let target = targets[function] else { return [] }
        var names: [String] = []
        for (name, queue) in queues {
            guard let held = queue.held.removeValue(forKey: ObjectIdentifier(target)) else {
                continue
            }
            for message in held where message.isWaiting { queue.ready.reinsert(message) }
            names.append(name)
        }
        return names.sorted()
    }
}

extension Message.Content {
    /// What an `enqueued` record of this time and trace says.
    package convenience init(_ event: Enqueued, time: Timestamp, trace: TraceID?) {
        self.init(
            payload: event.payload,
            receipt: event.receipt,
            time: time,
            trace: trace,
            baggage: event.baggage,
            flags: event.parent?.flags ?? TraceParent.sampled
        )
    }
}
