import JSON
package import Primitives

/// `invocationresult`: the answer to a call, in both directions (protocol 2.6).
package struct ResultFrame: OutgoingFrame {
    package var invocationID: InvocationID
    /// As the caller, or the engine towards the callee, named the function.
    package var functionID: String
    package var result: FunctionResult
    package var traceparent: String?
    package var baggage: String?

    package init(
        invocationID: InvocationID,
        functionID: String,
        result: FunctionResult,
        traceparent: String? = nil,
        baggage: String? = nil
    ) {
        self.invocationID = invocationID
        self.functionID = functionID
        self.result = result
        self.traceparent = traceparent
        self.baggage = baggage
    }
}

extension ResultFrame {
    init(_ envelope: Envelope) throws(FrameError) {
        let message: StaticString = "invocationresult"
        guard let id = try envelope.invocationID(in: message) else {
            throw .missing(field: "invocation_id", message: message.description)
        }
        invocationID = id
        functionID = try envelope.requiredString(.functionID, in: message)
        if let error = envelope.text(.error) {
            result = .failure(ErrorBody(error))
        } else if let value = envelope.text(.result) {
            result = .value(value.bytes)
        } else {
            result = .none
        }
        traceparent = envelope.hint(.traceparent)
        baggage = envelope.hint(.baggage)
    }

    package func encode(to sink: inout some FrameSink) {
        sink.literal(#"{"type":"invocationresult","invocation_id":"#)
        sink.quoted(invocationID)
        sink.literal(#","function_id":"#)
        sink.quoted(functionID)
        switch result {
        case .value(let value):
            sink.literal(#","result":"#)
            sink.raw(value)
        case .none: break
        case .failure(let error):
            sink.literal(#","error":"#)
            error.encode(to: &sink)
        }
        sink.optional(#","traceparent":"#, traceparent)
        sink.optional(#","baggage":"#, baggage)
        sink.literal("}")
    }
}

extension ErrorBody {
    /// What a peer without a usable code is taken to mean.
    static let unknownCode = "UNKNOWN"

    /// Reads an error as a peer sent it: an object, or only a text. What is missing is made up for:
    /// the code by ``unknownCode``, the message by all that there is.
    init(_ text: JSONText) {
        self.init(
            code: text.member("code")?.stringValue ?? Self.unknownCode,
            message: text.stringValue ?? text.member("message")?.stringValue ?? text.description,
            stacktrace: text.member("stacktrace")?.stringValue
        )
    }

    func encode(to sink: inout some FrameSink) {
        sink.literal(#"{"code":"#)
        sink.quoted(code)
        sink.literal(#","message":"#)
        sink.quoted(message)
        sink.optional(#","stacktrace":"#, stacktrace)
        sink.literal("}")
    }
}
