package import JSON
package import Primitives

/// `invokefunction`: a call, from a worker to the engine and from the engine to the worker that
/// serves the function (protocol 2.5).
package struct InvokeFrame: Equatable, Sendable {
    /// Nil where the caller wants no answer. The engine always sends one.
    package var invocationID: InvocationID?
    package var functionID: String
    /// One JSON value as text; `null` when the sender had none. Written in both directions.
    package var data: [UInt8]
    /// Beside the payload, never part of it.
    package var metadata: JSONText?
    package var traceparent: String?
    package var baggage: String?
    package var action: Action
    /// Where the function is looked up; nil for the default. A blank one is kept: it is an error
    /// that has to be answered.
    package var namespace: String?
    /// From a worker, the handler that the call is made from; from the engine, who called (protocol
    /// 12.6).
    package var caller: JSONText?
    /// How many observers the chain of calls has gone through.
    package var observeDepth: Int
    /// The observer that the call is made for.
    package var activation: JSONText?

    /// What the caller wants beside, or instead of, the function's result.
    package enum Action: Equatable, Sendable {
        /// The function's result.
        case call
        /// Nothing at all.
        case void
        /// A receipt that `queue` holds the job; empty when the caller named none.
        case enqueue(queue: String)
        /// An action that nobody here knows; the text is its name, or whatever stands there.
        case unknown(String)
    }

    package init(
        invocationID: InvocationID?,
        functionID: String,
        data: [UInt8],
        metadata: JSONText? = nil,
        traceparent: String? = nil,
        baggage: String? = nil,
        action: Action = .call,
        namespace: String? = nil,
        caller: JSONText? = nil,
        observeDepth: Int = 0,
        activation: JSONText? = nil
    ) {
        self.invocationID = invocationID
        self.functionID = functionID
        self.data = data
        self.metadata = metadata
        self.traceparent = traceparent
        self.baggage = baggage
        self.action = action
        self.namespace = namespace
        self.caller = caller
        self.observeDepth = observeDepth
        self.activation = activation
    }
}

extension InvokeFrame {
    init(_ envelope: borrowing Envelope) throws(FrameError) {
        let message: StaticString = "invokefunction"
        self.init(
            invocationID: try envelope.invocationID(in: message),
            functionID: try envelope.requiredString(.functionID, in: message),
            data: (envelope.text(.data) ?? .null).bytes,
            metadata: envelope.text(.metadata),
            traceparent: try envelope.string(.traceparent, in: message),
            baggage: try envelope.string(.baggage, in: message),
            action: Action(envelope),
            namespace: try envelope.string(.namespace, in: message),
            caller: envelope.text(.caller),
            observeDepth: envelope.count(.observeDepth),
            activation: envelope.text(.activation)
        )
    }

    func encode(to sink: inout some FrameSink) {
        sink.literal(#"{"type":"invokefunction""#)
        if let invocationID {
            sink.literal(#","invocation_id":"#)
            sink.quoted(invocationID)
        }
        sink.literal(#","function_id":"#)
        sink.quoted(functionID)
        sink.literal(#","data":"#)
        sink.raw(data)
        sink.optional(#","metadata":"#, metadata)
        sink.optional(#","traceparent":"#, traceparent)
        sink.optional(#","baggage":"#, baggage)
        action.encode(to: &sink)
        sink.optional(#","namespace":"#, namespace)
        sink.optional(#","caller":"#, caller)
        if observeDepth > 0 { sink.number(#","observe_depth":"#, observeDepth) }
        sink.optional(#","activation":"#, activation)
        sink.literal("}")
    }
}

extension InvokeFrame.Action {
    /// Reads the envelope's action. Nothing that stands there is refused here, so that the caller
    /// gets an answer and not a timeout.
    fileprivate init(_ envelope: borrowing Envelope) {
        guard var scanner = envelope.scanner(.action) else {
            self = .call
            return
        }
        var type: String?
        var queue: String?
        do throws(JSONError) {
            try scanner.beginObject()
            while let key = try scanner.nextMember() {
                if scanner.matches(key, "type"), scanner.peek() == .string {
                    type = try scanner.string()
                } else if scanner.matches(key, "queue"), scanner.peek() == .string {
                    queue = try scanner.string()
                } else {
                    _ = try scanner.skipValue()
                }
            }
        } catch {
            type = nil
        }
        switch type {
        case "enqueue"?: self = .enqueue(queue: queue ?? "")
        case "void"?: self = .void
        case let type?: self = .unknown(type)
        case nil: self = .unknown(envelope.text(.action).map(\.description) ?? "")
        }
    }

    fileprivate func encode(to sink: inout some FrameSink) {
        switch self {
        case .call: break
        case .void: sink.literal(#","action":{"type":"void"}"#)
        case .enqueue(let queue):
            sink.literal(#","action":{"type":"enqueue","queue":"#)
            sink.quoted(queue)
            sink.literal("}")
        case .unknown(let type):
            sink.literal(#","action":{"type":"#)
            sink.quoted(type)
            sink.literal("}")
        }
    }
}
