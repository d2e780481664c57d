import DequeModule
package import Engine
import JSON
package import NIOCore
package import NetServer
import Primitives
import Stream

/// What a subscriber gets that does not take what it is sent.
package enum SlowPolicy: String, CaseIterable, Sendable {
    /// The oldest messages that wait go, and it is told how many.
    case drop
    /// Its connection is closed.
    case disconnect
    /// Of each item only the newest change waits; where that is not enough, as `drop`.
    case coalesce
}

/// What is set for the sockets of streams.
package struct StreamSettings: Sendable {
    package var slow = SlowPolicy.drop
    /// Whether a function is asked about every connection.
    package var asksFunction = false

    package init() {}
}

/// The sockets of one event loop that subscribe to streams: requests to commands, effects to
/// messages.
///
/// Confined to its event loop. What an effect pushes is encoded once and handed to every socket
/// that it is for, some sockets at a time: between them the loop looks after all others. What comes
/// meanwhile goes out together, one write a socket.
package final class StreamGateway {
    let loop: any EventLoop
    /// Of these, whether a function is asked may change at any time.
    package var settings: StreamSettings
    let notify: @Sendable (Notice) -> Void
    private let inbox: Inbox
    private let loopNumber: Int
    private var subscribers: [UInt64: Subscriber] = [:]
    private var nextNumber: UInt64 = 0
    /// Connections that wait for what the auth function says of them.
    private var admissions: [UInt64: (JSONText?) -> Void] = [:]
    private var commands: [Command] = []
    private var commandBytes = 0
    /// Who sent them.
    private let senders: BatchSenders

    private var groups: [StreamGroup: LocalGroup] = [:]
    /// Groups with messages that some of their subscriptions were not told yet; each has a round
    /// when its turn comes.
    private var news: Deque<LocalGroup> = []
    /// Sockets with messages that were not flushed yet.
    private var unflushed: [Subscriber] = []
    private var isFanOutScheduled = false

    /// How many subscriptions are told before the loop looks at its sockets again: about half a
    /// millisecond. A request takes several turns of the loops.
    private static let slice = 64
    /// NIO looks at its sockets when no task is due at once. Long enough for that, and no longer.
    private static let pause = TimeAmount.microseconds(20)

    package init(
        inbox: Inbox,
        loop: any EventLoop,
        loopNumber: Int,
        settings: StreamSettings,
        notify: @escaping @Sendable (Notice) -> Void
    ) {
        self.inbox = inbox
        self.loop = loop
        self.loopNumber = loopNumber
        self.settings = settings
        self.notify = notify
        senders = BatchSenders(loop: loop)
    }

    // MARK: Being let in

    /// A WebSocket at any path (services 1, D.3), and events of the group that a path names, for
    /// which a browser may ask leave.
    package func route(_ request: UpgradeRequest) -> UpgradeDecision {
        guard request.asksForEvents || request.isPreflight else {
            return decide(request, later: { .later($0) }) { context in
                .accept { self.makeSession(context) }
            }
        }
        guard let join = EventsRequest(request) else {
            return .refuse(
                status: 404,
                body: "no stream here; events are at /stream/NAME/GROUP or /stream/NAME/GROUP/ID\n"
            )
        }
        if request.isPreflight { return .permit(headers: join.permission) }
        return decide(request, later: { .serveLater($0) }) { context in
            .serveEvents(headers: join.headers) { self.makeEvents(join, context) }
        }
    }

    private func decide(
        _ request: UpgradeRequest,
        later: (@escaping (@escaping (UpgradeDecision) -> Void) -> Void) -> UpgradeDecision,
        _ accept: @escaping (JSONText?) -> UpgradeDecision
    ) -> UpgradeDecision {
        guard settings.asksFunction else { return accept(nil) }
        if let refusal = request.refusalOfParameters { return refusal }
        guard admissions.count < Limits.admissions else {
            return .refuse(status: 503, body: "too many connections at once\n")
        }
        return later { decided in
            self.nextNumber += 1
            let id = SubscriberID(loop: self.loopNumber, number: self.nextNumber)
            self.admissions[id.number] = { decided(accept($0)) }
            let visitor = StreamVisitor(
                headers: request.headers,
                path: request.path,
                query: request.query,
                address: "\(request.remoteAddress):\(request.remotePort)"
            )
            self.collect(.admit(id, visitor), bytes: 1024)
        }
    }

    private func nextID() -> SubscriberID {
        nextNumber += 1
        return SubscriberID(loop: loopNumber, number: nextNumber)
    }

    private func makeSession(_ context: JSONText?) -> any WebSocketSession {
        let subscriber = Subscriber(nextID(), gateway: self)
        subscribers[subscriber.id.number] = subscriber
        return SocketSession(subscriber, context: context)
    }

    private func makeEvents(
        _ request: EventsRequest,
        _ context: JSONText?
    ) -> any EventStreamSession {
        let subscriber = Subscriber(nextID(), gateway: self)
        subscribers[subscriber.id.number] = subscriber
        return EventsSession(subscriber, request.join(context))
    }

    // MARK: To the core

    /// Collects a command, to be handed over at the end of this turn of the loop.
    func collect(_ command: SubscriberCommand, bytes: Int, from sender: Subscriber? = nil) {
        if commands.isEmpty {
            // NIO runs tasks after it has read from every socket that was ready.
            loop.assumeIsolated().execute { self.handOver() }
        }
        commands.append(.stream(command))
        commandBytes += bytes
        if let sender { senders.add(sender) }
    }

    func handOver() {
        guard !commands.isEmpty else { return }
        let answer = inbox.offer(
            &commands,
            bytes: commandBytes,
            whenDrained: senders.resumption()
        )
        commandBytes = 0
        senders.handedOver(isFull: answer == .full)
    }

    func closed(_ subscriber: Subscriber) {
        guard subscribers.removeValue(forKey: subscriber.id.number) != nil else { return }
        for subscription in subscriber.subscriptions.values { remove(subscription) }
        subscriber.subscriptions = [:]
        collect(.gone(subscriber.id), bytes: 0)
        // Now: at the end of the process there may be no later.
        handOver()
    }

    // MARK: From the core

    /// Carries out an effect. Call ``flush()`` after the last.
    package func carryOut(_ effect: StreamEffect) {
        if case .push(_, let message) = effect { return push(message) }
        switch effect {
        case .admitted(let id, let context):
            admissions.removeValue(forKey: id.number)?(context)
        case .subscribe(let id, let join):
            guard let subscriber = subscribers[id.number] else { return }
            if let old = subscriber.subscriptions[join.subscription] { end(old) }
            let group = groups[join.group] ?? LocalGroup(join.group)
            groups[join.group] = group
            subscriber.subscriptions[join.subscription] = group.add(subscriber, item: join.item)
        case .unsubscribe(let id, let subscription):
            guard let subscriber = subscribers[id.number] else { return }
            subscriber.subscriptions.removeValue(forKey: subscription).map(end)
        case .send(let id, let message):
            guard let subscriber = subscribers[id.number] else { return }
            tellAll(subscriber)
            // All of it is what the subscriber asked for, but who else comes and goes.
            subscriber.take(
                Broadcast([message], isEvents: subscriber.wantsEvents).all,
                isAnswer: !message.isPresence
            )
            // A response of events is one join, and nothing comes behind its refusal.
            if message.isRefusal, subscriber.wantsEvents {
                subscriber.flush()
                return subscriber.close(code: 1008, reason: "not let in")
            }
            touch(subscriber)
        case .close(let id, let code, let reason):
            guard let subscriber = subscribers[id.number] else { return }
            tellAll(subscriber)
            subscriber.close(code: code, reason: reason)
        case .push, .replay: break
        }
    }

    /// Tells a subscriber what it has missed. `done` is called when it has taken that, or with
    /// false when it is gone, or has left.
    package func catchUp(
        _ replay: StreamReplay,
        _ messages: [StreamMessage],
        done: @escaping @Sendable (Bool) -> Void
    ) {
        guard !replay.isCancelled, let subscriber = subscribers[replay.subscriber.number] else {
            return done(false)
        }
        subscriber.catchUp(
            replay,
            messages.isEmpty ? nil : Broadcast(messages, isEvents: subscriber.wantsEvents).all,
            done: done
        )
    }

    private func remove(_ subscription: LocalGroup.Subscription) {
        subscription.group.remove(subscription)
        if subscription.group.isEmpty { groups[subscription.group.name] = nil }
    }

    private func push(_ message: StreamMessage) {
        guard let group = groups[message.group] else { return }
        group.push(message)
        guard !group.isListed else { return }
        group.isListed = true
        news.append(group)
    }

    /// What was pushed before goes out before, to whom this is about.
    private func tellAll(_ subscriber: Subscriber) {
        guard !news.isEmpty else { return }
        for subscription in subscriber.subscriptions.values {
            subscription.group.tell(subscription, send)
        }
    }

    private func end(_ subscription: LocalGroup.Subscription) {
        subscription.group.tell(subscription, send)
        remove(subscription)
    }

    /// Sends what was carried out. Pushes wait for what else is there already for this loop to do:
    /// where it is busy, each socket gets several of them in one write.
    package func flush() {
        flushSockets()
        guard !news.isEmpty, !isFanOutScheduled else { return }
        isFanOutScheduled = true
        loop.assumeIsolated().execute { self.fanOut() }
    }

    private func fanOut() {
        isFanOutScheduled = false
        var left = Self.slice
        while left > 0, let group = news.first {
            if group.tellNext(send) {
                left -= 1
                continue
            }
            news.removeFirst()
            if group.hasNews { news.append(group) } else { group.isListed = false }
        }
        flushSockets()
        guard !news.isEmpty else { return }
        isFanOutScheduled = true
        loop.assumeIsolated().scheduleTask(in: Self.pause) { self.fanOut() }
    }

    private func send(_ parcel: EncodedBatch, _ subscriber: Subscriber) {
        subscriber.take(parcel)
        touch(subscriber)
    }

    private func touch(_ subscriber: Subscriber) {
        guard !subscriber.isTouched else { return }
        subscriber.isTouched = true
        unflushed.append(subscriber)
    }

    private func flushSockets() {
        for subscriber in unflushed {
            subscriber.isTouched = false
            subscriber.flush()
        }
        unflushed.removeAll(keepingCapacity: true)
    }
}
