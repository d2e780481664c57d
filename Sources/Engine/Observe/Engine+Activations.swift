import CommitLog
import DequeModule
import Disk
import Events
import Folding
import JSON
import Observe
import Primitives

// Events of observed functions, and the calls that they lead to (protocol 12.5, 12.7). An
// activation is a call of the engine's own: recorded as such, below the record that it comes from.

extension Engine where Store: ~Copyable {
    /// Where an event comes from.
    struct EventOrigin {
        let trace: TraceID
        /// The end of the invocation, or the closest that is known.
        let cause: Offset?
        let depth: Int
        let chain: ActivationChain
        let baggage: String?
    }

    /// An event, and the same as the log may have it.
    private struct Telling {
        let event: ObservedEvent
        let logged: ObservedEvent

        init(_ event: ObservedEvent, loggedInput: [UInt8]?) {
            self.event = event
            var logged = event
            if let loggedInput { logged.input = JSONText(trusted: loggedInput) }
            self.logged = logged
        }
    }

    // MARK: Events

    /// An invocation has ended, with its end at `record`. Called only where there are observers.
    mutating func observed(
        _ run: Run,
        _ result: FunctionResult,
        took span: Timestamp.Span,
        at record: Offset?
    ) throws(LogError) {
        let watchers = observers.of(source: run.function)
        guard !watchers.isEmpty else { return }
        let invocation = run.invocation?.description ?? UUID128(from: &random).description
        guard !observers.descriptor(of: run.function).isOwnerDelivered else {
            let end = Observers.End(
                record: record,
                trace: run.trace,
                depth: run.depth,
                chain: run.chain
            )
            return observers.note(end, of: invocation)
        }
        var isSuccess = true
        if case .failure = result { isSuccess = false }
        let interested = watchers.filter { $0.spec.outcome.accepts(success: isSuccess) }
        guard !interested.isEmpty else { return }
        var event = ObservedEvent(
            function: run.function,
            invocation: invocation,
            isSuccess: isSuccess,
            input: JSONText(trusted: run.payload),
            caller: run.callingHandler?.text,
            metadata: run.metadata,
            started: now.wall.milliseconds - span.milliseconds,
            duration: Double(span.nanoseconds) / 1_000_000
        )
        switch hidden(result, of: run) {
        case .value(let value): event.output = JSONText(trusted: value)
        case .none: event.output = .null
        case .failure(let error): event.error = JSONText(error)
        }
        let origin = EventOrigin(
            trace: run.trace,
            cause: record,
            depth: run.depth,
            chain: run.chain ?? ActivationChain(run.trace),
            baggage: run.baggage
        )
        let document = event.document
        let telling = Telling(event, loggedInput: run.logged)
        for observer in interested where observer.spec.filter.matches(document) {
            try fire(observer, telling, origin)
        }
    }

    /// A builtin was called.
    mutating func observed(
        _ builtin: FunctionName,
        _ call: Call,
        _ outcome: Outcome,
        by worker: Worker,
        _ origin: Origin
    ) throws(LogError) {
        guard !observers.of(source: builtin).isEmpty else { return }
        let run = Run(
            function: builtin,
            payload: call.payload,
            metadata: call.metadata,
            purpose: .nobody,
            trace: origin.trace,
            cause: origin.cause,
            causeHoldsPayload: false,
            baggage: call.propagation.baggage
        )
        if case .uuid(let id)? = call.id { run.invocation = id }
        setContext(of: run, call, worker, origin)
        let span = Timestamp.Span(nanoseconds: 0)
        try observed(run, resolve(outcome.reply), took: span, at: origin.cause)
    }

    /// An owner hands out an event, to the observers that it names.
    mutating func reported(_ report: ReportedEvent, by worker: Worker) throws(LogError) {
        var event = report.event
        if event.function.namespace.isEmpty {
            event.function = FunctionName(namespace: worker.namespace, id: event.function.id)
        }
        guard worker.functions.contains(event.function), !isOfReplay(report) else { return }
        let isOwnerDelivered = observers.descriptor(of: event.function).isOwnerDelivered
        let origin = origin(of: report, from: worker)
        var told: Set<String> = []
        for id in report.observers where told.insert(id).inserted {
            guard let observer = observers[id], observer.spec.source == event.function,
                isOwnerDelivered || observer.spec.outcome.accepts(success: event.isSuccess)
            else { continue }
            try fire(observer, Telling(event, loggedInput: nil), origin)
        }
    }

    private mutating func origin(of report: ReportedEvent, from worker: Worker) -> EventOrigin {
        let baggage = report.propagation.baggage
        if let id = UUID128(report.event.invocation), let running = worker.serving[id] {
            return EventOrigin(
                trace: running.trace,
                cause: running.record,
                depth: max(report.depth, running.run.depth),
                chain: running.run.chain ?? ActivationChain(running.trace),
                baggage: baggage
            )
        }
        if let end = observers.end(of: report.event.invocation) {
            return EventOrigin(
                trace: end.trace,
                cause: end.record,
                depth: max(report.depth, end.depth),
                chain: end.chain ?? ActivationChain(end.trace),
                baggage: baggage
            )
        }
        let parent = report.propagation.traceparent.flatMap { TraceParent($0) }
        let running = parent.map { worker.serving(in: $0.trace) } ?? []
        let source = CallSource(among: running, baggage)
        let trace = parent?.trace ?? TraceID(from: &random)
        return EventOrigin(
            trace: trace,
            cause: source.invocation?.record,
            depth: max(report.depth, source.depth),
            chain: source.chain ?? ActivationChain(trace),
            baggage: baggage
        )
    }

    // MARK: Activations

    /// Has the observer's target called for an event that it waits for.
    private mutating func fire(
        _ observer: Observer,
        _ telling: Telling,
        _ origin: EventOrigin
    ) throws(LogError) {
        let event = telling.event
        guard observer.state == .active, !observer.isExhausted, isThere(observer.spec.target),
            isWithinDepth(origin.depth, observer), !isInShortage
        else { return }
        let id = UUID128(from: &random)
        let payload = event.payload(for: observer.spec, observer: observer.id, activation: id)
        guard payload.count <= options.payloadBytes else {
            return miss(payload.count, observer)
        }
        guard hasRoom(for: payload.count, of: observer), mayExtend(origin) else { return }
        let logged = telling.logged.payload(
            for: observer.spec,
            observer: observer.id,
            activation: id
        )
        let ending = event.isSuccess ? "success" : "error"
        let record = try recordActivation(of: observer, logged, ending, origin)
        let run = Run(
            function: observer.spec.target,
            payload: payload,
            metadata: observer.spec.metadata,
            purpose: .nobody,
            trace: origin.trace,
            cause: record,
            causeHoldsPayload: true,
            baggage: Baggage.naming(observer.spec.target.id, in: origin.baggage)
        )
        run.depth = origin.depth + 1
        run.chain = origin.chain
        run.logged = logged
        run.activation = Run.Activation(observer: observer, id: id)
        try activate(run, of: observer)
    }

    /// No record can hold an event of so many bytes: whoever observes is told that there was one.
    private mutating func miss(_ bytes: Int, _ observer: Observer) {
        let reason = ErrorBody(
            code: "payload_too_large",
            message: "observer \(observer.id) of \(observer.spec.source) misses an event: its "
                + "\(bytes) bytes cannot be recorded"
        )
        notice(.warning, reason.message)
        tellState(of: observer, reason)
    }

    /// That the observer fires is a trigger of its own, below what it was waiting for.
    private mutating func recordActivation(
        of observer: Observer,
        _ payload: [UInt8],
        _ what: String,
        _ origin: EventOrigin
    ) throws(LogError) -> Offset {
        try record(
            .triggered(
                Triggered(
                    type: "observe",
                    trigger: observer.id,
                    summary: "\(observer.spec.source) \(what)",
                    function: observer.spec.target,
                    event: payload
                )
            ),
            trace: origin.trace,
            cause: origin.cause
        )
    }

    /// Whether an activation can run or wait. That it cannot is told once, until it can again.
    private mutating func hasRoom(for bytes: Int, of observer: Observer) -> Bool {
        if observer.hasRoom { return true }
        if observer.waiting.count < Limits.waitingActivations,
            observer.waitingBytes + bytes <= Limits.waitingActivationBytes
        {
            return true
        }
        if !observer.isOverflowing {
            notice(
                .warning,
                "observer \(observer.id) of \(observer.spec.source) misses events: "
                    + "\(observer.waiting.count) wait for its max_in_flight already"
            )
        }
        observer.isOverflowing = true
        return false
    }

    /// Counts an activation and runs it, now or when as many have ended as must.
    private mutating func activate(_ run: Run, of observer: Observer) throws(LogError) {
        observer.fires += 1
        observer.waiting.append(run)
        observer.waitingBytes += run.payload.count
        try pump(observer)
        if observer.isExhausted, observer.state != .disposed {
            let spent = ErrorBody(code: "MAX_FIRES", message: "it has fired max_fires times")
            try dispose(observer, spent)
        }
    }

    /// Runs what may run. What ends at once asks for the next one from within: the loop that is
    /// under way gives it.
    private mutating func pump(_ observer: Observer) throws(LogError) {
        guard !observer.isPumping else { return }
        observer.isPumping = true
        defer { observer.isPumping = false }
        while observer.hasRoom, let run = observer.waiting.popFirst() {
            observer.waitingBytes -= run.payload.count
            observer.inFlight += 1
            try start(run)
        }
        if observer.waiting.isEmpty { observer.isOverflowing = false }
    }

    /// An activation has ended.
    mutating func end(_ activation: Run.Activation) throws(LogError) {
        activation.observer.inFlight -= 1
        try pump(activation.observer)
    }

    /// What was to run is not; whoever waits for one of these is told.
    mutating func dropWaiting(of observer: Observer) throws(LogError) {
        guard !observer.waiting.isEmpty else { return }
        let dropped = Array(observer.waiting)
        observer.waiting.removeAll()
        observer.waitingBytes = 0
        let gone = ErrorBody(
            code: "OBSERVER_NOT_ACTIVE",
            message: "observer \(observer.id) is no more"
        )
        for run in dropped {
            observer.inFlight += 1
            try finish(run, record: nil, .failure(gone), took: 0)
        }
    }

    /// Observers of functions that observers call, and so on, come to an end.
    private mutating func isWithinDepth(_ depth: Int, _ observer: Observer) -> Bool {
        guard depth >= Limits.observeDepth else { return true }
        notice(
            .warning,
            "observer \(observer.id) of \(observer.spec.source) does not fire: the chain of calls "
                + "has gone through \(depth) observers"
        )
        return false
    }

    /// Whether the event, which observers have led to, may lead to one more activation. What is
    /// left out is told once, at the end of the turn.
    private mutating func mayExtend(_ origin: EventOrigin) -> Bool {
        guard origin.depth > 0 else { return true }
        if origin.chain.extend() { return true }
        if origin.chain.missed == 1 { exhaustedChains.append(origin.chain) }
        return false
    }

    /// Tells of events that have led to as many activations as one may.
    mutating func tellOfExhaustedChains() {
        for chain in exhaustedChains {
            notice(
                .warning,
                "observers of what observers do: the event that began trace \(chain.trace) has led "
                    + "to \(chain.activations) activations; \(chain.missed) more were left out, and "
                    + "all that follow are"
            )
        }
        exhaustedChains.removeAll()
    }

    // MARK: An owner calls

    /// `obs.call`: an owner has the observer's target called, and waits for the result.
    mutating func callObserver(
        _ id: String,
        _ call: Call,
        from worker: Worker
    ) throws(LogError) {
        func refuse(_ code: String, _ message: String) {
            let refusal = ErrorBody(code: code, message: message)
            answer(call, on: worker.connection, .failure(refusal), after: nil)
        }
        guard let observer = observers[id], observer.state == .active, !observer.isExhausted else {
            return refuse("OBSERVER_NOT_ACTIVE", "observer \(id) is not active")
        }
        let source = observer.spec.source
        guard worker.functions.contains(source),
            observers.descriptor(of: source).isOwnerDelivered
        else {
            return refuse("FORBIDDEN", "this worker hands out no events of \(source)")
        }
        let origin = origin(of: call, from: worker)
        let depth = depth(of: call, worker, origin)
        guard isWithinDepth(depth, observer) else {
            return refuse("OBSERVE_DEPTH", "the chain of calls has gone through too many observers")
        }
        guard hasRoom(for: call.payload.count, of: observer) else {
            return refuse("OBSERVER_BUSY", "too many activations of observer \(id) wait already")
        }
        let event = EventOrigin(
            trace: origin.trace,
            cause: origin.cause,
            depth: depth,
            chain: origin.chain ?? ActivationChain(origin.trace),
            baggage: call.propagation.baggage
        )
        guard mayExtend(event) else {
            return refuse("OBSERVE_BUDGET", "the event has led to too many activations")
        }
        let record = try recordActivation(of: observer, call.payload, "call", event)
        let run = Run(
            function: observer.spec.target,
            payload: call.payload,
            metadata: observer.spec.metadata,
            purpose: purpose(of: call, on: worker.connection),
            trace: origin.trace,
            cause: record,
            causeHoldsPayload: true,
            baggage: Baggage.naming(observer.spec.target.id, in: call.propagation.baggage),
            caller: worker.id
        )
        if case .answer = run.purpose, case .uuid(let id)? = call.id { run.invocation = id }
        setContext(of: run, call, worker, origin)
        run.depth = depth + 1
        run.chain = event.chain
        run.activation = Run.Activation(observer: observer, id: UUID128(from: &random))
        try activate(run, of: observer)
    }
}
