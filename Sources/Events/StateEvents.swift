import Primitives
package import RecordFormat

/// What happens to the key-value state. A value's version is the offset of its record.
package enum StateEvent: Equatable, Sendable {
    case set(StateSet)
    case deleted(StateDeleted)
}

/// A key has this value now.
package struct StateSet: EventBody {
    package static let kind = EventKind.stateSet

    package let scope: String
    package let key: String
    /// JSON.
    package let value: [UInt8]
    /// The function that wrote it: `state::set` or `state::update`.
    package let function: String

    package init(
        scope: String,
        key: String,
        value: [UInt8],
        function: String
    ) {
        self.scope = scope
        self.key = key
        self.value = value
        self.function = function
    }

    package func encode(into writer: inout ByteWriter) {
        writer.text(scope)
        writer.text(key)
        writer.bytes(value)
        writer.text(function)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        scope = try reader.text()
        key = try reader.text()
        value = try reader.bytes()
        function = try reader.text()
    }
}

/// A key has no value now.
package struct StateDeleted: EventBody {
    package static let kind = EventKind.stateDeleted

    package let scope: String
    package let key: String

    package init(
        scope: String,
        key: String
    ) {
        self.scope = scope
        self.key = key
    }

    package func encode(into writer: inout ByteWriter) {
        writer.text(scope)
        writer.text(key)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        scope = try reader.text()
        key = try reader.text()
    }
}
