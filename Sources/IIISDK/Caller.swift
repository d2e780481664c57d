import JSON
import Primitives
import WorkerProtocol

/// Whoever can call functions: a ``Worker``, and the ``Context`` of a function that runs.
///
/// Errors that the called function or the engine answered come as ``SDKError`` with their code;
/// besides those a call fails with ``SDKError/Code/timeout``,
/// ``SDKError/Code/connectionLost``, ``SDKError/Code/cancelled`` or ``SDKError/Code/shutdown``.
public protocol Caller: Sendable {
    /// Where calls go.
    var route: Route { get }
}

/// Calls through a worker that belong to a trace of their caller's choice.
public struct TracedCaller: Caller {
    /// Where calls go, and the trace that they are of.
    public let route: Route
}

extension Worker {
    /// Whoever calls by it knows the trace beforehand, and may go on with that of somebody else: by
    /// its `traceparent` (W3C Trace Context) and baggage (W3C Baggage). The engine passes over a
    /// traceparent that is none.
    public func traced(_ traceparent: String, baggage: String? = nil) -> TracedCaller {
        TracedCaller(route: Route(mailbox: mailbox, traceparent: traceparent, baggage: baggage))
    }
}

/// The engine's word that a job is in its queue.
public struct Receipt: Hashable, Sendable {
    /// The job's id in the queue.
    public let id: String
}

// MARK: Typed calls

extension Caller {
    /// Calls a function and waits for its result.
    public func call<Output: Decodable>(
        _ id: String,
        _ input: some Encodable,
        as output: Output.Type = Output.self,
        timeout: Duration? = nil
    ) async throws(SDKError) -> Output {
        let input = try JSONCoding.encode(input, what: "the input of \(id)")
        let result = try await call(raw: id, input, timeout: timeout)
        return try JSONCoding.decode(
            output,
            from: (result ?? .null).bytes,
            what: "the result of \(id)"
        )
    }

    /// Calls a function and waits until it is done.
    public func call(
        _ id: String,
        _ input: some Encodable,
        timeout: Duration? = nil
    ) async throws(SDKError) {
        let input = try JSONCoding.encode(input, what: "the input of \(id)")
        _ = try await call(raw: id, input, timeout: timeout)
    }

    /// Has a function run and does not ask what became of it.
    public func fire(_ id: String, _ input: some Encodable) throws(SDKError) {
        fire(raw: id, try JSONCoding.encode(input, what: "the input of \(id)"))
    }

    /// Puts a job into a queue, and returns when it is durable there.
    @discardableResult
    public func enqueue(
        _ id: String,
        _ input: some Encodable,
        queue: String = "default",
        timeout: Duration? = nil
    ) async throws(SDKError) -> Receipt {
        let input = try JSONCoding.encode(input, what: "the input of \(id)")
        return try await enqueue(raw: id, input, queue: queue, timeout: timeout)
    }

    /// Publishes to a topic: every function bound to it by ``Trigger/queue(_:concurrency:)`` gets
    /// the value. Returns when it is durable.
    public func publish(_ topic: String, _ value: some Encodable) async throws(SDKError) {
        let value = try JSONCoding.encode(value, what: "what is published to \(topic)")
        var builder = JSONBuilder(capacity: value.bytes.count + topic.utf8.count + 24)
        builder.beginObject()
        builder.key("topic")
        builder.string(topic)
        builder.key("data")
        builder.raw(bytes: value.bytes)
        builder.endObject()
        _ = try await call(raw: "iii::durable::publish", RawJSON(builder.finish()))
    }

    /// The engine's key-value store.
    public var state: StateStore<Self> { StateStore(caller: self) }

    /// The engine's streams.
    public var streams: StreamStore<Self> { StreamStore(caller: self) }
}

// MARK: Raw calls

extension Caller {
    /// Calls a function with JSON text and waits for its result; nil when it returned nothing.
    public func call(
        raw id: String,
        _ input: RawJSON,
        timeout: Duration? = nil
    ) async throws(SDKError) -> RawJSON? {
        try await answer(to: frame(id, input, .call), timeout)
    }

    /// Calls a function with JSON text. `completion` runs once, on the connection's thread, and
    /// must not block; what it calls in turn leaves in one write with the rest of its batch. This
    /// is the cheapest way to make many calls.
    public func call(
        raw id: String,
        _ input: RawJSON,
        timeout: Duration? = nil,
        completion: @escaping @Sendable (Result<RawJSON?, SDKError>) -> Void
    ) {
        let frame = frame(id, input, .call)
        route.mailbox.post { $0.call(frame, timeout: timeout, completion: completion) }
    }

    /// Has a function run and does not ask what became of it.
    public func fire(raw id: String, _ input: RawJSON) {
        let frame = frame(id, input, .void)
        route.mailbox.post { $0.call(frame, timeout: nil, completion: nil) }
    }

    /// Puts a job into a queue, and returns when it is durable there.
    @discardableResult
    public func enqueue(
        raw id: String,
        _ input: RawJSON,
        queue: String = "default",
        timeout: Duration? = nil
    ) async throws(SDKError) -> Receipt {
        let result = try await answer(to: frame(id, input, .enqueue(queue: queue)), timeout)
        return try Receipt(result)
    }

    /// Puts a job into a queue. `completion` runs once, on the connection's thread, and must not
    /// block.
    public func enqueue(
        raw id: String,
        _ input: RawJSON,
        queue: String = "default",
        timeout: Duration? = nil,
        completion: @escaping @Sendable (Result<Receipt, SDKError>) -> Void
    ) {
        let frame = frame(id, input, .enqueue(queue: queue))
        route.mailbox.post { link in
            link.call(frame, timeout: timeout) { outcome in
                completion(
                    outcome.flatMap { value in
                        Result { () throws(SDKError) in try Receipt(value) }
                    }
                )
            }
        }
    }

    private func frame(
        _ id: String,
        _ input: RawJSON,
        _ action: InvokeFrame.Action
    ) -> InvokeFrame {
        InvokeFrame(
            invocationID: action == .void ? nil : .uuid(route.mailbox.newID()),
            functionID: id,
            data: input.bytes,
            traceparent: route.traceparent,
            baggage: route.baggage,
            action: action,
            namespace: route.mailbox.namespace(of: id)
        )
    }

    private func answer(
        to frame: InvokeFrame,
        _ timeout: Duration?
    ) async throws(SDKError) -> RawJSON? {
        let mailbox = route.mailbox
        let cancel: @Sendable () -> Void = {
            if case .uuid(let id)? = frame.invocationID { mailbox.post { $0.cancel(id) } }
        }
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                mailbox.post { link in
                    link.call(frame, timeout: timeout) { continuation.resume(returning: $0) }
                }
                // A cancellation that came before the call was posted found nothing to end.
                if Task.isCancelled { cancel() }
            }
        } onCancel: {
            cancel()
        }
        return try outcome.get()
    }
}

extension Receipt {
    fileprivate init(_ value: RawJSON?) throws(SDKError) {
        let text = value.flatMap { JSONText(trusted: $0.bytes).member("messageReceiptId") }
        guard let id = text?.stringValue else {
            throw SDKError(
                code: .deserialization,
                message: "the engine's receipt is not one: \(value?.text ?? "nothing")"
            )
        }
        self.init(id: id)
    }
}
