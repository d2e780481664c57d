import AccessControl
import CommitLog
import Disk
import Folding
import JSON
import Primitives

// What a restricted worker registers is looked at first (protocol 9.5): whether it may, what the
// listener's hook makes of it, and under which names it is to be known. What is refused is ignored;
// the worker is not told.

/// The registrations of a restricted worker, in the order in which they came.
struct Screening {
    /// What the hook is being asked about, as a count; nil: nothing.
    var asked: UInt64?
    private(set) var count: UInt64 = 0
    /// Registrations behind the one that the hook is being asked about.
    var waiting = RegistrationQueue()
    /// Whether those are being looked at: a hook that is missing has answered at once.
    var isGoingOn = false
    /// Registered names by the id under which the worker knows them.
    var functions: [String: FunctionName] = [:]
    /// The same, the other way.
    var ids: [FunctionName: String] = [:]
    /// Triggers by the id under which the worker knows them.
    var triggers: [String: String] = [:]
    /// Trigger types by the id and namespace under which the worker knows them.
    var types: [TriggerTypeName: TriggerTypeName] = [:]

    mutating func ask() -> UInt64 {
        count += 1
        asked = count
        return count
    }

    /// The worker does not serve the function any more.
    mutating func forget(_ name: FunctionName) {
        if let id = ids.removeValue(forKey: name) { functions[id] = nil }
    }

    /// The worker has lost a trigger.
    ///
    /// - Returns: the id under which it knew it.
    mutating func forgetTrigger(_ id: String) -> String {
        guard let known = triggers.first(where: { $0.value == id })?.key else { return id }
        triggers[known] = nil
        return known
    }

    /// The worker does not provide the type any more.
    mutating func forget(_ type: TriggerTypeName) {
        types = types.filter { $0.value != type }
    }
}

extension Engine where Store: ~Copyable {
    /// Takes one registration, or keeps it while another one is with the hook.
    mutating func screen(
        _ registration: Registration,
        of worker: Worker,
        _ access: Access
    ) throws(LogError) {
        guard worker.screening.asked == nil else {
            if !worker.screening.waiting.append(registration) { try cutOff(worker) }
            return
        }
        try ask(about: registration, of: worker, access)
    }

    private mutating func ask(
        about registration: Registration,
        of worker: Worker,
        _ access: Access
    ) throws(LogError) {
        guard access.grants.mayLive(in: worker.namespace), allows(registration, access) else {
            return
        }
        guard let (hook, input) = hook(for: registration, worker, access) else {
            return try admit(registration, original: registration, of: worker, access)
        }
        let number = worker.screening.ask()
        timers.set(
            .hookDeadline(worker.connection, number),
            at: now.monotonic + access.rules.hookTimeout
        )
        let run = Run(
            function: FunctionName(id: hook),
            payload: input.bytes,
            purpose: .screen(worker.connection, number, registration),
            trace: TraceID(from: &random),
            cause: nil,
            causeHoldsPayload: false
        )
        run.logged = input.withoutContext.bytes
        try start(run)
    }

    private func allows(_ registration: Registration, _ access: Access) -> Bool {
        switch registration {
        case .function: access.grants.mayRegisterFunctions
        case .trigger(let request):
            access.grants.allowedTriggerTypes?.contains(request.type) ?? true
        case .triggerType(let offer):
            access.grants.mayRegisterTriggerTypes
                && (offer.namespace.map { access.grants.mayLive(in: $0) } ?? true)
        case .removeFunction, .removeTrigger, .removeTriggerType, .observe, .unobserve: true
        }
    }

    private func hook(
        for registration: Registration,
        _ worker: Worker,
        _ access: Access
    ) -> (function: String, input: JSONText)? {
        guard let rbac = access.rules.rbac else { return nil }
        var input: JSONObject = [
            "namespace": .string(worker.namespace), "context": access.grants.context.value(),
        ]
        switch registration {
        case .function(let id, let definition, _):
            guard let hook = rbac.onFunction else { return nil }
            input["function_id"] = .string(id)
            input["description"] = definition.member("description")?.value() ?? .null
            input["metadata"] = definition.member("metadata")?.value() ?? .null
            return (hook, JSONValue.object(input).text)
        case .trigger(let request):
            guard let hook = rbac.onTrigger else { return nil }
            input["trigger_id"] = .string(request.id)
            input["trigger_type"] = .string(request.type)
            input["function_id"] = .string(request.function)
            input["config"] = request.config.value()
            input["metadata"] = request.metadata?.value() ?? .null
            input["namespace"] = .string(request.namespace ?? FunctionName.defaultNamespace)
            return (hook, JSONValue.object(input).text)
        case .triggerType(let offer):
            guard let hook = rbac.onTriggerType else { return nil }
            return (
                hook,
                JSONValue.object([
                    "trigger_type_id": .string(offer.id),
                    "description": offer.description.map { .string($0) } ?? .null,
                    "context": access.grants.context.value(),
                ]).text
            )
        case .removeFunction, .removeTrigger, .removeTriggerType, .observe, .unobserve: return nil
        }
    }

    /// The hook has answered; an error, or what is no object, refuses.
    mutating func screened(
        _ connection: ConnectionID,
        _ number: UInt64,
        _ registration: Registration,
        _ result: FunctionResult
    ) throws(LogError) {
        guard let worker = registry.workers[connection], let access = worker.access,
            worker.screening.asked == number
        else { return }
        worker.screening.asked = nil
        if case .value(let bytes) = result, JSONText(trusted: bytes).isObject {
            let changed = registration.changed(by: JSONText(trusted: bytes))
            // What the hook made of it must be allowed as well.
            if allows(changed, access) {
                try admit(changed, original: registration, of: worker, access)
            }
        }
        try goOn(worker, access)
    }

    /// The hook took too long.
    mutating func endHook(_ connection: ConnectionID, _ number: UInt64) throws(LogError) {
        guard let worker = registry.workers[connection], let access = worker.access,
            worker.screening.asked == number
        else { return }
        let name = worker.name ?? worker.id.description
        notice(.warning, "a registration of worker \(name) was ignored: its hook did not answer")
        worker.screening.asked = nil
        try goOn(worker, access)
    }

    private mutating func goOn(_ worker: Worker, _ access: Access) throws(LogError) {
        guard !worker.screening.isGoingOn else { return }
        worker.screening.isGoingOn = true
        defer { worker.screening.isGoingOn = false }
        while worker.screening.asked == nil, registry.workers[worker.connection] === worker,
            let next = worker.screening.waiting.popFirst()
        {
            try ask(about: next, of: worker, access)
        }
    }

    // MARK: Names

    /// Registers under the names that the rules make of the worker's own; `original` is what it
    /// sent.
    private mutating func admit(
        _ registration: Registration,
        original: Registration,
        of worker: Worker,
        _ access: Access
    ) throws(LogError) {
        let registration = access.grants.prefixed(registration)
        // Neither the hook nor the prefix has been asked to be short.
        guard fits(registration, of: worker, sentAs: original),
            hasRoom(for: registration, of: worker, sentAs: original)
        else { return }
        switch (registration, original) {
        case (.function(let id, let definition, let invocation), .function(let known, _, _)):
            let name = FunctionName(namespace: worker.namespace, id: id)
            if let old = worker.screening.functions[known], old != name {
                try apply(.removeFunction(id: old.id), of: worker)
                worker.screening.ids[old] = nil
            }
            worker.screening.functions[known] = name
            worker.screening.ids[name] = known
            try apply(
                .function(
                    id: name.id,
                    definition: access.grants.mayRegisterTriggerTypes
                        ? definition : definition.withoutTakeover,
                    invocation: invocation
                ),
                of: worker
            )
            // What was refused is not kept: there is no end to what may be.
            if !worker.functions.contains(name) { worker.screening.forget(name) }
        case (.removeFunction(let id), _):
            guard let name = worker.screening.functions.removeValue(forKey: id) else { return }
            worker.screening.ids[name] = nil
            try apply(.removeFunction(id: name.id), of: worker)
        case (.trigger(let request), .trigger(let known)):
            try admit(request, known: known, of: worker, access)
        case (.removeTrigger(let id), _):
            guard let own = worker.screening.triggers.removeValue(forKey: id) else { return }
            try apply(.removeTrigger(id: own), of: worker)
        case (.triggerType(let offer), .triggerType(let known)):
            try admit(offer, known: known, of: worker)
        case (.removeTriggerType(let id, let namespace), _):
            let known = TriggerTypeName(namespace: namespace ?? worker.namespace, id: id)
            guard let own = worker.screening.types.removeValue(forKey: known) else { return }
            try apply(.removeTriggerType(id: own.id, namespace: own.namespace), of: worker)
        case (.observe(let id, _), _):
            // It would see what others send, and whom it calls nobody would have asked about.
            let refusal = Access.refusal("workers of this listener may not observe functions")
            try apply(.observe(id: id, .failure(refusal)), of: worker)
        case (.unobserve, _): try apply(registration, of: worker)
        case (.function, _), (.trigger, _), (.triggerType, _):
            preconditionFailure("a hook changes names, not what is registered")
        }
    }

    private mutating func admit(
        _ request: TriggerRequest,
        known: TriggerRequest,
        of worker: Worker,
        _ access: Access
    ) throws(LogError) {
        if let refusal = refusal(of: request, worker, access) {
            return failTrigger(known, refusal, to: worker.connection)
        }
        if let old = worker.screening.triggers[known.id], old != request.id {
            try apply(.removeTrigger(id: old), of: worker)
        }
        worker.screening.triggers[known.id] = request.id
        try apply(.trigger(request), of: worker)
        if !worker.triggers.contains(request.id) { worker.screening.triggers[known.id] = nil }
    }

    private mutating func admit(
        _ offer: TriggerTypeOffer,
        known: TriggerTypeOffer,
        of worker: Worker
    ) throws(LogError) {
        func name(_ offer: TriggerTypeOffer) -> TriggerTypeName {
            TriggerTypeName(namespace: offer.namespace ?? worker.namespace, id: offer.id)
        }
        if let old = worker.screening.types[name(known)], old != name(offer) {
            try apply(.removeTriggerType(id: old.id, namespace: old.namespace), of: worker)
        }
        worker.screening.types[name(known)] = name(offer)
        try apply(.triggerType(offer), of: worker)
        if !worker.types.contains(name(offer)) { worker.screening.types[name(known)] = nil }
    }

    /// A trigger that a restricted worker asks for and that will belong to no connection: under the
    /// names that the rules make of the worker's own.
    ///
    /// - Throws: `FORBIDDEN`.
    func screened(
        _ request: TriggerRequest,
        _ access: Access
    ) throws(ErrorBody) -> TriggerRequest {
        var request = request
        request.function = access.grants.prefixed(request.function)
        guard allows(.trigger(request), access) else {
            throw Access.refusal("trigger type '\(request.type)' is not allowed")
        }
        if let refusal = refusal(of: request, access) { throw refusal }
        return request
    }
}

extension Grants {
    /// The same under the names that the worker's own become; what it takes back has its own.
    fileprivate func prefixed(_ registration: Registration) -> Registration {
        switch registration {
        case .function(let id, let definition, let invocation):
            return .function(id: prefixed(id), definition: definition, invocation: invocation)
        case .trigger(var request):
            request.function = prefixed(request.function)
            return .trigger(request)
        case .triggerType, .removeFunction, .removeTrigger, .removeTriggerType, .observe,
            .unobserve:
            return registration
        }
    }

    fileprivate func prefixed(_ id: String) -> String {
        prefix.map { "\($0)::\(id)" } ?? id
    }
}

extension Registration {
    /// The same with what the hook's answer replaces.
    fileprivate func changed(by answer: JSONText) -> Registration {
        func text(_ key: String) -> String? { answer.member(key)?.stringValue }
        switch self {
        case .function(let id, let definition, let invocation):
            var members = JSONObject()
            if case .object(let object) = definition.value() { members = object }
            for key in ["description", "metadata"] {
                if let value = answer.member(key), !value.isNull { members[key] = value.value() }
            }
            return .function(
                id: text("function_id") ?? id,
                definition: JSONValue.object(members).text,
                invocation: invocation
            )
        case .trigger(var request):
            request.id = text("trigger_id") ?? request.id
            request.type = text("trigger_type") ?? request.type
            request.function = text("function_id") ?? request.function
            if let config = answer.member("config"), !config.isNull { request.config = config }
            return .trigger(request)
        case .triggerType(var offer):
            offer.id = text("trigger_type_id") ?? offer.id
            offer.description = text("description") ?? offer.description
            return .triggerType(offer)
        case .removeFunction, .removeTrigger, .removeTriggerType, .observe, .unobserve: return self
        }
    }
}

extension JSONText {
    /// A function's definition that takes over no trigger type (protocol 12.3): for that a worker
    /// must be allowed to provide types.
    fileprivate var withoutTakeover: JSONText {
        guard member("observe")?.member("legacy_trigger_type") != nil,
            case .object(var members) = value(), case .object(var observe)? = members["observe"]
        else { return self }
        _ = observe.removeValue(forName: "legacy_trigger_type")
        members["observe"] = .object(observe)
        return JSONValue.object(members).text
    }
}
