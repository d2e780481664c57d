import AccessControl
import CommitLog
import Disk
import Events
import Folding
import JSON
import Observability
import Primitives
import Queue
import RecordFormat

extension Engine where Store: ~Copyable {
    // MARK: A worker calls

    mutating func call(_ connection: ConnectionID, _ call: Call) throws(LogError) {
        guard let worker = registry.workers[connection] else {
            if connection.isOfOperators { try callByOperator(connection, call) }
            return
        }
        let namespace = call.namespace ?? FunctionName.defaultNamespace
        if let refusal = refusal(of: call, namespace: namespace) {
            return answer(call, on: connection, .failure(refusal), after: nil)
        }
        let target = FunctionName(namespace: namespace, id: call.function)
        if holds(call, to: target, of: worker) { return }
        if try divert(call, to: target, of: worker) { return }
        if let access = worker.access {
            let refusal =
                if case .enqueue = call.action {
                    refusal(ofDeferring: target, for: access)
                } else {
                    refusal(of: target, for: access)
                }
            if let refusal {
                return answer(call, on: connection, .failure(refusal), after: nil)
            }
            if let question = middleware(for: call, access, namespace: namespace) {
                let origin = origin(of: call, from: worker)
                return try callFunction(call, question.function, worker, origin, asking: question)
            }
        }
        if let observer = call.context?.observer {
            return try callObserver(observer, call, from: worker)
        }
        let origin = origin(of: call, from: worker)
        if case .enqueue(let queue) = call.action {
            try enqueue(call, to: queue, target, connection, origin)
            return
        }
        if let builtin = Builtin.named(call.function), builtin.isReachable(from: namespace) {
            guard let outcome = try run(builtin, for: call, worker, origin) else { return }
            answer(call, on: connection, outcome)
            if !observers.isEmpty {
                try observed(target, call, outcome, by: worker, origin)
            }
            return
        }
        try callFunction(call, target, worker, origin)
    }

    func refusal(of call: Call, namespace: String) -> ErrorBody? {
        if let refusal = Self.refusal(ofNaming: call.function, namespace: namespace) {
            return refusal
        }
        if case .unknown(let action) = call.action {
            return ErrorBody(
                code: "invocation_error",
                message: "unknown action \"\(action)\"; known are \"enqueue\" and \"void\""
            )
        }
        if case .refused(let reason) = call.action {
            return ErrorBody(code: "invocation_error", message: "the call was refused: \(reason)")
        }
        guard call.payload.count > options.payloadBytes else {
            return nil
        }
        return ErrorBody(
            code: "payload_too_large",
            message: "the payload has \(call.payload.count) bytes; at most "
                + "\(options.payloadBytes) can be recorded"
        )
    }

    /// Why no function can have that name; nil: one can.
    static func refusal(ofNaming id: String, namespace: String) -> ErrorBody? {
        if namespace.isBlank {
            return ErrorBody(code: "INVALID_NAMESPACE", message: "namespace must not be blank")
        }
        guard id.utf8.count > Limits.nameBytes || namespace.utf8.count > Limits.nameBytes else {
            return nil
        }
        return ErrorBody(
            code: "INVALID_ARGUMENTS",
            message: "a function's id and namespace have at most \(Limits.nameBytes) bytes"
        )
    }

    /// Makes the call, or asks a middleware in place of it, in the engine's own name.
    private mutating func callFunction(
        _ call: Call,
        _ function: FunctionName,
        _ worker: Worker,
        _ origin: Origin,
        asking question: MiddlewareQuestion? = nil
    ) throws(LogError) {
        guard registry.isServed(function) else {
            metrics.missed()
            return answer(call, on: worker.connection, .failure(notFound(function)), after: nil)
        }
        let purpose = purpose(of: call, on: worker.connection)
        let hasContext = call.propagation.traceparent != nil || call.propagation.baggage != nil
        let run = Run(
            function: function,
            payload: question?.payload ?? call.payload,
            metadata: call.metadata,
            purpose: purpose,
            trace: origin.trace,
            cause: origin.cause,
            causeHoldsPayload: false,
            baggage: hasContext
                ? Baggage.naming(function.id, in: call.propagation.baggage) : nil,
            caller: question == nil ? worker.id : nil
        )
        run.logged = question?.logged
        run.parent = origin.parent
        run.remote = origin.remote
        if case .answer = purpose, case .uuid(let id) = call.id { run.invocation = id }
        setContext(of: run, call, worker, origin)
        try start(run)
    }

    /// What a call's result is for.
    func purpose(of call: Call, on connection: ConnectionID) -> Run.Purpose {
        guard call.action != .void, let id = call.id else { return .nobody }
        return .answer(connection, id, function: call.function, call.propagation)
    }

    /// Answers a call that waits; void calls and those without an id hear nothing, and what has
    /// failed of them is for whoever reads the engine's output.
    mutating func answer(
        _ call: Call,
        on connection: ConnectionID,
        _ result: FunctionResult,
        after offset: Offset?
    ) {
        guard let id = call.id, call.action != .void else {
            guard case .failure(let error) = result else { return }
            let caller =
                connection.isOfOperators
                ? "an operator" : Self.name(ofCaller: registry.workers[connection])
            return reportLostFailure(call.function, by: caller, error)
        }
        answer(
            id,
            function: call.function,
            result,
            call.propagation,
            on: connection,
            after: offset
        )
    }

    mutating func answer(
        _ id: InvocationID,
        function: String,
        _ result: FunctionResult,
        _ propagation: Propagation,
        on connection: ConnectionID,
        after offset: Offset?
    ) {
        guard let worker = registry.workers[connection] else {
            guard connection.isOfOperators else { return }
            let message = Effect.Message.answer(id, function: function, result, propagation)
            return send(message, to: connection, after: offset)
        }
        var result = result
        if case .value(let bytes) = result, var obstacle = obstacle(to: bytes, for: worker) {
            obstacle.message += "; the call was carried out, and only its answer is lost"
            result = .failure(obstacle)
        }
        if case .failure(let error) = result { result = .failure(told(error, to: worker)) }
        send(.answer(id, function: function, result, propagation), to: connection, after: offset)
    }

    /// Why the worker's SDK could not take a message with that in it and `more` bytes; nil: it can.
    func obstacle(
        to payload: [UInt8],
        _ metadata: JSONText? = nil,
        and more: Int = 0,
        for worker: Worker
    ) -> ErrorBody? {
        let bytes = payload.count + (metadata?.bytes.count ?? 0) + more
        guard worker.receives(bytes) else { return Self.tooLarge(bytes, worker) }
        if JSONText.isReadable(payload), JSONText.isReadable(metadata?.bytes ?? []) { return nil }
        return ErrorBody(
            code: "invocation_error",
            message: "the payload is from before numbers were bounded, and holds one of more than "
                + "\(Limits.numberDigits) digits, which not every SDK can read"
        )
    }

    static func tooLarge(_ bytes: Int, _ worker: Worker) -> ErrorBody {
        ErrorBody(
            code: "payload_too_large",
            message: "the message has \(bytes) bytes of payload; the \(worker.runtime) SDK "
                + "\(worker.version) of its receiver takes messages of at most "
                + "\(worker.receiveLimit) bytes, of which \(Limits.envelopeBytes) are kept for "
                + "what goes along with the payload"
        )
    }

    func notFound(_ function: FunctionName) -> ErrorBody {
        var message =
            "Function \(function.id) not found in namespace \(function.namespace)."
        var others = registry.namespaces(of: function.id)
        if Builtin.named(function.id) != nil {
            others = Set(others + [FunctionName.defaultNamespace]).sorted()
        }
        if !others.isEmpty {
            message += " It is registered in namespace(s): \(others.joined(separator: ", "))."
        }
        return ErrorBody(code: "function_not_found", message: message)
    }

    // MARK: Where a call comes from

    /// The trace that a call belongs to, and the record that led to it.
    struct Origin {
        let trace: TraceID
        let cause: Offset?
        /// How many observers the chain of calls has gone through, as far as the engine knows.
        var depth = 0
        /// The event behind those.
        var chain: ActivationChain?
        /// The caller's trace context as it was sent, or as it was handed to its worker.
        var parent: TraceParent?
        /// The span that the handler was handed which the call comes from; nil: from none.
        var handed: UInt64?

        /// What a record says of that: the span, where it is not the one that was handed out, which
        /// who follows the log knows, and that the trace is not kept, where it is not.
        var remote: RemoteSpan? {
            guard let parent, parent.span != handed || parent.flags != TraceParent.sampled else {
                return nil
            }
            return RemoteSpan(span: parent.span, flags: parent.flags)
        }
    }

    /// A call joins the trace that it names, below the invocation that it says it is made from, or
    /// else the one of that trace which its worker is running. One without a trace context joins
    /// the trace of the handler that it names, or the only one that its worker is busy with, and
    /// else begins a trace of its own. Where nothing tells which of several invocations it comes
    /// from, it has no cause.
    mutating func origin(of call: Call, from worker: Worker) -> Origin {
        let parent = call.propagation.traceparent.flatMap { TraceParent($0) }
        let source = source(of: call, in: parent?.trace, worker)
        let handed = source.invocation?.run.parent
        return Origin(
            trace: parent?.trace ?? source.trace ?? TraceID(from: &random),
            cause: source.invocation?.record,
            depth: source.depth,
            chain: source.chain,
            parent: parent ?? handed,
            handed: handed?.span
        )
    }

    /// A handler that is named is believed where it is one that the worker runs.
    private func source(of call: Call, in trace: TraceID?, _ worker: Worker) -> CallSource {
        if let context = call.context, context.invocation != nil {
            return handler(of: context, worker).map { CallSource($0, in: trace) } ?? CallSource()
        }
        let running = trace.map(worker.serving(in:)) ?? worker.servingOfSoleTrace
        return CallSource(among: running, call.propagation.baggage)
    }

    // MARK: Queues

    /// - Returns: why it was refused; nil: it was taken.
    @discardableResult
    mutating func enqueue(
        _ call: Call,
        to queue: String,
        _ target: FunctionName,
        _ connection: ConnectionID,
        _ origin: Origin
    ) throws(LogError) -> ErrorBody? {
        let receipt = UUID128(from: &random)
        let enqueued: Enqueued
        do throws(ErrorBody) {
            enqueued = try views.work.queue.decideEnqueue(
                queue: queue,
                target: target,
                payload: call.payload,
                receipt: receipt,
                baggage: Baggage.deepened(by: origin.depth, call.propagation.baggage),
                parent: origin.remote
            )
        } catch {
            answer(call, on: connection, .failure(error), after: nil)
            return error
        }
        let offset = try record(enqueued, origin)
        if call.id != nil { send(.receipt(call, receipt), to: connection, after: offset) }
        metrics.postponed()
        try pump(queue)
        return nil
    }

    /// Delivers what `queue` can deliver now.
    ///
    /// A delivery that ends at once (of a builtin, or one that no worker can take) asks for the
    /// next one from within: the loop that is under way gives it, so that no backlog deepens the
    /// stack.
    mutating func pump(_ queue: String) throws(LogError) {
        guard !isDraining, !restingQueues.contains(queue),
            let state = views.work.queue.queues[queue], !state.isPumping, !state.isEnded,
            !awaitsTrigger(of: queue, state)
        else { return }
        state.isPumping = true
        defer { state.isPumping = false }
        let registry = registry
        var room = Limits.endsOfTurn
        while let message = views.work.queue.next(
            in: state,
            isServed: { registry.isThere($0) }
        ) {
            guard !awaitsCondition(of: queue, state) else { return }
            // What ends at once takes none of the queue's places, which bound the others.
            guard room > 0 else { return rest(queue) }
            let running = state.inFlight
            guard try deliver(message, from: queue) else { return }
            if state.inFlight <= running { room -= 1 }
        }
    }

    /// - Returns: false: its workers have enough of queues' messages, and it stays the next one
    ///   until they have answered some.
    private mutating func deliver(_ message: Message, from queue: String) throws(LogError) -> Bool {
        // What was found to wait for room need not be read again as long as it does.
        if let head = crowdedQueues[queue], head.message == message.offset,
            awaitsRoom(head, of: queue)
        {
            return false
        }
        let content: Message.Content
        do throws(LogError) {
            content = try self.content(of: message)
        } catch {
            try couldNotRead(message, of: queue, error)
            return true
        }
        if message.content == nil { wasRead(message, of: queue) }
        let function = message.target.function
        let state = views.work.queue.queues[queue]
        let run = Run(
            function: function,
            payload: content.payload,
            metadata: state?.subscription == nil ? nil : metadata(ofTopicQueue: queue),
            purpose: .deliver(queue: queue, message),
            trace: content.trace ?? TraceID(from: &random),
            cause: message.offset,
            causeHoldsPayload: true,
            baggage: Baggage.delivering(content.receipt, to: function.id, content.baggage),
            condition: state?.condition
        )
        let head = CrowdedHead(message: message.offset, function: function, bytes: run.bytes)
        guard !awaitsRoom(head, of: queue) else { return false }
        let worker = registry.pick(function, bytes: run.bytes)
        let invocation = UUID128(from: &random)
        run.invocation = invocation
        run.worker = worker
        run.flags = content.flags
        if !observers.isEmpty { run.depth = Baggage.depth(in: content.baggage) }
        run.record = try record(
            .queue(
                .delivered(
                    Delivered(
                        queue: queue,
                        message: message.offset,
                        worker: worker?.id ?? UUID128(high: 0, low: 0),
                        invocation: invocation,
                        attempt: message.nextAttempt
                    )
                )
            ),
            trace: run.trace,
            cause: message.offset
        )
        // The message is what was promised; that it was handed out may be lost with a crash, which
        // then hands it out again.
        run.after = message.released
        try start(run)
        return true
    }
}
