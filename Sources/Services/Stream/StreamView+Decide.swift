import Events
import JSON
package import Primitives
package import State

// Deciding: reads, refuses, changes nothing.

extension StreamView {
    /// What a call does and answers. Values that are not in memory are left for later where only
    /// the answer has them, else `read` is asked for them.
    ///
    /// - Throws: `deserialization_error` when the input is not what the function takes, what `read`
    ///   threw, else the function's own code. Nothing changes then.
    package func decide(
        _ call: StreamCall,
        read: StateView.ReadValue
    ) throws(ErrorBody) -> StreamDecision {
        switch call.function {
        case .set: try decideSet(call)
        case .get: decideGet(try call.place())
        case .delete: try decideDelete(try call.place(), read)
        case .update: try decideUpdate(call, read)
        case .list: try decideList(try call.group(), read)
        case .entries: try decideEntries(call, read)
        case .listGroups:
            answer(.groups(groupNames(of: try call.name("stream_name"))))
        case .listAll: answer(.all(streamNames.map { ($0, groupNames(of: $0)) }))
        case .send: try decideSend(call)
        case .presence: preconditionFailure("who is joined is no matter of records")
        }
    }

    private func answer(_ answer: StreamAnswer) -> StreamDecision {
        StreamDecision(
            event: nil,
            reply: .ready(.value(answer.json.bytes)),
            after: items.groupsChanged
        )
    }

    private func value(
        of entry: StateEntry,
        _ read: StateView.ReadValue
    ) throws(ErrorBody) -> [UInt8] {
        if let value = entry.value { return value }
        return try read(entry.version)
    }

    private func decideSet(_ call: StreamCall) throws(ErrorBody) -> StreamDecision {
        let place = try call.place()
        let value = try call.data()
        let old = entry(of: place.item, in: place.group)
        let reply: StateReply
        if let old, old.value == nil {
            reply = .written(new: value, oldVersion: old.version, revision: nil)
        } else {
            reply = .ready(.value(ItemUpdate.answer(old: old?.value, new: value)))
        }
        return try write(value, reply, to: place, isNew: old == nil, call)
    }

    private func decideUpdate(
        _ call: StreamCall,
        _ read: StateView.ReadValue
    ) throws(ErrorBody) -> StreamDecision {
        let place = try call.place()
        let update = try call.update()
        var stored: [UInt8]?
        if let entry = entry(of: place.item, in: place.group) {
            stored = try value(of: entry, read)
        }
        let outcome = update.applied(to: stored)
        guard outcome.depth <= Limits.stateDepth else {
            throw call.failure(
                "the new value of \(place) would be nested \(outcome.depth) levels deep; "
                    + "at most \(Limits.stateDepth) are allowed"
            )
        }
        return try write(
            outcome.value,
            .ready(.value(outcome.answer)),
            to: place,
            isNew: stored == nil,
            call
        )
    }

    private func write(
        _ value: [UInt8],
        _ reply: StateReply,
        to place: ItemPlace,
        isNew: Bool,
        _ call: StreamCall
    ) throws(ErrorBody) -> StreamDecision {
        guard value.count <= Limits.itemBytes else {
            throw call.failure(
                "the new value of \(place) would be \(value.count) bytes of compact JSON; "
                    + "a record holds at most \(Limits.itemBytes)"
            )
        }
        let event = StreamSet(
            stream: place.group.stream,
            group: place.group.group,
            item: place.item,
            value: value,
            isNew: isNew,
            function: call.function.rawValue
        )
        return StreamDecision(event: .set(event), reply: reply, after: nil)
    }

    private func decideGet(_ place: ItemPlace) -> StreamDecision {
        guard let entry = entry(of: place.item, in: place.group) else {
            return StreamDecision(
                event: nil,
                reply: .ready(.none),
                after: items.changed(scope: place.group.scope)
            )
        }
        let reply = entry.value.map { StateReply.ready(.value($0)) }
        return StreamDecision(
            event: nil,
            reply: reply ?? .value(version: entry.version),
            after: entry.version
        )
    }

    /// The old value is told to subscribers, so that it is needed at once.
    private func decideDelete(
        _ place: ItemPlace,
        _ read: StateView.ReadValue
    ) throws(ErrorBody) -> StreamDecision {
        guard let entry = entry(of: place.item, in: place.group) else {
            return StreamDecision(
                event: nil,
                reply: .ready(.value(StreamAnswer.deleted(nil).json.bytes)),
                after: items.changed(scope: place.group.scope)
            )
        }
        let old = try value(of: entry, read)
        let event = StreamDeleted(
            stream: place.group.stream,
            group: place.group.group,
            item: place.item,
            old: old
        )
        return StreamDecision(
            event: .deleted(event),
            reply: .ready(.value(StreamAnswer.deleted(old).json.bytes)),
            after: nil
        )
    }

    private func decideList(
        _ group: StreamGroup,
        _ read: StateView.ReadValue
    ) throws(ErrorBody) -> StreamDecision {
        let values = try items.values(inScope: group.scope, read)
        return StreamDecision(
            event: nil,
            reply: .ready(.value(StreamAnswer.items(values).json.bytes)),
            after: items.changed(scope: group.scope)
        )
    }

    /// A page of a group's items by their ids: as `state::entries` tells the keys of a scope.
    private func decideEntries(
        _ call: StreamCall,
        _ read: StateView.ReadValue
    ) throws(ErrorBody) -> StreamDecision {
        let moment = StateMoment(now: Timestamp(nanoseconds: 0), next: .zero)
        let page = try items.decide(.entries, input: try call.page(), at: moment, read: read)
        precondition(page.changes.isEmpty)
        return StreamDecision(event: nil, reply: page.reply, after: page.after)
    }

    private func decideSend(_ call: StreamCall) throws(ErrorBody) -> StreamDecision {
        let group = try call.group()
        let type = try call.name("type")
        let data = try call.data()
        guard data.count <= Limits.itemBytes - Limits.nameBytes else {
            throw call.failure(
                "the data is \(data.count) bytes of compact JSON; "
                    + "a record holds at most \(Limits.itemBytes - Limits.nameBytes)"
            )
        }
        let event = StreamSent(
            stream: group.stream,
            group: group.group,
            item: try call.optionalName("id"),
            type: type,
            data: data
        )
        return StreamDecision(
            event: .sent(event),
            reply: .ready(.value(JSONText.null.bytes)),
            after: nil
        )
    }
}
