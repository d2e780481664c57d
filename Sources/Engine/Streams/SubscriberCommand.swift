package import JSON
package import Primitives
package import Stream

/// A socket that subscribes to streams, as the edges and the core name it.
package struct SubscriberID: Hashable, Sendable {
    /// Which event loop owns it.
    package let loop: Int
    package let number: UInt64

    package init(loop: Int, number: UInt64) {
        self.loop = loop
        self.number = number
    }
}

/// What the sockets of streams ask of the core.
package enum SubscriberCommand: Sendable {
    /// A connection comes: the auth function is asked what it knows of it. Answered by
    /// ``StreamEffect/admitted(_:context:)``.
    case admit(SubscriberID, StreamVisitor)
    case join(SubscriberID, StreamJoin)
    case leave(SubscriberID, StreamJoin)
    /// What a subscription has missed was told, or cannot be.
    case caughtUp(StreamReplay, StreamReplay.Outcome)
    /// The socket is closed: it leaves whatever it has joined.
    case gone(SubscriberID)

    var subscriber: SubscriberID {
        switch self {
        case .admit(let id, _), .join(let id, _), .leave(let id, _), .gone(let id): id
        case .caughtUp(let replay, _): replay.subscriber
        }
    }
}

/// One subscription of a socket, as it asked for it.
package struct StreamJoin: Sendable {
    /// Chosen by the socket; a second one of the same id takes the first one's place.
    package var subscription: String
    package var group: StreamGroup
    /// Nil: all of the group.
    package var item: String?
    /// The last that it has heard of, at most ``Offset/limit``; nil: nothing, and it is told what
    /// there is.
    package var after: Offset?
    /// Whether it wants to hear who else joins and leaves.
    package var watchesPresence: Bool
    /// What the auth function said of the socket.
    package var context: JSONText?

    package init(
        subscription: String,
        group: StreamGroup,
        item: String? = nil,
        after: Offset? = nil,
        watchesPresence: Bool = false,
        context: JSONText? = nil
    ) {
        self.subscription = subscription
        self.group = group
        self.item = item
        self.after = after
        self.watchesPresence = watchesPresence
        self.context = context
    }

    /// Whether those who watch who is there are told the same of both.
    func isSeen(as other: StreamJoin) -> Bool {
        group == other.group && item.map(Name.init) == other.item.map(Name.init)
            && context == other.context
    }

    /// What functions are told of it (services 1, D.5).
    var visit: JSONText {
        var json = JSONBuilder()
        json.beginObject()
        json.key("subscription_id")
        json.string(subscription)
        json.key("stream_name")
        json.string(group.stream)
        json.key("group_id")
        json.string(group.group)
        json.key("id")
        if let item { json.string(item) } else { json.null() }
        json.key("context")
        json.raw(context ?? .null)
        json.endObject()
        return json.finish()
    }
}

/// What a connection's opening request said: the input of the auth function (services 1, D.4).
package struct StreamVisitor: Sendable {
    /// Names in lower case.
    package var headers: [(name: String, value: String)]
    package var path: String
    /// As sent, without the question mark.
    package var query: String?
    /// `ip:port`.
    package var address: String

    package init(
        headers: [(name: String, value: String)],
        path: String,
        query: String?,
        address: String
    ) {
        self.headers = headers
        self.path = path
        self.query = query
        self.address = address
    }

    var input: JSONText {
        let named = JSONObject(headers: headers)
        var parameters = JSONObject(query: query)
        parameters[""] = nil
        return JSONValue.object([
            "headers": .object(named), "path": .string(path), "query_params": .object(parameters),
            "addr": .string(address),
        ]).text
    }
}

/// What leaves the engine for the sockets of streams.
package enum StreamEffect: Sendable {
    case admitted(SubscriberID, context: JSONText?)
    /// From now on it is pushed what happens there.
    case subscribe(SubscriberID, StreamJoin)
    case unsubscribe(SubscriberID, subscription: String)
    /// One message for one socket.
    case send(SubscriberID, StreamMessage)
    /// One for every subscription on that loop that it is for.
    case push(loop: Int, StreamMessage)
    case close(SubscriberID, code: UInt16, reason: String)
    /// What a subscription has missed is to be read from the log and told.
    case replay(StreamReplay)

    var loop: Int {
        switch self {
        case .admitted(let id, _), .subscribe(let id, _), .unsubscribe(let id, _), .send(let id, _),
            .close(let id, _, _):
            id.loop
        case .push(let loop, _): loop
        case .replay(let replay): replay.subscriber.loop
        }
    }
}

/// A message to subscribers, encoded once for all of them.
package final class StreamMessage: Sendable {
    package let group: StreamGroup
    /// The item that it is about; nil: none.
    package let item: String?
    /// The record that it tells of; nil: none.
    package let offset: Offset?
    /// Whether a later one about the same item makes it needless.
    package let isChange: Bool
    /// Whether it tells who else is there.
    package let isPresence: Bool
    /// Whether it says that the join was refused.
    package let isRefusal: Bool
    /// The envelope.
    package let json: [UInt8]

    package init(_ envelope: StreamEnvelope) {
        group = envelope.group
        item = envelope.item
        offset = envelope.offset
        switch envelope.content {
        case .created, .updated, .deleted: isChange = true
        default: isChange = false
        }
        if case .presence = envelope.content { isPresence = true } else { isPresence = false }
        if case .unauthorized = envelope.content { isRefusal = true } else { isRefusal = false }
        json = envelope.json.bytes
    }
}

extension Offset {
    /// What a client says it has heard of last. What is none is one that no log reaches: the client
    /// is told that something is missing, and what there is.
    package init(heardOf text: some StringProtocol) {
        self = min(UInt64(text).map { Offset($0) } ?? .limit, .limit)
    }
}
