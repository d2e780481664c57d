package import JSON

/// `registerfunction`: a worker offers a function (protocol 2.3).
package struct FunctionRegistration: Equatable, Sendable {
    package var id: String
    package var description: String?
    /// JSON Schema, or an older format; never enforced.
    package var requestFormat: JSONText?
    package var responseFormat: JSONText?
    package var metadata: JSONText?
    /// How to reach a function that is served over HTTP; nil when the worker serves it.
    package var invocation: JSONText?
    /// How it wants to be observed (protocol 12.3); nil when it does not say.
    package var observe: JSONText?

    package init(
        id: String,
        description: String? = nil,
        requestFormat: JSONText? = nil,
        responseFormat: JSONText? = nil,
        metadata: JSONText? = nil,
        invocation: JSONText? = nil,
        observe: JSONText? = nil
    ) {
        self.id = id
        self.description = description
        self.requestFormat = requestFormat
        self.responseFormat = responseFormat
        self.metadata = metadata
        self.invocation = invocation
        self.observe = observe
    }

    /// What the engine keeps of it: an object of `description`, `request_format`,
    /// `response_format`, `metadata` and `observe`, of those that there are.
    package var definition: JSONText {
        var builder = JSONBuilder()
        builder.beginObject()
        if let description {
            builder.key("description")
            builder.string(description)
        }
        if let requestFormat {
            builder.key("request_format")
            builder.raw(requestFormat)
        }
        if let responseFormat {
            builder.key("response_format")
            builder.raw(responseFormat)
        }
        if let metadata {
            builder.key("metadata")
            builder.raw(metadata)
        }
        if let observe {
            builder.key("observe")
            builder.raw(observe)
        }
        builder.endObject()
        return builder.finish()
    }
}

extension FunctionRegistration {
    init(_ envelope: Envelope) throws(FrameError) {
        let message: StaticString = "registerfunction"
        self.init(
            id: try envelope.requiredString(.id, in: message),
            description: try envelope.string(.description, in: message),
            requestFormat: envelope.text(.requestFormat),
            responseFormat: envelope.text(.responseFormat),
            metadata: envelope.text(.metadata),
            invocation: envelope.text(.invocation),
            observe: envelope.text(.observe)
        )
    }

    func encode(to sink: inout some FrameSink) {
        sink.literal(#"{"type":"registerfunction","id":"#)
        sink.quoted(id)
        sink.optional(#","description":"#, description)
        sink.optional(#","request_format":"#, requestFormat)
        sink.optional(#","response_format":"#, responseFormat)
        sink.optional(#","metadata":"#, metadata)
        sink.optional(#","invocation":"#, invocation)
        sink.optional(#","observe":"#, observe)
        sink.literal("}")
    }
}

/// `registrationrejected`: the engine refuses a function, or the whole worker (protocol 2.4).
package struct RegistrationRejection: Equatable, Sendable {
    package var code: String
    package var namespace: String
    /// The function that is refused, if it is one.
    package var functionID: String?
    /// The worker's name, if it is that which is taken.
    package var workerName: String?
    /// Empty when the engine itself holds the name.
    package var ownerWorkerID: String

    /// The only code that a worker survives (protocol 2.4).
    package static let functionConflict = "FUNCTION_NAMESPACE_CONFLICT"
    /// Ends the worker's connection for good.
    package static let workerConflict = "WORKER_NAMESPACE_CONFLICT"

    package init(
        code: String,
        namespace: String,
        functionID: String? = nil,
        workerName: String? = nil,
        ownerWorkerID: String
    ) {
        self.code = code
        self.namespace = namespace
        self.functionID = functionID
        self.workerName = workerName
        self.ownerWorkerID = ownerWorkerID
    }
}

extension RegistrationRejection {
    init(_ envelope: Envelope) throws(FrameError) {
        let message: StaticString = "registrationrejected"
        self.init(
            code: try envelope.requiredString(.code, in: message),
            namespace: try envelope.requiredString(.namespace, in: message),
            functionID: try envelope.string(.functionID, in: message),
            workerName: try envelope.string(.workerName, in: message),
            ownerWorkerID: try envelope.string(.ownerWorkerID, in: message) ?? ""
        )
    }

    func encode(to sink: inout some FrameSink) {
        sink.literal(#"{"type":"registrationrejected","code":"#)
        sink.quoted(code)
        sink.literal(#","namespace":"#)
        sink.quoted(namespace)
        sink.optional(#","worker_name":"#, workerName)
        sink.optional(#","function_id":"#, functionID)
        sink.literal(#","owner_worker_id":"#)
        sink.quoted(ownerWorkerID)
        sink.literal("}")
    }
}
