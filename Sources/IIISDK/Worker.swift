import JSON
import NIOCore
import NIOPosix
import Primitives
import Synchronization
import WorkerProtocol

/// A process's connection to an engine: the functions that it offers, the triggers that run them,
/// and the calls that it makes.
///
///     let worker = try await Worker.connect("orders")
///     try await worker.register("orders::create") { (order: Order, ctx) in
///         try await ctx.state.set("orders", order.id, order)
///         return Confirmation(id: order.id)
///     }
///     try await worker.trigger(.http(.post, "/orders"), runs: "orders::create")
///     try await worker.run()
///
/// When the connection breaks the worker comes back by itself and registers everything again. Calls
/// that were waiting then fail with ``SDKError/Code/connectionLost``; calls made meanwhile wait for
/// the next connection. A worker lives until it is closed; letting go of it does not close it.
public final class Worker: Caller {
    /// The name by which the engine lists this worker.
    public let name: String
    /// Where calls made through this worker go: outside of any trace.
    public let route: Route

    let mailbox: Mailbox
    private let options: WorkerOptions
    private let children = Mutex<[Worker]>([])

    // MARK: Life

    /// Connects to an engine and waits for its greeting.
    ///
    /// The name must be unique among live workers; nil makes one of host and process, and the
    /// environment's `III_WORKER_NAME` wins over it. Throws ``SDKError/Code/cannotConnect`` when
    /// there is no engine within ``WorkerOptions/connectTimeout``, and
    /// ``SDKError/Code/unauthorized`` at once when it does not let this worker in.
    public static func connect(
        _ name: String? = nil,
        options: WorkerOptions = WorkerOptions()
    ) async throws(SDKError) -> Worker {
        let identity = try WorkerIdentity(name: name, options: options, environmentName: true)
        return try await connect(identity, options)
    }

    private static func connect(
        _ identity: WorkerIdentity,
        _ options: WorkerOptions
    ) async throws(SDKError) -> Worker {
        let worker = dialing(identity, options)
        let outcome: Result<Void, SDKError> = await withCheckedContinuation { continuation in
            worker.mailbox.post { link in
                link.whenGreeted { continuation.resume(returning: $0) }
            }
        }
        try outcome.get()
        return worker
    }

    /// Begins to connect: ``Link/whenGreeted(_:)`` tells what comes of it.
    static func dialing(_ identity: WorkerIdentity, _ options: WorkerOptions) -> Worker {
        let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        let worker = Worker(Mailbox(eventLoop: eventLoop, identity: identity), options)
        let mailbox = worker.mailbox
        mailbox.open { Link(mailbox: mailbox, identity: identity, options: options) }
        mailbox.post { $0.dial() }
        return worker
    }

    private init(_ mailbox: Mailbox, _ options: WorkerOptions) {
        name = mailbox.identity.name
        route = Route(mailbox: mailbox, traceparent: nil, baggage: nil)
        self.mailbox = mailbox
        self.options = options
    }

    /// Connects another worker of this process, to the same engine. It ends with this one.
    public func spawn(_ name: String) async throws(SDKError) -> Worker {
        let identity = try WorkerIdentity(name: name, options: options, environmentName: false)
        let child = try await Self.connect(identity, options)
        children.withLock { $0.append(child) }
        return child
    }

    /// Serves until SIGTERM, SIGINT or the task's cancellation, then drains. A second signal ends
    /// what still runs. Throws when the engine rejects the worker for good.
    public func run() async throws(SDKError) {
        let signals = TerminationSignals { [self] count in
            if count == 1 { beginDrain() } else { beginClose() }
        }
        defer { signals.ignore() }
        let reason = await withTaskCancellationHandler {
            await closed()
        } onCancel: {
            beginDrain()
        }
        for child in children.withLock({ $0 }) { await child.drain() }
        if reason.code != .shutdown { throw reason }
    }

    /// Takes no new work, finishes what was begun, answers it, then closes.
    public func drain() async {
        beginDrain()
        _ = await closed()
        for child in children.withLock({ $0 }) { await child.drain() }
    }

    /// Closes at once: calls that wait fail with ``SDKError/Code/shutdown``, functions that run are
    /// cancelled.
    public func close() async {
        beginClose()
        _ = await closed()
        for child in children.withLock({ $0 }) { await child.close() }
    }

    private func beginDrain() {
        mailbox.post { link in link.batch { link.beginDrain() } }
        for child in children.withLock({ $0 }) { child.beginDrain() }
    }

    func beginClose() {
        let reason = SDKError(code: .shutdown, message: "the worker \"\(name)\" was closed")
        mailbox.post { $0.close(reason) }
        for child in children.withLock({ $0 }) { child.beginClose() }
    }

    private func closed() async -> SDKError {
        await withCheckedContinuation { continuation in
            mailbox.post { $0.whenClosed { continuation.resume(returning: $0) } }
        }
    }
}

// MARK: Triggers

extension Worker {
    /// Has the function `id` run whenever the trigger fires; it may be registered later, and in
    /// another worker. The metadata is handed to it with every event, as ``Context/metadata``.
    @discardableResult
    public func trigger(
        _ trigger: Trigger,
        runs id: String,
        metadata: [String: String] = [:]
    ) async throws(SDKError) -> TriggerID {
        try Self.check(id)
        var metadata = metadata
        if trigger.type == Trigger.httpType { metadata[PlainHTTP.mark] = "plain" }
        let triggerID = TriggerID(rawValue: mailbox.newID().description, type: trigger.type)
        let registration = TriggerRegistration(
            id: triggerID.rawValue,
            type: trigger.type,
            functionID: id,
            config: JSONText(trusted: trigger.config.bytes),
            metadata: metadata.isEmpty ? nil : Self.text(metadata),
            namespace: mailbox.identity.namespace
        )
        try await perform { $0.register(registration) }
        return triggerID
    }

    /// Takes a trigger back.
    public func remove(_ trigger: TriggerID) async throws(SDKError) {
        try await perform { $0.unregister(trigger) }
    }

    private static func text(_ metadata: [String: String]) -> JSONText {
        var builder = JSONBuilder()
        builder.beginObject()
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            builder.key(key)
            builder.string(value)
        }
        builder.endObject()
        return builder.finish()
    }

    static func check(_ functionID: String) throws(SDKError) {
        guard functionID.contains(where: { !$0.isWhitespace }) else {
            throw SDKError(code: .invalidArgument, message: "a function needs an id")
        }
    }

    /// Runs `body` on the event loop; throws when the worker is closed.
    func perform(_ body: @escaping @Sendable (Link) -> Void) async throws(SDKError) {
        let outcome: Result<Void, SDKError> = await withCheckedContinuation { continuation in
            mailbox.post { link in
                if case .closed(let reason) = link.phase {
                    continuation.resume(returning: .failure(reason))
                } else {
                    body(link)
                    continuation.resume(returning: .success(()))
                }
            }
        }
        try outcome.get()
    }
}
