import AccessControl
import CommitLog
import DequeModule
import Disk
import Events
import Folding
import JSON
import Primitives
import State
import Stream

// The sockets that subscribe to streams (services 1, D.3 to D.5). What a socket asks for is done in
// its order; that a function is asked about a join holds up only that socket.

extension Engine where Store: ~Copyable {
    mutating func stream(_ command: SubscriberCommand) throws(LogError) {
        let id = command.subscriber
        switch command {
        case .admit(_, let visitor): return try admit(id, visitor)
        case .gone:
            streams.admissions.remove(id)
            guard let peer = streams.peers.removeValue(forKey: id) else { return }
            return try leaveAll(peer)
        case .caughtUp(let replay, let outcome): return try caughtUp(replay, outcome)
        case .join, .leave: break
        }
        guard !isDraining else { return }
        let peer = streams.peers[id] ?? StreamPeer(id)
        streams.peers[id] = peer
        guard peer.waiting.count < Limits.streamRequests else {
            peer.waiting.removeAll()
            return hold(.close(id, code: 1008, reason: "too many requests at once"), after: nil)
        }
        peer.waiting.append(command)
        try advance(peer)
    }

    mutating func hold(_ effect: StreamEffect, after offset: Offset?) {
        gate.hold(.toSubscribers(effect), after: offset)
    }

    /// Does what a socket has asked for since, up to what functions are asked about.
    mutating func advance(_ peer: StreamPeer) throws(LogError) {
        while !peer.isBusy, !peer.isGone, let command = peer.waiting.popFirst() {
            switch command {
            case .join(_, let join): try begin(join, of: peer)
            case .leave(_, let join): try leave(join, of: peer)
            case .admit, .gone, .caughtUp: break
            }
        }
    }

    // MARK: Being let in

    private mutating func admit(_ id: SubscriberID, _ visitor: StreamVisitor) throws(LogError) {
        guard let function = options.streamAuthentication, !isDraining else {
            return hold(.admitted(id, context: nil), after: nil)
        }
        streams.admissions.insert(id)
        timers.set(.streamAdmission(id), at: now.monotonic + Limits.streamAdmission)
        try start(
            Run(
                function: FunctionName(id: function),
                payload: visitor.input.bytes,
                purpose: .admitStream(id),
                trace: TraceID(from: &random),
                cause: nil,
                // Headers and query hold credentials, which no record may.
                causeHoldsPayload: true
            )
        )
    }

    /// The auth function has answered, or failed: it gives a context, and refuses nobody
    /// (services 1, D.4).
    mutating func admitted(_ id: SubscriberID, _ result: FunctionResult, after offset: Offset?) {
        guard streams.admissions.remove(id) != nil else { return }
        var context: JSONText?
        switch result {
        case .value(let bytes):
            let answer = JSONText(trusted: bytes)
            if answer.isObject {
                context = answer.member("context")
                tellIfRefused(answer)
            }
        case .none: break
        case .failure(let error):
            notice(
                .warning,
                "the auth function of streams failed; the connection has no context: "
                    + "\(error.code): \(error.message)"
            )
        }
        hold(.admitted(id, context: context), after: offset)
    }

    /// Whoever writes such an answer believes that the socket is not let in.
    private mutating func tellIfRefused(_ answer: JSONText) {
        guard let member = Grants.refusal(in: answer), once.isFirst("refusal of a stream's socket")
        else { return }
        notice(
            .warning,
            "the auth function of streams answered \"\(member)\", which refuses nobody: only a "
                + "function with a stream:join trigger refuses"
        )
    }

    /// It did not answer in time; if it still does, nobody listens.
    mutating func expireStreamAdmission(_ id: SubscriberID) {
        let silence = ErrorBody(code: "invocation_timeout", message: "it did not answer in time")
        admitted(id, .failure(silence), after: nil)
    }

    // MARK: Joining

    /// Lets a join have its way.
    mutating func finish(_ join: StreamJoin, of peer: StreamPeer) throws(LogError) {
        peer.stopReplay(of: join.subscription)
        let old = peer.subscriptions.updateValue(join, forKey: join.subscription)
        if let old {
            streams.leave(peer.id, old)
            groupChanged(old.group)
            if old.group != join.group {
                tellOfPresence("left", old, of: peer.id)
                try fireLeave(old)
            }
        }
        streams.join(peer.id, join)
        groupChanged(join.group)
        // To the others nothing has happened where it asks for the same again.
        if old.map({ !$0.isSeen(as: join) }) ?? true {
            tellOfPresence("joined", join, of: peer.id)
        }
        if let after = join.after {
            // One of the same id is heard no more meanwhile.
            hold(.unsubscribe(peer.id, subscription: join.subscription), after: nil)
            try resume(join, of: peer, from: after.advanced(by: 1))
        } else {
            hold(.subscribe(peer.id, join), after: nil)
            try sync(join, of: peer)
        }
        replayNext(of: peer)
    }

    /// Tells what there is. Where the disk does not give that for the moment, it is asked again
    /// after `rest` nanoseconds, and the subscription is good meanwhile.
    mutating func sync(
        _ join: StreamJoin,
        of peer: StreamPeer,
        rest: Int64 = Limits.unreadableRest
    ) throws(LogError) {
        var input = JSONObject()
        input["stream_name"] = .string(join.group.stream)
        input["group_id"] = .string(join.group.group)
        if let item = join.item { input["item_id"] = .string(item) }
        let function: StreamFunction = join.item == nil ? .list : .get
        let text = JSONValue.object(input).text
        let origin = Origin(trace: TraceID(from: &random), cause: nil)
        if let keeper = customStream(function, text) {
            return try ask(keeper, function, text, for: .joined(peer, join), origin)
        }
        if let message = streams.sync(for: join, at: newest, now.wall) {
            return hold(.send(peer.id, message), after: newest)
        }
        let outcome = try runStream(function, text, origin)
        let result = resolve(outcome.reply)
        guard case .failure(let error) = result, error.isReadRefusal,
            let number = streams.number(of: join, by: peer.id)
        else {
            let message = tell(peer, join, of: result)
            return streams.remember(sync: message, at: now.wall)
        }
        if rest == Limits.unreadableRest {
            notice(
                .warning,
                "\(join.subscription) is told later what group \(join.group) holds: "
                    + "\(error.message)"
            )
        }
        let again = Timers.Subject.streamSync(
            peer.id,
            subscription: join.subscription,
            join: number,
            rest: rest
        )
        timers.set(again, at: now.monotonic + UInt64(rest))
    }

    mutating func syncAgain(
        _ id: SubscriberID,
        _ subscription: String,
        number: UInt64,
        rest: Int64
    ) throws(LogError) {
        guard !isDraining, let peer = streams.peers[id],
            let join = streams.join(of: subscription, by: id, number: number)
        else { return }
        try sync(join, of: peer, rest: min(2 * rest, Limits.unreadableRestMax))
    }

    /// What was read for a socket that has joined. Where it cannot be read the subscription is good
    /// all the same (services 1, D.3).
    ///
    /// - Returns: what it is told; nil: nothing.
    @discardableResult
    mutating func tell(
        _ peer: StreamPeer,
        _ join: StreamJoin,
        of result: FunctionResult
    ) -> StreamMessage? {
        switch result {
        case .value(let bytes):
            return tell(peer, join, .sync(bytes), after: newest)
        case .none:
            return tell(peer, join, .sync(JSONText.null.bytes), after: newest)
        case .failure(let error):
            notice(
                .warning,
                "\(join.subscription) was not told what group \(join.group) holds: "
                    + "\(error.code): \(error.message)"
            )
            return nil
        }
    }

    /// - Returns: what it is told; nil: it is gone.
    @discardableResult
    mutating func tell(
        _ peer: StreamPeer,
        _ join: StreamJoin,
        _ content: StreamEnvelope.Content,
        after offset: Offset?
    ) -> StreamMessage? {
        guard !peer.isGone else { return nil }
        // Whoever goes on behind this offset later is told no more of what is before it: only what
        // tells of all that may have one.
        let told: Offset? =
            switch content {
            case .sync, .resumed: offset
            default: nil
            }
        let envelope = StreamEnvelope(
            group: join.group,
            item: join.item,
            time: now.wall,
            offset: told,
            content: content
        )
        let message = StreamMessage(envelope)
        hold(.send(peer.id, message), after: offset)
        return message
    }

    // MARK: Leaving

    /// What was never joined is left all the same (services 1, D.3).
    private mutating func leave(_ asked: StreamJoin, of peer: StreamPeer) throws(LogError) {
        let join = peer.subscriptions.removeValue(forKey: asked.subscription)
        peer.stopReplay(of: asked.subscription)
        if let join {
            streams.leave(peer.id, join)
            groupChanged(join.group)
            hold(.unsubscribe(peer.id, subscription: join.subscription), after: nil)
            tellOfPresence("left", join, of: peer.id)
        }
        replayNext(of: peer)
        try fireLeave(join ?? asked)
    }

    private mutating func leaveAll(_ peer: StreamPeer) throws(LogError) {
        peer.isGone = true
        peer.abandonVisit()
        peer.waiting.removeAll()
        peer.stopReplays()
        let joins = peer.subscriptions.values.sorted { $0.subscription < $1.subscription }
        peer.subscriptions = [:]
        for join in joins {
            streams.leave(peer.id, join)
            groupChanged(join.group)
            tellOfPresence("left", join, of: peer.id)
            try fireLeave(join)
        }
    }

    // MARK: Who is there

    /// Tells those who want to know. Of a context they see only what its `presence` says: the rest
    /// is between the auth function and the functions that it is handed to.
    private mutating func tellOfPresence(
        _ event: String,
        _ join: StreamJoin,
        of subscriber: SubscriberID
    ) {
        guard let attendance = streams.groups[join.group], !attendance.watchers.isEmpty else {
            return
        }
        var data = JSONObject()
        data["subscriptionId"] = .string(join.subscription)
        data["id"] = join.item.map { .string($0) } ?? .null
        data["presence"] = join.context?.member("presence")?.value() ?? .null
        data["count"] = .integer(Int64(attendance.members.count))
        let message = StreamMessage(
            StreamEnvelope(
                group: join.group,
                item: nil,
                time: now.wall,
                offset: nil,
                content: .presence(type: event, data: JSONValue.object(data).text)
            )
        )
        for member in attendance.watchers.names
        where member.subscriber != subscriber || member.subscription != join.subscription {
            hold(.send(member.subscriber, message), after: nil)
        }
    }

    /// `stream::presence`: for workers, which are trusted with contexts.
    func presence(_ input: JSONText) -> Outcome {
        let group: StreamGroup
        do throws(ErrorBody) {
            group = try StreamCall(.presence, input: input).group()
        } catch {
            return .failure(error)
        }
        let joins = streams.groups[group]?.inOrder ?? []
        var json = JSONBuilder()
        json.beginObject()
        json.key("count")
        json.integer(joins.count)
        json.key("subscriptions")
        json.beginArray()
        for join in joins { json.raw(join.visit) }
        json.endArray()
        json.endObject()
        return Outcome(result: .value(json.finish().bytes))
    }
}
