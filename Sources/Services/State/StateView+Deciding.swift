import Events
package import JSON
package import Primitives

/// When a call is decided.
package struct StateMoment: Sendable {
    package let now: Timestamp
    /// The offset that the first record of the call gets.
    package let next: Offset

    package init(now: Timestamp, next: Offset) {
        self.now = now
        self.next = next
    }
}

// MARK: Deciding: reads, refuses, changes nothing.

extension StateView {
    /// Gives the value that the record at an offset wrote.
    ///
    /// - Throws: why it cannot be read any more.
    package typealias ReadValue = (Offset) throws(ErrorBody) -> [UInt8]

    /// What a call of `function` with `input` does and answers. Values that are not in memory are
    /// left for later where only the answer has them, else `read` is asked for them.
    ///
    /// - Throws: `deserialization_error` when the input is not what the function takes, what `read`
    ///   threw, else the function's own code. Nothing changes then.
    package func decide(
        _ function: StateFunction,
        input: JSONText,
        at moment: StateMoment,
        read: ReadValue
    ) throws(ErrorBody) -> StateDecision {
        let call = try StateCall(function, input: input)
        var decision = try decide(call, moment, read)
        decision.unknownMembers = call.unknownMembers
        return decision
    }

    private func decide(
        _ call: StateCall,
        _ moment: StateMoment,
        _ read: ReadValue
    ) throws(ErrorBody) -> StateDecision {
        switch call.function {
        case .set: return try decideSet(call, moment)
        case .get: return try decideGet(call, moment)
        case .delete: return try decideDelete(call, moment)
        case .update: return try decideUpdate(call, moment, read)
        case .list: return try decideList(scope: try call.name("scope"), read)
        case .listGroups: return decideListGroups()
        case .entries: return try decideEntries(call, read)
        case .getMany: return try decideGetMany(call, read)
        case .transact: return try decideTransact(call, moment, read)
        case .history: return ask(.history(try call.historyQuestion()))
        case .changes: return ask(.changes(try call.changesQuestion()))
        }
    }

    private func ask(_ question: StateQuestion) -> StateDecision {
        StateDecision(reply: .log(question), after: nil)
    }

    func value(of entry: StateEntry, _ read: ReadValue) throws(ErrorBody) -> [UInt8] {
        if let value = entry.value { return value }
        return try read(entry.version)
    }

    func entry(at place: StatePlace) -> StateEntry? {
        scopes.read(place.scope) { $0.entries[place.key] } ?? nil
    }

    /// The youngest record that has touched a scope, or may have emptied it.
    package func changed(scope: String) -> Offset? { changed(Name(scope)) }

    func changed(_ scope: Name) -> Offset? {
        (scopes.read(scope) { $0.changed } ?? nil) ?? groupsChanged
    }

    func expiry(at place: StatePlace) -> Timestamp? {
        scopes.read(place.scope) { $0.expiries[place.key] } ?? nil
    }

    // MARK: Revisions

    /// Why the call does not go on: the key is not at the revision that it expects; nil: it does.
    private func refusal(
        _ call: StateCall,
        _ place: StatePlace,
        _ entry: StateEntry?
    ) throws(ErrorBody) -> StateDecision? {
        guard let expected = try call.expectedRevision() else { return nil }
        let revision = entry?.version.rawValue ?? 0
        guard expected != revision, !Mutant.is(.blindCompareAndSet) else { return nil }
        let outcome = entry == nil ? "not_found" : "conflict"
        return StateDecision(
            reply: .ready(.value(StateAnswer.refused(outcome, revision))),
            after: entry?.version ?? changed(place.scope)
        )
    }

    // MARK: One key

    private func decideSet(
        _ call: StateCall,
        _ moment: StateMoment
    ) throws(ErrorBody) -> StateDecision {
        let place = try call.place()
        let old = entry(at: place)
        if let refusal = try refusal(call, place, old) { return refusal }
        let set = try plannedSet(call, place, over: old, moment.now)
        let revision = try call.wantsRevision() ? moment.next : nil
        let reply: StateReply
        if let old, old.value == nil {
            reply = .written(new: set.value, oldVersion: old.version, revision: revision)
        } else {
            reply = .ready(
                .value(
                    StateAnswer.written(
                        old: old?.value,
                        new: set.value,
                        errors: [],
                        revision: revision
                    )
                )
            )
        }
        return StateDecision(StateChange(.set(set)), reply: reply, after: nil)
    }

    /// What a `set` writes.
    func plannedSet(
        _ call: StateCall,
        _ place: StatePlace,
        over old: StateEntry?,
        _ now: Timestamp
    ) throws(ErrorBody) -> StateSet {
        let text = try call.value().compacted()
        guard text.isNested(within: Limits.stateDepth) else {
            throw call.failure(
                "the new value of \(place) would be nested deeper than \(Limits.stateDepth) levels"
            )
        }
        let value = text.bytes
        if let maxValueBytes, value.count > maxValueBytes {
            throw ErrorBody(
                code: "VALUE_TOO_LARGE",
                message: "the value of \(place) is \(value.count) bytes of compact JSON; "
                    + "max_value_bytes is \(maxValueBytes)"
            )
        }
        return try set(value, at: place, over: old, expires: try call.expiry(now), call)
    }

    private func decideUpdate(
        _ call: StateCall,
        _ moment: StateMoment,
        _ read: ReadValue
    ) throws(ErrorBody) -> StateDecision {
        let place = try call.place()
        if let refusal = try refusal(call, place, entry(at: place)) { return refusal }
        let plan = try plannedUpdate(call, place, moment.now, read)
        let answer = StateAnswer.written(
            old: plan.old,
            new: plan.set.value,
            errors: plan.errors,
            revision: try call.wantsRevision() ? moment.next : nil
        )
        return StateDecision(
            StateChange(.set(plan.set)),
            reply: .ready(.value(answer)),
            after: nil
        )
    }

    /// What an `update` writes, the value before, and which operations were skipped.
    func plannedUpdate(
        _ call: StateCall,
        _ place: StatePlace,
        _ now: Timestamp,
        _ read: ReadValue
    ) throws(ErrorBody) -> (set: StateSet, old: [UInt8]?, errors: [OperationError]) {
        let operations = try call.operations()
        let old = entry(at: place)
        let stored: [UInt8]?
        if let entry = old {
            stored = try value(of: entry, read)
        } else {
            stored = nil
        }
        var document = UpdatedDocument(stored.map { JSONText(trusted: $0).value() })
        let errors = document.apply(operations)
        guard document.value.depth <= Limits.stateDepth else {
            throw call.failure(
                "the new value of \(place) would be nested \(document.value.depth) levels deep; "
                    + "at most \(Limits.stateDepth) are allowed"
            )
        }
        // An update changes a value that goes by itself, and not when, unless it says so.
        let expires = try call.expiry(now) ?? expiry(at: place)
        let set = try set(document.value.text.bytes, at: place, over: old, expires: expires, call)
        return (set, stored, errors)
    }

    private func set(
        _ value: [UInt8],
        at place: StatePlace,
        over old: StateEntry?,
        expires: Timestamp?,
        _ call: StateCall
    ) throws(ErrorBody) -> StateSet {
        guard value.count <= Limits.stateValueBytes else {
            throw call.failure(
                "the new value of \(place) would be \(value.count) bytes of compact JSON; "
                    + "a record holds at most \(Limits.stateValueBytes)"
            )
        }
        return StateSet(
            scope: place.scope.text,
            key: place.key.text,
            value: value,
            function: call.function.rawValue,
            expires: expires,
            previous: old?.version
        )
    }

    private func decideDelete(
        _ call: StateCall,
        _ moment: StateMoment
    ) throws(ErrorBody) -> StateDecision {
        let place = try call.place()
        let old = entry(at: place)
        if let refusal = try refusal(call, place, old) { return refusal }
        let revision = try call.wantsRevision() ? moment.next : nil
        guard let entry = old else {
            let missing = revision.map { _ in
                FunctionResult.value(StateAnswer.refused("not_found", 0))
            }
            return StateDecision(
                StateChange(deletingNothingAt: place),
                reply: .ready(missing ?? .none),
                after: changed(place.scope)
            )
        }
        let change = StateChange(.deleted(plannedDelete(entry, place)))
        let reply: StateReply =
            if let value = entry.value {
                .ready(.value(revision.map { StateAnswer.deleted(value, $0) } ?? value))
            } else {
                .deleted(oldVersion: entry.version, revision: revision)
            }
        return StateDecision(change, reply: reply, after: nil)
    }

    func plannedDelete(_ entry: StateEntry, _ place: StatePlace) -> StateDeleted {
        StateDeleted(scope: place.scope.text, key: place.key.text, previous: entry.version)
    }

    // MARK: Reading one key

    private func decideGet(
        _ call: StateCall,
        _ moment: StateMoment
    ) throws(ErrorBody) -> StateDecision {
        let place = try call.place()
        let withRevision = try call.flag("with_revision")
        let entry = entry(at: place)
        if let at = try call.moment() {
            // It was not written since then: what it was, it is.
            if case .offset(let offset) = at, offset < moment.next, let entry,
                entry.version <= offset
            {
                return told(entry, place, withRevision, after: offset)
            }
            let question = StateQuestion.Value(place: place, at: at, withRevision: withRevision)
            return ask(.value(question))
        }
        guard let entry else {
            let missing = FunctionResult.value(StateAnswer.revised(nil, 0, nil))
            return StateDecision(
                reply: .ready(withRevision ? missing : .none),
                after: changed(place.scope)
            )
        }
        return told(entry, place, withRevision, after: entry.version)
    }

    /// What `state::get` answers of a key that is there.
    private func told(
        _ entry: StateEntry,
        _ place: StatePlace,
        _ withRevision: Bool,
        after offset: Offset
    ) -> StateDecision {
        guard withRevision else {
            let reply = entry.value.map { StateReply.ready(.value($0)) }
            return StateDecision(reply: reply ?? .value(version: entry.version), after: offset)
        }
        let expires = expiry(at: place)
        let reply = entry.value.map {
            let answer = StateAnswer.revised($0, entry.version.rawValue, expires)
            return StateReply.ready(.value(answer))
        }
        return StateDecision(
            reply: reply ?? .revised(version: entry.version, expires: expires),
            after: offset
        )
    }
}
