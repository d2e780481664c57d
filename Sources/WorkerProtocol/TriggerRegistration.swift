package import JSON
package import Primitives

/// `registertrigger`: a function is bound to an event source; from the worker that asks for it to
/// the engine, and from the engine to the worker that provides the type (protocol 2.8).
package struct TriggerRegistration: Equatable, Sendable {
    package var id: String
    package var type: String
    package var functionID: String
    /// What the provider needs to know; null when the sender had nothing.
    package var config: JSONText
    /// For the function, with every event.
    package var metadata: JSONText?
    /// Where the function is looked up; nil for the default.
    package var namespace: String?
    /// Where the provider is looked up; nil leaves it to the engine.
    package var triggerNamespace: String?

    package init(
        id: String,
        type: String,
        functionID: String,
        config: JSONText,
        metadata: JSONText? = nil,
        namespace: String? = nil,
        triggerNamespace: String? = nil
    ) {
        self.id = id
        self.type = type
        self.functionID = functionID
        self.config = config
        self.metadata = metadata
        self.namespace = namespace
        self.triggerNamespace = triggerNamespace
    }
}

extension TriggerRegistration {
    init(_ envelope: Envelope) throws(FrameError) {
        let message: StaticString = "registertrigger"
        self.init(
            id: try envelope.requiredString(.id, in: message),
            type: try envelope.requiredString(.triggerType, in: message),
            functionID: try envelope.requiredString(.functionID, in: message),
            config: envelope.text(.config) ?? .null,
            metadata: envelope.text(.metadata),
            namespace: try envelope.string(.namespace, in: message),
            triggerNamespace: try envelope.string(.triggerNamespace, in: message)
        )
    }

    func encode(to sink: inout some FrameSink) {
        sink.literal(#"{"type":"registertrigger","id":"#)
        sink.quoted(id)
        sink.literal(#","trigger_type":"#)
        sink.quoted(type)
        sink.literal(#","function_id":"#)
        sink.quoted(functionID)
        sink.literal(#","config":"#)
        sink.raw(config.bytes)
        sink.optional(#","metadata":"#, metadata)
        sink.optional(#","namespace":"#, namespace)
        sink.optional(#","trigger_namespace":"#, triggerNamespace)
        sink.literal("}")
    }
}

/// `triggerregistrationresult`: whether a provider took a trigger; the engine passes on only
/// failures (protocol 2.9).
package struct TriggerRegistrationResult: Equatable, Sendable {
    package var id: String
    package var type: String
    package var functionID: String
    /// Nil for success.
    package var error: ErrorBody?

    package init(id: String, type: String, functionID: String, error: ErrorBody? = nil) {
        self.id = id
        self.type = type
        self.functionID = functionID
        self.error = error
    }
}

extension TriggerRegistrationResult {
    init(_ envelope: Envelope) throws(FrameError) {
        let message: StaticString = "triggerregistrationresult"
        self.init(
            id: try envelope.requiredString(.id, in: message),
            type: try envelope.requiredString(.triggerType, in: message),
            functionID: try envelope.requiredString(.functionID, in: message),
            error: envelope.text(.error).map { ErrorBody($0) }
        )
    }

    func encode(to sink: inout some FrameSink) {
        sink.literal(#"{"type":"triggerregistrationresult","id":"#)
        sink.quoted(id)
        sink.literal(#","trigger_type":"#)
        sink.quoted(type)
        sink.literal(#","function_id":"#)
        sink.quoted(functionID)
        if let error {
            sink.literal(#","error":"#)
            error.encode(to: &sink)
        }
        sink.literal("}")
    }
}

/// `registertriggertype`: a worker offers an event source (protocol 2.7).
package struct TriggerTypeRegistration: Equatable, Sendable {
    package var id: String
    package var description: String?
    /// The schema of a trigger's `config`.
    package var triggerRequestFormat: JSONText?
    /// The schema of what functions are called with.
    package var callRequestFormat: JSONText?
    /// Nil for the connection's own.
    package var namespace: String?

    package init(
        id: String,
        description: String? = nil,
        triggerRequestFormat: JSONText? = nil,
        callRequestFormat: JSONText? = nil,
        namespace: String? = nil
    ) {
        self.id = id
        self.description = description
        self.triggerRequestFormat = triggerRequestFormat
        self.callRequestFormat = callRequestFormat
        self.namespace = namespace
    }
}

extension TriggerTypeRegistration {
    init(_ envelope: Envelope) throws(FrameError) {
        let message: StaticString = "registertriggertype"
        self.init(
            id: try envelope.requiredString(.id, in: message),
            description: try envelope.string(.description, in: message),
            triggerRequestFormat: envelope.text(.triggerRequestFormat),
            callRequestFormat: envelope.text(.callRequestFormat),
            namespace: try envelope.string(.namespace, in: message)
        )
    }

    func encode(to sink: inout some FrameSink) {
        sink.literal(#"{"type":"registertriggertype","id":"#)
        sink.quoted(id)
        sink.literal(#","description":"#)
        sink.quoted(description ?? "")
        sink.optional(#","trigger_request_format":"#, triggerRequestFormat)
        sink.optional(#","call_request_format":"#, callRequestFormat)
        sink.optional(#","namespace":"#, namespace)
        sink.literal("}")
    }
}
