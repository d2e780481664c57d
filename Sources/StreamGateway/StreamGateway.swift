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
/// that it is for; what comes while the loop is busy goes out together, one write a socket.
package final class StreamGateway {
    let loop: any EventLoop
    let settings: StreamSettings
    let notify: @Sendable (Notice) -> Void
    private let inbox: Inbox
    private let loopNumber: Int
    private var subscribers: [UInt64: Subscriber] = [:]
    private var nextNumber: UInt64 = 0
    /// Connections that wait for what the auth function says of them.
    private var admissions: [UInt64: (JSONText?) -> Void] = [:]
    private var commands: [Command] = []
    private var commandBytes = 0

    private var groups: [StreamGroup: LocalGroup] = [:]
    /// Groups with messages that were not handed to their sockets yet.
    private var pending: [LocalGroup] = []
    /// Sockets with messages that were not flushed yet.
    private var unflushed: [Subscriber] = []
    private var isFanOutScheduled = false

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
    }

    // MARK: Being let in

    /// A WebSocket at any path (services 1, D.3), and events of the group that a path names.
    package func route(_ request: UpgradeRequest) -> UpgradeDecision {
        guard request.asksForEvents else {
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
    func collect(_ command: StreamCommand, bytes: Int) {
        if commands.isEmpty {
            // NIO runs tasks after it has read from every socket that was ready.
            loop.assumeIsolated().execute { self.handOver() }
        }
        commands.append(.stream(command))
        commandBytes += bytes
    }

    func handOver() {
        guard !commands.isEmpty else { return }
        // What a socket may ask for before it is answered is bounded by the core.
        _ = inbox.offer(&commands, bytes: commandBytes) {}
        commandBytes = 0
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
        // What was pushed before goes out before.
        if !pending.isEmpty { fanOut() }
        switch effect {
        case .admitted(let id, let context):
            admissions.removeValue(forKey: id.number)?(context)
        case .subscribe(let id, let join):
            guard let subscriber = subscribers[id.number] else { return }
            if let old = subscriber.subscriptions[join.subscription] { remove(old) }
            let group = groups[join.group] ?? LocalGroup(join.group)
            groups[join.group] = group
            subscriber.subscriptions[join.subscription] = group.add(subscriber, item: join.item)
        case .unsubscribe(let id, let subscription):
            guard let subscriber = subscribers[id.number] else { return }
            subscriber.subscriptions.removeValue(forKey: subscription).map(remove)
        case .send(let id, let message):
            guard let subscriber = subscribers[id.number] else { return }
            send(Fan([message], isEvents: subscriber.wantsEvents).all, to: subscriber)
        case .close(let id, let code, let reason):
            subscribers[id.number]?.close(code: code, reason: reason)
        case .push, .replay: break
        }
    }

    /// Tells a subscriber what it has missed. `done` is called when it has taken that, or with
    /// false when it is gone.
    package func catchUp(
        _ id: SubscriberID,
        _ messages: [StreamMessage],
        done: @escaping @Sendable (Bool) -> Void
    ) {
        guard let subscriber = subscribers[id.number] else { return done(false) }
        subscriber.catchUp(
            messages.isEmpty ? nil : Fan(messages, isEvents: subscriber.wantsEvents).all,
            done: done
        )
    }

    private func remove(_ subscription: LocalGroup.Subscription) {
        subscription.group.remove(subscription)
        if subscription.group.isEmpty { groups[subscription.group.name] = nil }
    }

    private func push(_ message: StreamMessage) {
        guard let group = groups[message.group] else { return }
        if group.pending.isEmpty { pending.append(group) }
        group.pending.append(message)
    }

    /// Sends what was carried out. Pushes wait for what else is there already for this loop to do:
    /// where it is busy, each socket gets several of them in one write.
    package func flush() {
        flushSockets()
        guard !pending.isEmpty, !isFanOutScheduled else { return }
        isFanOutScheduled = true
        loop.assumeIsolated().execute {
            self.isFanOutScheduled = false
            self.fanOut()
            self.flushSockets()
        }
    }

    private func fanOut() {
        let groups = pending
        pending = []
        for group in groups {
            let messages = group.pending
            group.pending = []
            let fans = (
                sockets: group.hasSockets ? Fan(messages, isEvents: false) : nil,
                events: group.hasEvents ? Fan(messages, isEvents: true) : nil
            )
            for subscription in group.subscriptions {
                let subscriber = subscription.subscriber
                guard let fan = subscriber.wantsEvents ? fans.events : fans.sockets else {
                    continue
                }
                if let item = subscription.item {
                    for parcel in fan.parcels(of: item) { send(parcel, to: subscriber) }
                } else {
                    send(fan.all, to: subscriber)
                }
            }
        }
    }

    private func send(_ parcel: Parcel, to subscriber: Subscriber) {
        subscriber.take(parcel)
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
