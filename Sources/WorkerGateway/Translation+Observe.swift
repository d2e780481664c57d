import Engine
import JSON
import Observe
import Primitives
import WorkerProtocol

// What a worker says about observers, checked here, off the core thread.

extension ObserveFrame {
    /// What is asked for, or what is wrong with it.
    var wish: Result<ObserverSpec, ErrorBody> {
        let home = FunctionName.defaultNamespace
        var words = ObserverSpec.Words(
            source: FunctionName(namespace: source.namespace ?? home, id: source.functionID),
            target: FunctionName(namespace: target.namespace ?? home, id: target.functionID)
        )
        words.args = source.args
        words.filters = source.filters
        words.areFiltersRepaired = source.areFiltersRepaired
        words.on = source.on
        words.capture = source.capture
        words.deliver = source.deliver
        words.metadata = metadata
        words.firesMax = maxFires
        words.lifetimeMilliseconds = expiresInMilliseconds
        words.concurrency = maxInFlight
        return Result { () throws(ErrorBody) in try ObserverSpec(words) }
    }
}

extension CallContext {
    /// nil: the frame says nothing of where the call is made.
    convenience init?(_ frame: IncomingInvoke) {
        guard frame.hasContext else { return nil }
        let caller = frame.caller
        let parent = caller?.member("parent")
        self.init(
            function: caller?.member("function_id")?.stringValue,
            invocation: caller?.member("invocation_id")?.stringValue,
            parentFunction: parent?.member("function_id")?.stringValue,
            parentInvocation: parent?.member("invocation_id")?.stringValue,
            depth: frame.observeDepth,
            observer: frame.activation?.member("observer_id")?.stringValue
        )
    }
}

extension ObserverAck {
    init(_ frame: ObserverAckFrame) {
        self.init(
            function: frame.functionID,
            namespace: frame.namespace,
            observer: frame.id,
            revision: UInt64(max(0, frame.revision)),
            error: frame.error
        )
    }
}

extension ReportedEvent {
    init(_ item: ObservedInvocation) {
        self.init(
            event: ObservedEvent(
                function: FunctionName(namespace: item.namespace ?? "", id: item.functionID),
                invocation: item.invocationID,
                isSuccess: item.status != "error",
                input: item.input,
                output: item.output,
                error: item.error,
                caller: item.caller,
                metadata: item.metadata,
                started: Int64(exactly: item.startedMilliseconds.rounded()) ?? 0,
                duration: item.durationMilliseconds
            ),
            observers: item.matched,
            depth: Int(min(max(0, item.observeDepth), 1 << 20)),
            propagation: Propagation(
                traceparent: item.traceparent,
                baggage: item.baggage.flatMap {
                    $0.utf8.count <= Limits.baggageBytes ? $0 : nil
                }
            )
        )
    }
}

extension ObserveReport {
    init(_ drop: LocalInvocationStats.Dropped) {
        self = .dropped(function: drop.functionID, reason: drop.reason, count: drop.count)
    }
}

// What the engine says about observers, as frames.

extension ObserveReply {
    init(_ message: ObserveMessage) {
        switch message {
        case .functionRegistered(let function, let revision, let observers):
            self = .functionRegistered(
                id: function.id,
                namespace: function.namespace,
                revision: revision,
                observers: observers.map { ObserverInfo($0) }
            )
        case .observerAdded(let function, let revision, let observer):
            self = .observerAdded(
                functionID: function.id,
                namespace: function.namespace,
                revision: revision,
                observer: ObserverInfo(observer)
            )
        case .observerRemoved(let function, let revision, let id):
            self = .observerRemoved(
                functionID: function.id,
                namespace: function.namespace,
                revision: revision,
                id: id
            )
        case .result(let id, let state, let error, let warnings):
            self = .result(id: id, state: state.rawValue, error: error, warnings: warnings)
        case .stateChanged(let id, let state, let reason, let fires):
            self = .stateChanged(id: id, state: state.rawValue, reason: reason, fires: fires)
        }
    }
}

extension ObserveReply.ObserverInfo {
    fileprivate init(_ info: OfferedObserver) {
        self.init(
            id: info.id,
            args: info.spec.args,
            filters: info.spec.filter.text,
            target: info.spec.target.id,
            capture: info.spec.capture,
            on: info.spec.outcome.rawValue,
            legacy: info.legacy.map { Legacy(triggerType: $0.type, config: $0.config) }
        )
    }
}

extension DispatchFrame.Observation {
    init(_ observation: Effect.Observation) {
        self.init(
            caller: observation.caller?.text,
            depth: observation.depth,
            activation: observation.activation.map { Activation(observer: $0.observer, id: $0.id) }
        )
    }
}
