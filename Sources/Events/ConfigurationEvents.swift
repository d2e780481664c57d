package import RecordFormat

/// What happens to the entries of the configuration.
package enum ConfigurationEvent: Equatable, Sendable {
    case registered(ConfigurationRegistered)
    case set(ConfigurationSet)
    case deleted(ConfigurationDeleted)
    case fileTaken(ConfigurationFileTaken)

    /// The entry that it is about.
    package var id: String {
        switch self {
        case .registered(let event): event.id
        case .set(let event): event.id
        case .deleted(let event): event.id
        case .fileTaken(let event): event.id
        }
    }
}

/// An entry is described like this now, whether it is new or was there.
package struct ConfigurationRegistered: EventBody {
    package static let kind = EventKind.configurationRegistered

    package let id: String
    package let name: String
    package let description: String
    /// A JSON Schema; empty: none is known.
    package let schema: [UInt8]
    /// JSON; empty: there is none.
    package let metadata: [UInt8]
    /// JSON, its placeholders as they were written; nil: it stays as it is.
    package let value: [UInt8]?

    package init(
        id: String,
        name: String,
        description: String,
        schema: [UInt8],
        metadata: [UInt8],
        value: [UInt8]?
    ) {
        self.id = id
        self.name = name
        self.description = description
        self.schema = schema
        self.metadata = metadata
        self.value = value
    }

    package func encode(into writer: inout ByteWriter) {
        writer.text(id)
        writer.text(name)
        writer.text(description)
        writer.bytes(schema)
        writer.bytes(metadata)
        writer.byte(value == nil ? 0 : 1)
        if let value { writer.bytes(value) }
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        id = try reader.text()
        name = try reader.text()
        description = try reader.text()
        schema = try reader.bytes()
        metadata = try reader.bytes()
        value = try reader.byte() == 0 ? nil : try reader.bytes()
    }
}

/// An entry has this value now.
package struct ConfigurationSet: EventBody {
    package static let kind = EventKind.configurationSet

    package let id: String
    /// JSON, its placeholders as they were written.
    package let value: [UInt8]

    package init(id: String, value: [UInt8]) {
        self.id = id
        self.value = value
    }

    package func encode(into writer: inout ByteWriter) {
        writer.text(id)
        writer.bytes(value)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        id = try reader.text()
        value = try reader.bytes()
    }
}

/// An entry is gone.
package struct ConfigurationDeleted: EventBody {
    package static let kind = EventKind.configurationDeleted

    package let id: String
    package let reason: Reason

    package enum Reason: UInt8, CaseIterable, Sendable {
        /// Its file is gone.
        case fileGone = 0
        /// No trigger was bound to it for as long as `[configuration] ttl` says.
        case unused = 1
    }

    package init(id: String, reason: Reason) {
        self.id = id
        self.reason = reason
    }

    package func encode(into writer: inout ByteWriter) {
        writer.text(id)
        writer.byte(reason.rawValue)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        id = try reader.text()
        reason = Reason(rawValue: try reader.byte()) ?? .fileGone
    }
}

/// What the file of an entry says has been taken. It counts again once it says something else, so
/// that what a function sets stands until somebody edits the file.
package struct ConfigurationFileTaken: EventBody {
    package static let kind = EventKind.configurationFileTaken

    package let id: String
    /// Of the file's bytes.
    package let hash: UInt64

    package init(id: String, hash: UInt64) {
        self.id = id
        self.hash = hash
    }

    package func encode(into writer: inout ByteWriter) {
        writer.text(id)
        writer.u64(hash)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        id = try reader.text()
        hash = try reader.u64()
    }
}

extension ConfigurationEvent {
    init(_ kind: EventKind, from reader: inout ByteReader) throws(DecodeError) {
        switch kind {
        case .configurationRegistered:
            self = .registered(try ConfigurationRegistered(from: &reader))
        case .configurationSet: self = .set(try ConfigurationSet(from: &reader))
        case .configurationDeleted: self = .deleted(try ConfigurationDeleted(from: &reader))
        default: self = .fileTaken(try ConfigurationFileTaken(from: &reader))
        }
    }

    var kind: EventKind {
        switch self {
        case .registered: ConfigurationRegistered.kind
        case .set: ConfigurationSet.kind
        case .deleted: ConfigurationDeleted.kind
        case .fileTaken: ConfigurationFileTaken.kind
        }
    }

    func encode(into writer: inout ByteWriter) {
        switch self {
        case .registered(let event): event.encode(into: &writer)
        case .set(let event): event.encode(into: &writer)
        case .deleted(let event): event.encode(into: &writer)
        case .fileTaken(let event): event.encode(into: &writer)
        }
    }
}
