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
    package init(_ incoming: IncomingInvoke) throws(FrameError) {
        self.init(
            invocationID: try incoming.invocationID,
            functionID: try incoming.functionID,
            data: incoming.data,
            metadata: incoming.metadata,
            traceparent: incoming.traceparent,
            baggage: incoming.baggage,
            action: incoming.action,
            namespace: try incoming.namespace,
            caller: incoming.caller,
            observeDepth: incoming.observeDepth,
            activation: incoming.activation
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
