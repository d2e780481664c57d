package import Primitives
package import RecordFormat

/// A worker and a trigger type that it provides from now on, or no longer: the kind says which.
package struct TriggerTypeProvision: Equatable, Sendable {
    package let worker: UUID128
    package let namespace: String
    package let type: String

    package init(worker: UUID128, namespace: String, type: String) {
        self.worker = worker
        self.namespace = namespace
        self.type = type
    }

    package func encode(into writer: inout ByteWriter) {
        writer.uuid(worker)
        writer.text(namespace)
        writer.text(type)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        worker = try reader.uuid()
        namespace = try reader.text()
        type = try reader.text()
    }
}

/// A trigger was made that belongs to no connection: it stays until it is taken back.
package struct TriggerBound: EventBody {
    package static let kind = EventKind.triggerBound

    /// The trigger's id, made by the engine.
    package let trigger: String
    package let type: String
    /// Where the type is looked up; nil: the engine finds it.
    package let typeNamespace: String?
    package let function: FunctionName
    /// JSON.
    package let config: [UInt8]
    /// JSON, or empty.
    package let metadata: [UInt8]

    package init(
        trigger: String,
        type: String,
        typeNamespace: String?,
        function: FunctionName,
        config: [UInt8],
        metadata: [UInt8]
    ) {
        self.trigger = trigger
        self.type = type
        self.typeNamespace = typeNamespace
        self.function = function
        self.config = config
        self.metadata = metadata
    }

    package func encode(into writer: inout ByteWriter) {
        writer.text(trigger)
        writer.text(type)
        writer.text(typeNamespace)
        writer.function(function)
        writer.bytes(config)
        writer.bytes(metadata)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        trigger = try reader.text()
        type = try reader.text()
        typeNamespace = try reader.optionalText()
        function = try reader.function()
        config = try reader.bytes()
        metadata = try reader.bytes()
    }
}

/// A trigger that belongs to no connection was taken back.
package struct TriggerUnbound: EventBody {
    package static let kind = EventKind.triggerUnbound

    package let trigger: String

    package init(trigger: String) { self.trigger = trigger }

    package func encode(into writer: inout ByteWriter) { writer.text(trigger) }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        trigger = try reader.text()
    }
}
