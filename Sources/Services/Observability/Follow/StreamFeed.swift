import Events
package import JSON
import Primitives

/// What becomes of the streams that somebody watches, as the log tells it: the youngest of it, and
/// nothing while nobody watches.
struct StreamFeed: Sendable {
    private(set) var window = Window<StreamSight>(
        .init(count: 2000, bytes: 4 << 20, age: .seconds(60))
    )
    private var watched: Set<String> = []

    /// What is kept is of these streams from now on.
    mutating func watch(_ streams: Set<String>) {
        watched = streams
        if streams.isEmpty { window.removeAll() }
    }

    mutating func take(_ record: FollowedRecord) {
        guard !watched.isEmpty, case .stream(let event) = record.event,
            watched.contains(event.stream)
        else { return }
        let sight = StreamSight(event, at: record.offset, time: record.time)
        window.append(sight, bytes: sight.value.bytes.count + 256, at: record.time)
    }
}

/// Something that became of a stream.
package struct StreamSight: Sendable {
    package let stream: String
    package let group: String
    let item: String?
    let offset: Offset
    let time: Timestamp
    /// `set`, `deleted`, `sent` or `relayed`.
    let verb: String
    /// Of what was sent.
    let type: String?
    /// The new value, what was sent, or what was there.
    let value: JSONText

    fileprivate init(_ event: StreamEvent, at offset: Offset, time: Timestamp) {
        self.offset = offset
        self.time = time
        stream = event.stream
        switch event {
        case .set(let event):
            (group, item, verb, type) = (event.group, event.item, "set", nil)
            value = JSONText(trusted: event.value)
        case .deleted(let event):
            (group, item, verb, type) = (event.group, event.item, "deleted", nil)
            value = JSONText(trusted: event.old)
        case .sent(let event):
            (group, item, verb, type) = (event.group, event.item, "sent", event.type)
            value = JSONText(trusted: event.data)
        case .relayed(let event):
            (group, item, verb, type) = (event.group, event.item, "relayed", nil)
            value = JSONText(trusted: event.data)
        }
    }

    /// `{"offset","time_ms","verb","group","item","type","value"}`; a value of more than `limit`
    /// bytes is left out, and `value_bytes` tells how many it has.
    package func write(into json: inout JSONBuilder, limit: Int) {
        json.beginObject()
        json.key("offset")
        json.integer(offset.rawValue)
        json.key("time_ms")
        json.integer(time.milliseconds)
        json.key("verb")
        json.string(verb)
        json.key("group")
        json.string(group)
        json.key("item")
        if let item { json.string(item) } else { json.null() }
        if let type {
            json.key("type")
            json.string(type)
        }
        if value.bytes.count <= limit {
            json.key("value")
            json.raw(value)
        } else {
            json.key("value_bytes")
            json.integer(value.bytes.count)
        }
        json.endObject()
    }
}

extension StreamEvent {
    fileprivate var stream: String {
        switch self {
        case .set(let event): event.stream
        case .deleted(let event): event.stream
        case .sent(let event): event.stream
        case .relayed(let event): event.stream
        }
    }
}
