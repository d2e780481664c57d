import Primitives
package import RecordFormat

/// The engine opened this log. Connections of the run before are gone.
package struct Started: EventBody {
    package static let kind = EventKind.started

    package let version: String
    /// The process id, for whoever compares with other logs.
    package let process: UInt64

    package init(
        version: String,
        process: UInt64
    ) {
        self.version = version
        self.process = process
    }

    package func encode(into writer: inout ByteWriter) {
        writer.text(version)
        writer.varint(process)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        version = try reader.text()
        process = try reader.varint()
    }
}

/// The engine takes no new work from here on, and lets its workers go: those that leave now do so
/// because it does.
package struct Stopping: EventBody {
    package static let kind = EventKind.stopping

    package init() {}

    package func encode(into writer: inout ByteWriter) {}

    package init(from reader: inout ByteReader) throws(DecodeError) {}
}

/// The engine closed this log in order.
package struct Stopped: EventBody {
    package static let kind = EventKind.stopped

    package let reason: String

    package init(
        reason: String
    ) {
        self.reason = reason
    }

    package func encode(into writer: inout ByteWriter) {
        writer.text(reason)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        reason = try reader.text()
    }
}
