import JSON
import Primitives

/// What a worker says to the engine (protocol 2).
package enum WorkerFrame: Frame {
    case registerFunction(FunctionRegistration)
    case unregisterFunction(id: String)
    case invoke(InvokeFrame)
    case result(ResultFrame)
    case registerTriggerType(TriggerTypeRegistration)
    case unregisterTriggerType(id: String, namespace: String?)
    case registerTrigger(TriggerRegistration)
    case unregisterTrigger(id: String, type: String?)
    case triggerRegistrationResult(TriggerRegistrationResult)
    /// Informational only.
    case registerService(id: String)
    /// The worker comes back under a new connection; without the right token it does not.
    case reattach(previousWorkerID: String, token: String?)
    /// It wants to be told of a function's events.
    case observe(ObserveFrame)
    case unobserve(id: String)
    /// It takes an observer of its function, or does not.
    case observerAck(ObserverAckFrame)
    /// Events that were matched in its own process.
    case invocationsObserved([ObservedInvocation])
    case localInvocationStats(LocalInvocationStats)
    case ping
    case pong
    /// A type that nobody here knows: to be ignored.
    case unknown(type: String)

    package init(decoding bytes: UnsafeBufferPointer<UInt8>) throws(FrameError) {
        self = try Envelope.read(bytes) { envelope throws(FrameError) in
            try WorkerFrame(envelope.messageType(), envelope)
        }
    }

    /// Reads one message and hands it to `receiver`. The two that come with every call are handed
    /// over as what they are: to take them out of a frame again would copy them. Where they are
    /// more than is taken, or have a member that they cannot have, whoever waits hears of it.
    package static func decode(
        _ bytes: UnsafeBufferPointer<UInt8>,
        for receiver: some WorkerFrameReceiver
    ) throws(FrameError) {
        let count = bytes.count
        do throws(FrameError) {
            try Envelope.read(bytes) { envelope throws(FrameError) in
                switch try envelope.messageType() {
                case .invokeFunction: try receiver.take(IncomingInvoke(envelope), bytes: count)
                case .invocationResult: receiver.take(try ResultFrame(envelope), bytes: count)
                case let type: receiver.take(try WorkerFrame(type, envelope), bytes: count)
                }
            }
        } catch {
            switch error {
            case .notJSON(let cause) where cause.isBeyondBounds: break
            case .notJSON, .blank, .notAnObject: throw error
            case .missing, .wrongType, .field: break
            }
            try refuse(bytes, because: error, for: receiver)
        }
    }

    /// Hands over what is left of a message that cannot be taken as it is: that somebody waits for
    /// an answer to it, or for the answer that it was.
    ///
    /// - Throws: `reason`, or what is wrong with the rest, where nobody can be told.
    private static func refuse(
        _ bytes: UnsafeBufferPointer<UInt8>,
        because reason: FrameError,
        for receiver: some WorkerFrameReceiver
    ) throws(FrameError) {
        let count = bytes.count
        try Envelope.read(bytes, isBounded: false) { envelope throws(FrameError) in
            switch try envelope.messageType() {
            case .invokeFunction:
                try receiver.refuse(IncomingInvoke(envelope), because: reason, bytes: count)
            case .invocationResult:
                guard let id = try envelope.invocationID(in: "invocationresult") else {
                    throw reason
                }
                let message = "the function's result cannot be taken: \(reason)"
                let error = ErrorBody(code: "invocation_error", message: message)
                receiver.take(
                    ResultFrame(
                        invocationID: id,
                        functionID: envelope.hint(.functionID) ?? "",
                        result: .failure(error)
                    ),
                    bytes: count
                )
            case .observe:
                guard let id = envelope.hint(.id) else { throw reason }
                receiver.refuse(observer: id, because: reason, bytes: count)
            default: throw reason
            }
        }
    }

    private init(_ type: MessageType, _ envelope: Envelope) throws(FrameError) {
        switch type {
        case .invokeFunction: self = .invoke(try InvokeFrame(IncomingInvoke(envelope)))
        case .invocationResult: self = .result(try ResultFrame(envelope))
        case .registerFunction: self = .registerFunction(try FunctionRegistration(envelope))
        case .unregisterFunction:
            self = .unregisterFunction(
                id: try envelope.requiredString(.id, in: "unregisterfunction")
            )
        case .registerTriggerType:
            self = .registerTriggerType(try TriggerTypeRegistration(envelope))
        case .unregisterTriggerType:
            self = .unregisterTriggerType(
                id: try envelope.requiredString(.id, in: "unregistertriggertype"),
                namespace: try envelope.string(.namespace, in: "unregistertriggertype")
            )
        case .registerTrigger: self = .registerTrigger(try TriggerRegistration(envelope))
        case .unregisterTrigger:
            self = .unregisterTrigger(
                id: try envelope.requiredString(.id, in: "unregistertrigger"),
                type: try envelope.string(.triggerType, in: "unregistertrigger")
            )
        case .triggerRegistrationResult:
            self = .triggerRegistrationResult(try TriggerRegistrationResult(envelope))
        case .registerService:
            self = .registerService(id: try envelope.requiredString(.id, in: "registerservice"))
        case .reattach:
            self = .reattach(
                previousWorkerID: try envelope.requiredString(.previousWorkerID, in: "reattach"),
                token: try envelope.string(.reattachToken, in: "reattach")
            )
        case .observe: self = .observe(try ObserveFrame(envelope))
        case .unobserve:
            self = .unobserve(id: try envelope.requiredString(.id, in: "unobserve"))
        case .observerAck: self = .observerAck(try ObserverAckFrame(envelope))
        case .invocationsObserved:
            self = .invocationsObserved(try ObservedInvocation.items(envelope))
        case .localInvocationStats:
            self = .localInvocationStats(try LocalInvocationStats(envelope))
        case .ping: self = .ping
        case .pong: self = .pong
        case .workerRegistered: self = .unknown(type: "workerregistered")
        case .registrationRejected: self = .unknown(type: "registrationrejected")
        case .error: self = .unknown(type: "error")
        case .unknown(let type): self = .unknown(type: type)
        }
    }

    package func encode(to sink: inout some FrameSink) {
        switch self {
        case .invoke(let frame): frame.encode(to: &sink)
        case .result(let frame): frame.encode(to: &sink)
        case .registerFunction(let registration): registration.encode(to: &sink)
        case .unregisterFunction(let id):
            sink.literal(#"{"type":"unregisterfunction","id":"#)
            sink.quoted(id)
            sink.literal("}")
        case .registerTriggerType(let registration): registration.encode(to: &sink)
        case .unregisterTriggerType(let id, let namespace):
            sink.literal(#"{"type":"unregistertriggertype","id":"#)
            sink.quoted(id)
            sink.optional(#","namespace":"#, namespace)
            sink.literal("}")
        case .registerTrigger(let registration): registration.encode(to: &sink)
        case .unregisterTrigger(let id, let type): sink.unregisterTrigger(id: id, type: type)
        case .triggerRegistrationResult(let result): result.encode(to: &sink)
        case .registerService(let id):
            sink.literal(#"{"type":"registerservice","id":"#)
            sink.quoted(id)
            sink.literal("}")
        case .reattach(let previous, let token):
            sink.literal(#"{"type":"reattach","previous_worker_id":"#)
            sink.quoted(previous)
            sink.optional(#","reattach_token":"#, token)
            sink.literal("}")
        case .observe(let frame): frame.encode(to: &sink)
        case .unobserve(let id):
            sink.literal(#"{"type":"unobserve","id":"#)
            sink.quoted(id)
            sink.literal("}")
        case .observerAck(let ack): ack.encode(to: &sink)
        case .invocationsObserved(let items): ObservedInvocation.encode(items, to: &sink)
        case .localInvocationStats(let stats): stats.encode(to: &sink)
        case .ping: sink.literal(#"{"type":"ping"}"#)
        case .pong: sink.literal(#"{"type":"pong"}"#)
        case .unknown(let type): sink.unknown(type: type)
        }
    }
}

extension FrameSink {
    mutating func unregisterTrigger(id: String, type: String?) {
        literal(#"{"type":"unregistertrigger","id":"#)
        quoted(id)
        optional(#","trigger_type":"#, type)
        literal("}")
    }

    mutating func unknown(type: String) {
        literal(#"{"type":"#)
        quoted(type)
        literal("}")
    }
}

/// Takes what a worker says; `bytes` is the size of the message.
package protocol WorkerFrameReceiver {
    /// - Throws: what is wrong with the message.
    func take(_ invoke: IncomingInvoke, bytes: Int) throws(FrameError)
    /// A call of which no more than who makes it is to be read.
    ///
    /// - Throws: what is wrong with the message; `reason` where nobody waits for an answer.
    func refuse(
        _ invoke: IncomingInvoke,
        because reason: FrameError,
        bytes: Int
    ) throws(FrameError)
    func take(_ result: consuming ResultFrame, bytes: Int)
    /// An `observe` of which no more than the observer's id is to be read.
    func refuse(observer id: String, because reason: FrameError, bytes: Int)
    /// Neither of these.
    func take(_ frame: WorkerFrame, bytes: Int)
}
