import Primitives

// How much a worker may register. What is beyond that is refused by itself: the connection stays,
// and so does all that it has registered.

extension Engine where Store: ~Copyable {
    /// Whether a registration can be recorded, and come back in messages; its worker is told where
    /// it cannot. Asked before anything is changed for it. `sent` is what the worker called it.
    mutating func fits(
        _ registration: Registration,
        of worker: Worker,
        sentAs sent: Registration
    ) -> Bool {
        let problem: String
        if registration.longestName > Limits.nameBytes {
            problem =
                "an id or namespace in it has \(registration.longestName) bytes; at most "
                + "\(Limits.nameBytes) are taken"
        } else if registration.byteCount >= options.payloadBytes {
            problem = "it has \(registration.byteCount) bytes"
        } else {
            return true
        }
        notice(
            .warning,
            "a registration of worker \(worker.name ?? worker.id.description) was ignored: \(problem)"
        )
        turnAway(sent, of: worker, problem)
        return false
    }

    /// Whether a worker may have that beside all that it has; it is told where it may not. `sent`
    /// is what the worker called it.
    mutating func hasRoom(
        for registration: Registration,
        of worker: Worker,
        sentAs sent: Registration
    ) -> Bool {
        let connection = worker.connection
        let count =
            worker.functions.count + worker.triggers.count + worker.types.count
            + observers.of(holder: connection).count
        let bytes = worker.holdings.bytes + observers.bytes(ofHolder: connection)
        let more = growth(registration, of: worker)
        let isTooMany = count >= Limits.registrations && isNew(registration, to: worker)
        let isTooMuch = more > 0 && bytes + more > Limits.registrationBytes
        guard isTooMany || isTooMuch else { return true }
        let problem =
            "one connection has at most \(Limits.registrations) functions, triggers, trigger types "
            + "and observers, of \(Limits.registrationBytes) bytes in all"
        if !worker.isKnownToOverfill {
            worker.isKnownToOverfill = true
            notice(
                .warning,
                "a registration of worker \(worker.name ?? worker.id.description) was ignored, and "
                    + "so are further ones without room: \(problem)"
            )
        }
        turnAway(sent, of: worker, problem)
        return false
    }

    /// Whether it would be one more, and not one again.
    private func isNew(_ registration: Registration, to worker: Worker) -> Bool {
        switch registration {
        case .function(let id, _, _):
            !worker.functions.contains(FunctionName(namespace: worker.namespace, id: id))
        case .trigger(let request): !worker.triggers.contains(request.id)
        case .triggerType(let offer):
            !worker.types.contains(
                TriggerTypeName(namespace: offer.namespace ?? worker.namespace, id: offer.id)
            )
        case .observe(let id, _): observers[id]?.holders.contains(worker.connection) != true
        case .removeFunction, .removeTrigger, .removeTriggerType, .unobserve: false
        }
    }

    /// How much more it would hold than what it takes the place of, in bytes.
    private func growth(_ registration: Registration, of worker: Worker) -> Int {
        let known: Int
        switch registration {
        case .function(let id, _, _):
            known =
                worker.holdings[.function(FunctionName(namespace: worker.namespace, id: id))]
        case .trigger(let request): known = worker.holdings[.trigger(request.id)]
        case .triggerType(let offer):
            let namespace = offer.namespace ?? worker.namespace
            known = worker.holdings[.type(TriggerTypeName(namespace: namespace, id: offer.id))]
        case .observe(let id, _):
            let isHeld = observers[id]?.holders.contains(worker.connection) == true
            known = isHeld ? observers[id]?.byteCount ?? 0 : 0
        case .removeFunction, .removeTrigger, .removeTriggerType, .unobserve: return 0
        }
        return registration.byteCount - known
    }

    /// Tells a worker that a registration is not taken, where there is a message for that: there is
    /// none for trigger types. A name may have any length.
    private mutating func turnAway(
        _ registration: Registration,
        of worker: Worker,
        _ problem: String
    ) {
        switch registration {
        case .function(let id, _, _):
            let rejection = Effect.Rejection(
                code: "FUNCTION_NAMESPACE_CONFLICT",
                namespace: worker.namespace,
                function: id.cut,
                owner: nil
            )
            send(.rejected(rejection), to: worker.connection, after: nil)
        case .trigger(var request):
            request.id = request.id.cut
            request.type = request.type.cut
            request.function = request.function.cut
            let refusal = ErrorBody(code: "trigger_registration_failed", message: problem)
            failTrigger(request, refusal, to: worker.connection)
        case .observe(let id, _):
            let refusal = ErrorBody(code: "INVALID_ARGS", message: problem)
            tell(worker.connection, .result(id: id.cut, .error, refusal, warnings: []))
        case .triggerType, .removeFunction, .removeTrigger, .removeTriggerType, .unobserve: break
        }
    }
}
