import Engine
import JSON
import Primitives
import WorkerProtocol

// What a worker says, as commands.

extension Call {
    convenience init(_ frame: IncomingInvoke) throws(FrameError) {
        self.init(
            id: try frame.invocationID,
            function: try frame.functionID,
            namespace: try frame.namespace,
            payload: frame.data,
            metadata: frame.metadata,
            action: Action(frame.action),
            propagation: Propagation(
                traceparent: frame.traceparent,
                baggage: frame.baggage.flatMap {
                    $0.utf8.count <= Limits.baggageBytes ? $0 : nil
                }
            ),
            context: CallContext(frame)
        )
    }

    /// A call that is only answered.
    ///
    /// - Throws: `reason`, where nobody waits for an answer.
    convenience init(
        refusing frame: IncomingInvoke,
        because reason: FrameError
    ) throws(FrameError) {
        guard let id = try frame.invocationID, frame.action != .void else { throw reason }
        self.init(
            id: id,
            // It is what may be wrong.
            function: (try? frame.functionID) ?? "",
            namespace: nil,
            payload: JSONText.null.bytes,
            metadata: nil,
            action: .refused(reason.description),
            propagation: Propagation(traceparent: nil, baggage: nil)
        )
    }
}

extension Call.Action {
    init(_ action: InvokeFrame.Action) {
        switch action {
        case .call: self = .await
        case .void: self = .void
        case .enqueue(let queue): self = .enqueue(queue: queue)
        case .unknown(let type): self = .unknown(type)
        }
    }
}

extension CallResult {
    init(_ frame: ResultFrame) {
        self.init(id: frame.invocationID, result: frame.result)
    }
}

extension Registration {
    /// nil: the frame is no registration.
    init?(_ frame: WorkerFrame) {
        switch frame {
        case .registerFunction(let function):
            self = .function(
                id: function.id,
                definition: function.definition,
                invocation: function.invocation
            )
        case .unregisterFunction(let id): self = .removeFunction(id: id)
        case .registerTrigger(let trigger):
            self = .trigger(
                TriggerRequest(
                    id: trigger.id,
                    type: trigger.type,
                    function: trigger.functionID,
                    config: trigger.config,
                    metadata: trigger.metadata,
                    namespace: trigger.namespace,
                    triggerNamespace: trigger.triggerNamespace
                )
            )
        case .unregisterTrigger(let id, _): self = .removeTrigger(id: id)
        case .observe(let observe): self = .observe(id: observe.id, observe.wish)
        case .unobserve(let id): self = .unobserve(id: id)
        case .registerTriggerType(let type): self = .triggerType(TriggerTypeOffer(type))
        case .unregisterTriggerType(let id, let namespace):
            self = .removeTriggerType(id: id, namespace: namespace)
        default: return nil
        }
    }
}

extension TriggerTypeOffer {
    fileprivate init(_ frame: TriggerTypeRegistration) {
        self.init(
            id: frame.id,
            description: frame.description,
            configFormat: frame.triggerRequestFormat,
            callFormat: frame.callRequestFormat,
            namespace: frame.namespace
        )
    }
}

extension TriggerAnswer {
    init(_ frame: TriggerRegistrationResult) {
        self.init(id: frame.id, type: frame.type, error: frame.error)
    }
}

// What the engine says, as frames.

extension EngineFrame {
    /// nil: the message has a frame of its own.
    init?(_ message: Effect.Message) {
        switch message {
        case .registered(let worker, let token, let features):
            self = .workerRegistered(
                workerID: worker.description,
                reattachToken: token.description,
                features: features
            )
        case .rejected(let rejection):
            self = .registrationRejected(
                RegistrationRejection(
                    code: rejection.code,
                    namespace: rejection.namespace,
                    functionID: rejection.function,
                    workerName: rejection.worker,
                    ownerWorkerID: rejection.owner?.description ?? ""
                )
            )
        case .triggerFailed(let id, let type, let function, let error):
            self = .triggerRegistrationResult(
                TriggerRegistrationResult(
                    id: id,
                    type: type,
                    functionID: function,
                    error: error
                )
            )
        case .bind(let binding): self = .registerTrigger(TriggerRegistration(binding))
        case .unbind(let id, let type): self = .unregisterTrigger(id: id, type: type)
        case .pong: self = .pong
        case .answer, .invoke, .receipt, .observe: return nil
        }
    }
}

extension TriggerRegistration {
    fileprivate init(_ binding: Effect.Binding) {
        self.init(
            id: binding.id,
            type: binding.type,
            functionID: binding.function,
            config: binding.config,
            metadata: binding.metadata,
            namespace: binding.namespace,
            triggerNamespace: binding.typeNamespace
        )
    }
}

extension ResultFrame {
    init(
        _ id: InvocationID,
        _ function: String,
        _ result: FunctionResult,
        _ propagation: Propagation
    ) {
        self.init(
            invocationID: id,
            functionID: function,
            result: result,
            traceparent: propagation.traceparent,
            baggage: propagation.baggage
        )
    }
}

extension ReceiptFrame {
    /// nil: the call waits for nothing.
    init?(_ call: Call, _ receipt: UUID128) {
        guard let id = call.id else { return nil }
        self.init(
            invocationID: id,
            functionID: call.function,
            receipt: receipt,
            traceparent: call.propagation.traceparent,
            baggage: call.propagation.baggage
        )
    }
}

extension DispatchFrame {
    init(_ dispatch: Effect.Dispatch) {
        self.init(
            invocation: dispatch.invocation,
            functionID: dispatch.function,
            data: dispatch.payload,
            caller: dispatch.caller,
            metadata: dispatch.metadata,
            traceparent: dispatch.traceparent,
            baggage: dispatch.baggage,
            observation: dispatch.observation.map { Observation($0) }
        )
    }
}
