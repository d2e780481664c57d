package import Primitives
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
    /// The function that wrote it: `state::set`, `state::update` or `state::transact`.
    package let function: String
    /// When the value goes by itself; nil: never.
    package let expires: Timestamp?
    /// The record of the key's value before; nil: there was none, or the record does not tell.
    package let previous: Offset?

    package init(
        scope: String,
        key: String,
        value: [UInt8],
        function: String,
        expires: Timestamp? = nil,
        previous: Offset? = nil
    ) {
        self.scope = scope
        self.key = key
        self.value = value
        self.function = function
        self.expires = expires
        self.previous = previous
    }

    package func encode(into writer: inout ByteWriter) {
        writer.text(scope)
        writer.text(key)
        writer.bytes(value)
        writer.text(function)
        writer.byte(expires == nil ? 0 : 1)
        if let expires { writer.i64(expires.nanoseconds) }
        writer.previous(previous)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        scope = try reader.text()
        key = try reader.text()
        value = try reader.bytes()
        function = try reader.text()
        // Records of before values could expire end here.
        guard !reader.isAtEnd else {
            expires = nil
            previous = nil
            return
        }
        expires = try reader.byte() == 0 ? nil : try reader.timestamp()
        previous = try reader.previous()
    }
}

/// A key has no value now.
package struct StateDeleted: EventBody {
    package static let kind = EventKind.stateDeleted

    package let scope: String
    package let key: String
    package let reason: Reason
    /// The record of the value that is gone; nil: the record does not tell.
    package let previous: Offset?

    package enum Reason: UInt8, Sendable {
        /// Somebody deleted it.
        case deleted = 0
        /// Its time was over.
        case expired = 1
    }

    package init(
        scope: String,
        key: String,
        reason: Reason = .deleted,
        previous: Offset? = nil
    ) {
        self.scope = scope
        self.key = key
        self.reason = reason
        self.previous = previous
    }

    package func encode(into writer: inout ByteWriter) {
        writer.text(scope)
        writer.text(key)
        writer.byte(reason.rawValue)
        writer.previous(previous)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        scope = try reader.text()
        key = try reader.text()
        // Records of before values could expire end here.
        guard !reader.isAtEnd else {
            reason = .deleted
            previous = nil
            return
        }
        reason = Reason(rawValue: try reader.byte()) ?? .deleted
        previous = try reader.previous()
    }
}

extension ByteWriter {
    /// 0, or one more than the offset.
    fileprivate mutating func previous(_ offset: Offset?) {
        varint(offset.map { $0.rawValue + 1 } ?? 0)
    }
}

extension ByteReader {
    fileprivate mutating func previous() throws(DecodeError) -> Offset? {
        let number = try varint()
        return number == 0 ? nil : Offset(number - 1)
    }
}
