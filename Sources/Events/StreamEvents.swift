import Primitives
package import RecordFormat

/// What happens to streams. An item's version is the offset of its record, as a value's is of the
/// state.
package enum StreamEvent: Equatable, Sendable {
    case set(StreamSet)
    case deleted(StreamDeleted)
    case sent(StreamSent)
    case relayed(StreamRelayed)
}

/// An item has this value now.
package struct StreamSet: EventBody {
    package static let kind = EventKind.streamSet

    package let stream: String
    package let group: String
    package let item: String
    /// JSON.
    package let value: [UInt8]
    /// Whether there was no such item before.
    package let isNew: Bool
    /// The function that wrote it: `stream::set` or `stream::update`.
    package let function: String

    package init(
        stream: String,
        group: String,
        item: String,
        value: [UInt8],
        isNew: Bool,
        function: String
    ) {
        self.stream = stream
        self.group = group
        self.item = item
        self.value = value
        self.isNew = isNew
        self.function = function
    }

    package func encode(into writer: inout ByteWriter) {
        writer.text(stream)
        writer.text(group)
        writer.text(item)
        writer.bytes(value)
        writer.byte(isNew ? 1 : 0)
        writer.text(function)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        stream = try reader.text()
        group = try reader.text()
        item = try reader.text()
        value = try reader.bytes()
        isNew = try reader.byte() != 0
        function = try reader.text()
    }
}

/// An item is gone.
package struct StreamDeleted: EventBody {
    package static let kind = EventKind.streamDeleted

    package let stream: String
    package let group: String
    package let item: String
    /// The value that it had, as JSON: subscribers are told, also those that come back later.
    package let old: [UInt8]

    package init(stream: String, group: String, item: String, old: [UInt8]) {
        self.stream = stream
        self.group = group
        self.item = item
        self.old = old
    }

    package func encode(into writer: inout ByteWriter) {
        writer.text(stream)
        writer.text(group)
        writer.text(item)
        writer.bytes(old)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        stream = try reader.text()
        group = try reader.text()
        item = try reader.text()
        old = try reader.bytes()
    }
}

/// Something was told to whoever listens, and changes no item.
package struct StreamSent: EventBody {
    package static let kind = EventKind.streamSent

    package let stream: String
    package let group: String
    /// The item that it is about; nil: it is for the group.
    package let item: String?
    package let type: String
    /// JSON.
    package let data: [UInt8]

    package init(stream: String, group: String, item: String?, type: String, data: [UInt8]) {
        self.stream = stream
        self.group = group
        self.item = item
        self.type = type
        self.data = data
    }

    package func encode(into writer: inout ByteWriter) {
        writer.text(stream)
        writer.text(group)
        writer.text(item)
        writer.text(type)
        writer.bytes(data)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        stream = try reader.text()
        group = try reader.text()
        item = try reader.optionalText()
        type = try reader.text()
        data = try reader.bytes()
    }
}

/// An item changed that a worker keeps, not the engine: what subscribers are told of it.
package struct StreamRelayed: EventBody {
    package static let kind = EventKind.streamRelayed

    package let stream: String
    package let group: String
    package let item: String
    package let change: Change
    /// The new value, or the one that was deleted, as JSON.
    package let data: [UInt8]

    package enum Change: UInt8, CaseIterable, Sendable {
        case created = 0
        case updated = 1
        case deleted = 2
    }

    package init(stream: String, group: String, item: String, change: Change, data: [UInt8]) {
        self.stream = stream
        self.group = group
        self.item = item
        self.change = change
        self.data = data
    }

    package func encode(into writer: inout ByteWriter) {
        writer.text(stream)
        writer.text(group)
        writer.text(item)
        writer.byte(change.rawValue)
        writer.bytes(data)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        stream = try reader.text()
        group = try reader.text()
        item = try reader.text()
        let position = reader.position
        guard let change = Change(rawValue: try reader.byte()) else {
            throw DecodeError(position: position, expected: "0, 1 or 2")
        }
        self.change = change
        data = try reader.bytes()
    }
}
