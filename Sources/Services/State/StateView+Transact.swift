import Events
import JSON
import Primitives

// MARK: Deciding over several keys: all that is written, or nothing.

extension Limits {
    /// Checks and writes of one `state::transact`, each.
    static let stateTransact = 256
}

extension StateView {
    /// What one write of a transaction did.
    private struct Written {
        let place: StatePlace
        /// Nil: there was nothing to delete.
        let revision: Offset?
        /// What an update made.
        var update: (value: [UInt8], errors: [OperationError])?
    }

    func decideTransact(
        _ call: StateCall,
        _ moment: StateMoment,
        _ read: ReadValue
    ) throws(ErrorBody) -> StateDecision {
        try call.refuseOthers(than: ["checks", "writes"])
        let checks = try call.parts("checks", known: ["scope", "key", "if_revision"])
        let writes = try call.parts(
            "writes",
            known: [
                "type", "scope", "key", "value", "data", "ops", "if_revision", "ttl_ms",
                "expires_at",
            ]
        )
        guard max(checks.count, writes.count) <= Limits.stateTransact else {
            throw call.failure(
                "at most \(Limits.stateTransact) checks and as many writes are allowed"
            )
        }
        if let refusal = try conflicts(checks + writes, checks: checks.count) { return refusal }
        var touched: Set<StatePlace> = []
        var changes: [StateChange] = []
        var written: [Written] = []
        var next = moment.next
        for write in writes {
            let place = try write.place()
            guard touched.insert(place).inserted else {
                throw call.failure("\(place) is written twice; once is enough")
            }
            var done = Written(place: place, revision: next)
            let change: StateChange
            switch try write.kind() {
            case .set:
                let set = try plannedSet(write, place, over: entry(at: place), moment.now)
                change = StateChange(.set(set))
            case .update:
                let plan = try plannedUpdate(write, place, moment.now, read)
                change = StateChange(.set(plan.set))
                done.update = (plan.set.value, plan.errors)
            case .delete:
                if let entry = entry(at: place) {
                    change = StateChange(.deleted(plannedDelete(entry, place)))
                } else {
                    change = StateChange(deletingNothingAt: place)
                    done = Written(place: place, revision: nil)
                }
            }
            if change.event != nil { next = next.advanced(by: 1) }
            changes.append(change)
            written.append(done)
        }
        return StateDecision(
            changes,
            reply: .ready(.value(Self.answer(written))),
            after: seen(checks + writes)
        )
    }

    /// The answer where a key is not at the revision that is expected; nil: all are.
    private func conflicts(
        _ parts: [StateCall],
        checks: Int
    ) throws(ErrorBody) -> StateDecision? {
        var builder = JSONBuilder()
        builder.beginObject()
        builder.key("outcome")
        builder.string("conflict")
        builder.key("conflicts")
        builder.beginArray()
        var hasConflict = false
        for (index, part) in parts.enumerated() {
            let place = try part.place()
            guard let expected = try part.expectedRevision() else {
                guard index >= checks else {
                    throw part.failure("checks[\(index)] has no \"if_revision\" to be checked")
                }
                continue
            }
            let revision = entry(at: place)?.version.rawValue ?? 0
            guard expected != revision else { continue }
            hasConflict = true
            builder.beginObject()
            builder.key(index < checks ? "check" : "write")
            builder.integer(index < checks ? index : index - checks)
            builder.key("scope")
            builder.string(place.scope.text)
            builder.key("key")
            builder.string(place.key.text)
            builder.key("revision")
            builder.integer(revision)
            builder.endObject()
        }
        guard hasConflict else { return nil }
        builder.endArray()
        builder.endObject()
        let answer = FunctionResult.value(builder.finish().bytes)
        return StateDecision(reply: .ready(answer), after: seen(parts))
    }

    /// The youngest record that the revisions of these keys rest on.
    private func seen(_ parts: [StateCall]) -> Offset? {
        parts.compactMap { part -> Offset? in
            guard let place = try? part.place() else { return nil }
            return entry(at: place)?.version ?? changed(place.scope)
        }.max()
    }

    private static func answer(_ written: [Written]) -> [UInt8] {
        var builder = JSONBuilder()
        builder.beginObject()
        builder.key("outcome")
        builder.string("applied")
        builder.key("revision")
        builder.integer(written.compactMap(\.revision).last?.rawValue ?? 0)
        builder.key("results")
        builder.beginArray()
        for write in written {
            builder.beginObject()
            builder.key("scope")
            builder.string(write.place.scope.text)
            builder.key("key")
            builder.string(write.place.key.text)
            builder.key("revision")
            builder.integer(write.revision?.rawValue ?? 0)
            if let update = write.update {
                builder.key("new_value")
                builder.raw(bytes: update.value)
                StateAnswer.write(update.errors, into: &builder)
            }
            builder.endObject()
        }
        builder.endArray()
        builder.endObject()
        return builder.finish().bytes
    }
}
