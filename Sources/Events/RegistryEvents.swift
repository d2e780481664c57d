package import Primitives
package import RecordFormat

/// A worker's connection was accepted.
package struct WorkerJoined: EventBody {
    package static let kind = EventKind.workerJoined

    package let worker: UUID128
    /// The peer, `ip:port`.
    package let address: String

    package init(
        worker: UUID128,
        address: String
    ) {
        self.worker = worker
        self.address = address
    }

    package func encode(into writer: inout ByteWriter) {
        writer.uuid(worker)
        writer.text(address)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        worker = try reader.uuid()
        address = try reader.text()
    }
}

/// A worker said who it is (`engine::workers::register`).
package struct WorkerDescribed: EventBody {
    package static let kind = EventKind.workerDescribed

    package let worker: UUID128
    package let name: String
    package let namespace: String
    package let runtime: String
    /// The version of its SDK.
    package let version: String

    package init(
        worker: UUID128,
        name: String,
        namespace: String,
        runtime: String,
        version: String
    ) {
        self.worker = worker
        self.name = name
        self.namespace = namespace
        self.runtime = runtime
        self.version = version
    }

    package func encode(into writer: inout ByteWriter) {
        writer.uuid(worker)
        writer.text(name)
        writer.text(namespace)
        writer.text(runtime)
        writer.text(version)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        worker = try reader.uuid()
        name = try reader.text()
        namespace = try reader.text()
        runtime = try reader.text()
        version = try reader.text()
    }
}

/// A worker's connection ended, and with it what it had registered.
package struct WorkerLeft: EventBody {
    package static let kind = EventKind.workerLeft

    package let worker: UUID128
    package let reason: String

    package init(
        worker: UUID128,
        reason: String
    ) {
        self.worker = worker
        self.reason = reason
    }

    package func encode(into writer: inout ByteWriter) {
        writer.uuid(worker)
        writer.text(reason)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        worker = try reader.uuid()
        reason = try reader.text()
    }
}

/// A worker serves a function.
package struct FunctionRegistered: EventBody {
    package static let kind = EventKind.functionRegistered

    package let worker: UUID128
    package let function: FunctionName
    /// Description, formats and metadata, as JSON.
    package let definition: [UInt8]

    package init(
        worker: UUID128,
        function: FunctionName,
        definition: [UInt8]
    ) {
        self.worker = worker
        self.function = function
        self.definition = definition
    }

    package func encode(into writer: inout ByteWriter) {
        writer.uuid(worker)
        writer.function(function)
        writer.bytes(definition)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        worker = try reader.uuid()
        function = try reader.function()
        definition = try reader.bytes()
    }
}

/// A worker no longer serves a function.
package struct FunctionUnregistered: EventBody {
    package static let kind = EventKind.functionUnregistered

    package let worker: UUID128
    package let function: FunctionName

    package init(
        worker: UUID128,
        function: FunctionName
    ) {
        self.worker = worker
        self.function = function
    }

    package func encode(into writer: inout ByteWriter) {
        writer.uuid(worker)
        writer.function(function)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        worker = try reader.uuid()
        function = try reader.function()
    }
}

/// A trigger runs a function from now on.
package struct TriggerRegistered: EventBody {
    package static let kind = EventKind.triggerRegistered

    package let worker: UUID128
    /// The trigger's id, chosen by the worker.
    package let trigger: String
    package let type: String
    package let function: FunctionName
    /// JSON.
    package let config: [UInt8]
    /// JSON, or empty.
    package let metadata: [UInt8]

    package init(
        worker: UUID128,
        trigger: String,
        type: String,
        function: FunctionName,
        config: [UInt8],
        metadata: [UInt8]
    ) {
        self.worker = worker
        self.trigger = trigger
        self.type = type
        self.function = function
        self.config = config
        self.metadata = metadata
    }

    package func encode(into writer: inout ByteWriter) {
        writer.uuid(worker)
        writer.text(trigger)
        writer.text(type)
        writer.function(function)
        writer.bytes(config)
        writer.bytes(metadata)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        worker = try reader.uuid()
        trigger = try reader.text()
        type = try reader.text()
        function = try reader.function()
        config = try reader.bytes()
        metadata = try reader.bytes()
    }
}

/// A trigger is gone.
package struct TriggerUnregistered: EventBody {
    package static let kind = EventKind.triggerUnregistered

    package let trigger: String

    package init(
        trigger: String
    ) {
        self.trigger = trigger
    }

    package func encode(into writer: inout ByteWriter) {
        writer.text(trigger)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        trigger = try reader.text()
    }
}
