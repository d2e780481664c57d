import AccessControl
import CommitLog
import Disk
import Events
import Folding
import JSON
import Primitives

// Triggers that belong to no connection (protocol 6.9): made by `engine::register_trigger`, kept as
// records, and there again after every start.

/// A call that waits for what a provider says to its trigger.
struct WaitingBinding {
    let call: Call
    let connection: ConnectionID
    let trace: TraceID
    let cause: Offset?
}

extension Engine where Store: ~Copyable {
    /// Puts what the log tells of back into the table. Workers that provide types come later.
    mutating func restoreBindings() throws(LogError) {
        for bound in views.work.bindings.all {
            var trigger = trigger(TriggerRequest(bound), owner: nil)
            do throws(ErrorBody) {
                try bindInEngine(trigger)
            } catch {
                trigger.type = nil
                notice(
                    .warning,
                    "trigger \(bound.trigger) of type \(bound.type) is not served: \(error.message)"
                )
            }
            registry.triggers[bound.trigger] = trigger
            try givingUpTooLarge { (engine) throws(LogError) in try engine.subscribe(trigger) }
        }
    }

    /// `engine::register_trigger`; `caller` is whose call it is, where an answer can come later,
    /// and `access` what the caller may do, nil: everything.
    ///
    /// - Returns: nil: the answer comes later.
    /// - Throws: what the log threw.
    mutating func bindTrigger(
        _ input: JSONText,
        for caller: (call: Call, connection: ConnectionID)?,
        _ access: Access?,
        _ origin: Origin
    ) throws(LogError) -> Outcome? {
        let trigger: Registry.Trigger
        do throws(ErrorBody) {
            let id = UUID128(from: &random).description
            var request = try Self.bindingRequest(input, id: id)
            if let access { request = try screened(request, access) }
            guard Registration.trigger(request).byteCount < options.payloadBytes else {
                throw ErrorBody(
                    code: "payload_too_large",
                    message: "the trigger has \(input.bytes.count) bytes; at most "
                        + "\(options.payloadBytes) can be recorded"
                )
            }
            trigger = self.trigger(request, owner: nil)
        } catch {
            return .failure(error)
        }
        try revokeRestricted(fromRouteOf: trigger)
        do throws(ErrorBody) {
            try bindInEngine(trigger)
        } catch {
            return .failure(error)
        }
        let id = trigger.request.id
        registry.triggers[id] = trigger
        if let caller, let name = trigger.type, registry.provider(of: name) != nil {
            waitingBindings[id] = WaitingBinding(
                call: caller.call,
                connection: caller.connection,
                trace: origin.trace,
                cause: origin.cause
            )
            timers.set(
                .bindingAcceptance(trigger: id),
                at: now.monotonic + Limits.bindingPatience
            )
            try ask(id)
            return nil
        }
        let offset = try recordBinding(id, trace: origin.trace, cause: origin.cause)
        try ask(id)
        try adoptTrigger(id)
        awaitProvider(of: trigger)
        return Outcome(result: Self.bindingAnswer(id), after: offset)
    }

    private static func bindingRequest(
        _ input: JSONText,
        id: String
    ) throws(ErrorBody) -> TriggerRequest {
        let request: TriggerRequest
        do throws(JSONFieldError) {
            let fields = try JSONFields(input.isNull ? .emptyObject : input)
            request = TriggerRequest(
                id: id,
                type: try fields.requiredString("trigger_type"),
                function: try fields.requiredString("function_id"),
                config: fields.optionalValue("config") ?? .null,
                metadata: fields.optionalValue("metadata"),
                namespace: nil,
                triggerNamespace: try fields.optionalString("trigger_namespace")
            )
        } catch {
            throw ErrorBody(
                code: "deserialization_error",
                message: "Failed to deserialize input for engine::register_trigger: \(error)"
            )
        }
        try checkNamespaces(of: request)
        return request
    }

    private static func bindingAnswer(_ id: String) -> FunctionResult {
        .value(JSONValue.object(["id": .string(id)]).text.bytes)
    }

    private mutating func recordBinding(
        _ id: String,
        trace: TraceID,
        cause: Offset?
    ) throws(LogError) -> Offset? {
        guard let trigger = registry.triggers[id] else { return nil }
        let request = trigger.request
        let offset = try record(
            .triggerBound(
                TriggerBound(
                    trigger: id,
                    type: request.type,
                    typeNamespace: request.triggerNamespace,
                    function: trigger.function,
                    config: request.config.bytes,
                    metadata: request.metadata?.bytes ?? []
                )
            ),
            trace: trace,
            cause: cause
        )
        registry.triggers[id]?.record = offset
        try subscribe(trigger)
        return offset
    }

    /// A provider has taken the trigger, has gone, or has not answered in time: a trigger that
    /// somebody waits for stands from now on.
    mutating func acceptBinding(_ id: String) throws(LogError) {
        guard let waiting = waitingBindings.removeValue(forKey: id) else { return }
        let offset = try recordBinding(id, trace: waiting.trace, cause: waiting.cause)
        try adoptTrigger(id)
        let outcome = Self.bindingAnswer(id)
        answer(waiting.call, on: waiting.connection, outcome, after: offset)
    }

    /// A provider refuses a trigger.
    ///
    /// - Returns: whether somebody waited for it. There never was such a trigger then.
    mutating func refuseBinding(_ id: String, _ error: ErrorBody) -> Bool {
        guard let waiting = waitingBindings.removeValue(forKey: id) else { return false }
        registry.triggers[id] = nil
        let refusal = ErrorBody(
            code: "trigger_registration_failed",
            message: "\(error.code): \(error.message)"
        )
        answer(waiting.call, on: waiting.connection, .failure(refusal), after: nil)
        return true
    }

    /// `engine::unregister_trigger`, of a trigger that belongs to nobody or to the caller.
    mutating func unbindTrigger(_ input: JSONText, _ worker: Worker?) throws(LogError) -> Outcome {
        let id: String
        let type: String?
        do throws(JSONFieldError) {
            let fields = try JSONFields(input.isNull ? .emptyObject : input)
            id = try fields.requiredString("id")
            type = try fields.optionalString("trigger_type")
        } catch {
            return .failure(
                ErrorBody(
                    code: "deserialization_error",
                    message: "Failed to deserialize input for engine::unregister_trigger: \(error)"
                )
            )
        }
        guard let trigger = registry.triggers[id], waitingBindings[id] == nil,
            type == nil || type == trigger.request.type
        else { return Outcome(result: Self.unbindingAnswer(false)) }
        if let access = worker?.access, let refusal = refusal(of: trigger.function, for: access) {
            return .failure(refusal)
        }
        if trigger.owner == nil {
            try unbind(trigger)
        } else if let worker, trigger.owner == worker.connection {
            try removeTrigger(id, by: worker)
        } else {
            return .failure(
                ErrorBody(
                    code: "unregister_failed",
                    message: "trigger \(id) belongs to another worker, which can take it back"
                )
            )
        }
        return Outcome(result: Self.unbindingAnswer(true), after: newest)
    }

    private static func unbindingAnswer(_ isRemoved: Bool) -> FunctionResult {
        .value(JSONValue.object(["removed": .bool(isRemoved)]).text.bytes)
    }

    /// Takes back a trigger that belongs to nobody.
    mutating func unbind(_ trigger: Registry.Trigger) throws(LogError) {
        let offset = try record(.triggerUnbound(TriggerUnbound(trigger: trigger.request.id)))
        removeTrigger(trigger.request.id, after: offset)
        try dropLegacy(trigger.request.id)
        try unsubscribe(trigger)
    }
}

extension TriggerRequest {
    fileprivate init(_ bound: TriggerBound) {
        self.init(
            id: bound.trigger,
            type: bound.type,
            function: bound.function.id,
            config: JSONText(trusted: bound.config),
            metadata: bound.metadata.isEmpty ? nil : JSONText(trusted: bound.metadata),
            namespace: bound.function.namespace,
            triggerNamespace: bound.typeNamespace
        )
    }
}
