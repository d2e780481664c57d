package import Primitives

/// What the engine says to a worker (protocol 2). Always one standard JSON object with a `type`:
/// old workers go deaf on anything else (1.2).
package enum EngineFrame: Frame {
    /// The first message of every connection.
    case workerRegistered(workerID: String, reattachToken: String?, features: [String] = [])
    case registrationRejected(RegistrationRejection)
    /// Must carry an invocation id that is a UUID, no action and no namespace.
    case invoke(InvokeFrame)
    case result(ResultFrame)
    case registerTrigger(TriggerRegistration)
    /// To a provider, which must be told the type.
    case unregisterTrigger(id: String, type: String?)
    case triggerRegistrationResult(TriggerRegistrationResult)
    case ping
    case pong
    /// The connection was refused.
    case error(ErrorBody)
    /// A type that nobody here knows: to be ignored.
    case unknown(type: String)

    package init(decoding bytes: UnsafeBufferPointer<UInt8>) throws(FrameError) {
        self = try Envelope.read(bytes) { envelope throws(FrameError) in
            try EngineFrame(envelope)
        }
    }

    private init(_ envelope: Envelope) throws(FrameError) {
        switch try envelope.messageType() {
        case .invokeFunction: self = .invoke(try InvokeFrame(IncomingInvoke(envelope)))
        case .invocationResult: self = .result(try ResultFrame(envelope))
        case .registerTrigger: self = .registerTrigger(try TriggerRegistration(envelope))
        case .unregisterTrigger:
            self = .unregisterTrigger(
                id: try envelope.requiredString(.id, in: "unregistertrigger"),
                type: try envelope.string(.triggerType, in: "unregistertrigger")
            )
        case .triggerRegistrationResult:
            self = .triggerRegistrationResult(try TriggerRegistrationResult(envelope))
        case .workerRegistered:
            self = .workerRegistered(
                workerID: try envelope.requiredString(.workerID, in: "workerregistered"),
                reattachToken: try envelope.string(.reattachToken, in: "workerregistered"),
                features: try envelope.fields(in: "workerregistered").strings("features") ?? []
            )
        case .registrationRejected:
            self = .registrationRejected(try RegistrationRejection(envelope))
        case .error:
            guard let error = envelope.text(.error) else {
                throw .missing(field: "error", message: "error")
            }
            self = .error(ErrorBody(error))
        case .ping: self = .ping
        case .pong: self = .pong
        case .registerFunction: self = .unknown(type: "registerfunction")
        case .unregisterFunction: self = .unknown(type: "unregisterfunction")
        case .registerTriggerType: self = .unknown(type: "registertriggertype")
        case .unregisterTriggerType: self = .unknown(type: "unregistertriggertype")
        case .registerService: self = .unknown(type: "registerservice")
        case .reattach: self = .unknown(type: "reattach")
        case .observe: self = .unknown(type: "observe")
        case .unobserve: self = .unknown(type: "unobserve")
        case .observerAck: self = .unknown(type: "observerack")
        case .invocationsObserved: self = .unknown(type: "invocationsobserved")
        case .localInvocationStats: self = .unknown(type: "localinvocationstats")
        case .unknown(let type): self = .unknown(type: type)
        }
    }

    package func encode(to sink: inout some FrameSink) {
        switch self {
        case .invoke(let frame): frame.encode(to: &sink)
        case .result(let frame): frame.encode(to: &sink)
        case .workerRegistered(let workerID, let token, let features):
            sink.literal(#"{"type":"workerregistered","worker_id":"#)
            sink.quoted(workerID)
            sink.optional(#","reattach_token":"#, token)
            if !features.isEmpty { sink.strings(#","features":"#, features) }
            sink.literal("}")
        case .registrationRejected(let rejection): rejection.encode(to: &sink)
        case .registerTrigger(let registration): registration.encode(to: &sink)
        case .unregisterTrigger(let id, let type): sink.unregisterTrigger(id: id, type: type)
        case .triggerRegistrationResult(let result): result.encode(to: &sink)
        case .ping: sink.literal(#"{"type":"ping"}"#)
        case .pong: sink.literal(#"{"type":"pong"}"#)
        case .error(let error):
            sink.literal(#"{"type":"error","error":"#)
            error.encode(to: &sink)
            sink.literal("}")
        case .unknown(let type): sink.unknown(type: type)
        }
    }
}
