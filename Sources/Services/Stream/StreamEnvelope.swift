package import Events
package import JSON
package import Primitives

/// What subscribers and functions are told (services 1, D.2).
package struct StreamEnvelope {
    package let group: StreamGroup
    /// The item that it is about; nil: none.
    package let item: String?
    package let time: Timestamp
    /// The record that it tells of: whoever has it goes on behind it. Nil: it tells of none.
    package let offset: Offset?
    package let content: Content

    package enum Content {
        case created([UInt8])
        case updated([UInt8])
        case deleted([UInt8])
        case event(type: String, data: [UInt8])
        /// What there is, for whoever has joined.
        case sync([UInt8])
        case unauthorized
        /// Whoever joined has been told all that it missed.
        case resumed
        /// What was between these offsets cannot be told any more, or never was.
        case gap(after: Offset?, reason: String)
        /// The subscriber was too slow for so many, the first of them behind this offset.
        case dropped(count: Int, after: Offset?)
        /// Somebody joined or left.
        case presence(type: String, data: JSONText)
    }

    package init(
        group: StreamGroup,
        item: String?,
        time: Timestamp,
        offset: Offset?,
        content: Content
    ) {
        self.group = group
        self.item = item
        self.time = time
        self.offset = offset
        self.content = content
    }

    package init(_ event: StreamEvent, at offset: Offset, time: Timestamp) {
        let (group, item) = (event.group, event.item)
        let content: Content =
            switch event {
            case .set(let event):
                event.isNew ? .created(event.value) : .updated(event.value)
            case .deleted(let event): .deleted(event.old)
            case .sent(let event): .event(type: event.type, data: event.data)
            case .relayed(let event):
                switch event.change {
                case .created: .created(event.data)
                case .updated: .updated(event.data)
                case .deleted: .deleted(event.data)
                }
            }
        self.init(group: group, item: item, time: time, offset: offset, content: content)
    }

    package var json: JSONText {
        var json = JSONBuilder(capacity: content.byteCount + 256)
        json.beginObject()
        json.key("type")
        json.string("stream")
        json.key("timestamp")
        json.integer(time.milliseconds)
        json.key("streamName")
        json.string(group.stream)
        json.key("groupId")
        json.string(group.group)
        json.key("id")
        if let item { json.string(item) } else { json.null() }
        json.key("event")
        content.write(into: &json)
        if let offset {
            json.key("offset")
            json.integer(offset.rawValue)
        }
        json.endObject()
        return json.finish()
    }
}

extension StreamEnvelope.Content {
    /// Roughly.
    fileprivate var byteCount: Int {
        switch self {
        case .created(let value), .updated(let value), .deleted(let value), .sync(let value),
            .event(_, let value):
            value.count
        default: 0
        }
    }

    fileprivate func write(into json: inout JSONBuilder) {
        func data(_ type: String, _ value: [UInt8]) {
            json.key("type")
            json.string(type)
            json.key("data")
            json.raw(bytes: value)
        }
        json.beginObject()
        switch self {
        case .created(let value): data("create", value)
        case .updated(let value): data("update", value)
        case .deleted(let value): data("delete", value)
        case .sync(let value): data("sync", value)
        case .presence(let type, let value): data(type, value.bytes)
        case .event(let type, let value):
            json.key("type")
            json.string("event")
            json.key("event")
            json.beginObject()
            data(type, value)
            json.endObject()
        case .unauthorized:
            json.key("type")
            json.string("unauthorized")
        case .resumed:
            json.key("type")
            json.string("resumed")
        case .dropped(let count, let after):
            json.key("type")
            json.string("dropped")
            json.key("count")
            json.integer(count)
            json.key("after")
            if let after { json.integer(after.rawValue) } else { json.null() }
        case .gap(let after, let reason):
            json.key("type")
            json.string("gap")
            json.key("after")
            if let after { json.integer(after.rawValue) } else { json.null() }
            json.key("reason")
            json.string(reason)
        }
        json.endObject()
    }
}

extension StreamEvent {
    package var group: StreamGroup {
        switch self {
        case .set(let event): StreamGroup(stream: event.stream, group: event.group)
        case .deleted(let event): StreamGroup(stream: event.stream, group: event.group)
        case .sent(let event): StreamGroup(stream: event.stream, group: event.group)
        case .relayed(let event): StreamGroup(stream: event.stream, group: event.group)
        }
    }

    package var item: String? {
        switch self {
        case .set(let event): event.item
        case .deleted(let event): event.item
        case .sent(let event): event.item
        case .relayed(let event): event.item
        }
    }

    /// What it is, in a word.
    package var verb: String {
        switch self {
        case .set(let event): event.isNew ? "create" : "update"
        case .deleted: "delete"
        case .sent: "event"
        case .relayed(let event):
            switch event.change {
            case .created: "create"
            case .updated: "update"
            case .deleted: "delete"
            }
        }
    }

    /// The bytes that it brings.
    package var dataBytes: Int {
        switch self {
        case .set(let event): event.value.count
        case .deleted(let event): event.old.count
        case .sent(let event): event.data.count
        case .relayed(let event): event.data.count
        }
    }
}
