import AccessControl
import CommitLog
import Disk
import Folding
import JSON
import Primitives

// Workers of listeners that are not trusted (protocol 9). The worker of a trusted one has no
// `Access`, and nothing here is reached for it.

extension Engine where Store: ~Copyable {
    // MARK: Being let in

    /// A socket asks to be let in, before its handshake is answered.
    mutating func admit(_ id: AdmissionID, _ admission: Admission) throws(LogError) {
        let rules = options.listeners[admission.listener]
        guard let function = rules.rbac?.authentication else {
            let access = rules.isTrusted ? nil : Access(rules, .full)
            return gate.hold(.admit(id, .admitted(access)), after: nil)
        }
        guard !isDraining else { return gate.hold(.admit(id, .dropped), after: nil) }
        timers.set(.admissionDeadline(id), at: now.monotonic + rules.hookTimeout)
        let pending = PendingAdmission(
            function: FunctionName(id: function),
            rules: rules,
            input: admission.input.bytes
        )
        try ask(about: id, pending)
    }

    private mutating func ask(
        about id: AdmissionID,
        _ pending: PendingAdmission
    ) throws(LogError) {
        admissions[id] = pending
        try start(
            Run(
                function: pending.function,
                payload: pending.input,
                purpose: .admit(id),
                trace: TraceID(from: &random),
                cause: nil,
                // Headers and query hold credentials, which no record may.
                causeHoldsPayload: true
            )
        )
    }

    /// An auth function is served again: it is asked about the sockets that waited for it.
    mutating func takeUpAdmissions(of name: FunctionName) throws(LogError) {
        // Functions appear often, and anybody's sockets may wait.
        guard !admissions.isEmpty, !isDraining,
            options.listeners.contains(where: { $0.isGuarded(by: name) })
        else { return }
        let waiting = admissions.filter { $0.value.isWaiting && $0.value.function == name }
        for (id, var pending) in waiting.sorted(by: { $0.key < $1.key }) {
            pending.isWaiting = false
            try ask(about: id, pending)
        }
    }

    /// The auth function did not answer in time, or nobody has served it; if it still answers,
    /// nobody listens.
    mutating func expire(_ id: AdmissionID) {
        guard let pending = admissions.removeValue(forKey: id) else { return }
        // Of one that waited it was said when it began to.
        if !pending.isWaiting {
            notice(.warning, "a worker was not let in: the auth function did not answer")
        }
        gate.hold(.admit(id, .dropped), after: nil)
    }

    /// The auth function has answered, or nobody has: it is not there, or its worker has gone.
    mutating func admitted(
        _ id: AdmissionID,
        by run: Run,
        _ result: FunctionResult,
        after offset: Offset?
    ) throws(LogError) {
        guard var pending = admissions[id] else { return }
        let verdict: Effect.Verdict
        switch result {
        case .value(let bytes):
            do throws(JSONFieldError) {
                let grants = try Grants(JSONText(trusted: bytes))
                verdict = .admitted(Access(pending.rules, grants))
            } catch {
                notice(.warning, "a worker was not let in by the auth function's answer: \(error)")
                verdict = .refused(status: 403, reason: "not let in")
            }
        case .none: verdict = .refused(status: 403, reason: "not let in")
        case .failure(let error) where run.isUnanswered && pending.mayLose(run):
            // Another worker is asked, if any serves it. Else, as after any restart, one may be
            // back within the time for the handshake.
            if !isDraining, isThere(pending.function) { return try ask(about: id, pending) }
            notice(.warning, "a worker waits to be let in: \(error.message)")
            pending.isWaiting = true
            admissions[id] = pending
            return
        case .failure: verdict = .refused(status: 401, reason: "not let in")
        }
        admissions[id] = nil
        gate.hold(.admit(id, verdict), after: offset)
    }

    // MARK: Calls

    /// Why the worker may not call `function`; nil: it may.
    func refusal(of function: FunctionName, for access: Access) -> ErrorBody? {
        let registry = registry
        // A builtin is one thing, from whichever namespace it is reached.
        let function = Builtin.named(function) == nil ? function : FunctionName(id: function.id)
        return access.refusal(of: function) {
            registry.functions[function]?.metadata ?? []
        }
    }

    /// Why the worker may not have `function` run later, from a queue or by a trigger; nil: it may.
    ///
    /// A builtin that names another function asks whether its caller may: later it has none.
    func refusal(ofDeferring function: FunctionName, for access: Access) -> ErrorBody? {
        if let builtin = Builtin.named(function), builtin.namesAnother {
            return Access.refusal(
                "\(function.id) can be called, but not be queued or be run by a trigger"
            )
        }
        return refusal(of: function, for: access)
    }

    /// Whether lists show `function` to the worker: what it may not call it need not know.
    static func shows(
        _ function: FunctionName,
        to access: Access?,
        _ registry: Registry
    ) -> Bool {
        guard let access else { return true }
        return access.verdict(on: function) {
            registry.functions[function]?.metadata ?? []
        }.isAllowed
    }

    /// Why `worker` may not have a function enqueued through the builtin for it; nil: it may.
    func refusal(ofEnqueueing input: JSONText, by worker: Worker?) -> ErrorBody? {
        guard let access = worker?.access, let id = input.member("function_id")?.stringValue else {
            return nil
        }
        let namespace = input.member("namespace")?.stringValue ?? FunctionName.defaultNamespace
        return refusal(
            ofDeferring: FunctionName(namespace: namespace, id: id),
            for: access
        )
    }

    /// What the middleware of the worker's listener is asked in place of `call`; nil: there is
    /// none, or the call goes past it: that of a builtin whose id begins with `engine::` (protocol
    /// 9.6).
    func middleware(
        for call: Call,
        _ access: Access,
        namespace: String
    ) -> MiddlewareQuestion? {
        guard let middleware = access.rules.middleware else { return nil }
        let target = FunctionName(namespace: namespace, id: call.function)
        // One that names another function would lead past the middleware.
        if call.function.hasPrefix("engine::"), let builtin = Builtin.named(target),
            !builtin.namesAnother
        {
            return nil
        }
        func input(_ context: JSONText) -> [UInt8] {
            var input = JSONBuilder(capacity: 256 + call.payload.count)
            input.beginObject()
            input.key("function_id")
            input.string(call.function)
            input.key("payload")
            input.raw(JSONText(trusted: call.payload))
            input.key("action")
            input.raw(call.action.json)
            input.key("context")
            input.raw(context)
            input.key("namespace")
            input.string(namespace)
            input.endObject()
            return input.finish().bytes
        }
        return MiddlewareQuestion(
            function: FunctionName(namespace: namespace, id: middleware),
            payload: input(access.grants.context),
            logged: input(.redacted)
        )
    }
}

/// What a middleware is asked.
struct MiddlewareQuestion {
    let function: FunctionName
    let payload: [UInt8]
    /// The same as it is recorded: what an auth function knows of a worker may be a secret.
    let logged: [UInt8]
}

extension JSONText {
    /// What records have in place of a secret.
    static let redacted = JSONText(string: "[redacted]")

    /// The same object without what is secret in it; what is no object may be all secret.
    var withoutContext: JSONText {
        guard case .object(var members) = value() else { return .redacted }
        if members["context"] != nil { members["context"] = Self.redacted.value() }
        return JSONValue.object(members).text
    }
}

extension Call.Action {
    /// As the worker sent it; null: an ordinary call.
    var json: JSONText {
        switch self {
        case .await, .refused: .null
        case .void: JSONValue.object(["type": .string("void")]).text
        case .enqueue(let queue):
            JSONValue.object(["type": .string("enqueue"), "queue": .string(queue)]).text
        case .unknown(let type): JSONValue.object(["type": .string(type)]).text
        }
    }
}
