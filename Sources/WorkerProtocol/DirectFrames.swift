package import JSON
package import Primitives

// Two messages of the engine leave for every job: the receipt and the call. Their ids go from the
// numbers that they are into the buffer that leaves, with no string or array in between. On the
// wire they are an ``EngineFrame/result(_:)`` and an ``EngineFrame/invoke(_:)``.

/// The `invocationresult` of an enqueue: `{"messageReceiptId":"…"}`.
package struct ReceiptFrame: OutgoingFrame {
    package var invocationID: InvocationID
    package var functionID: String
    package var receipt: UUID128
    package var traceparent: String?
    package var baggage: String?

    package init(
        invocationID: InvocationID,
        functionID: String,
        receipt: UUID128,
        traceparent: String?,
        baggage: String?
    ) {
        self.invocationID = invocationID
        self.functionID = functionID
        self.receipt = receipt
        self.traceparent = traceparent
        self.baggage = baggage
    }

    package func encode(to sink: inout some FrameSink) {
        sink.literal(#"{"type":"invocationresult","invocation_id":"#)
        sink.quoted(invocationID)
        sink.literal(#","function_id":"#)
        sink.quoted(functionID)
        sink.literal(#","result":{"messageReceiptId":"#)
        sink.quoted(receipt)
        sink.literal("}")
        sink.optional(#","traceparent":"#, traceparent)
        sink.optional(#","baggage":"#, baggage)
        sink.literal("}")
    }
}

/// The `invokefunction` by which the engine has a worker run a function.
package struct DispatchFrame: OutgoingFrame {
    package var invocation: UUID128
    package var functionID: String
    /// One JSON value as text.
    package let data: [UInt8]
    /// The worker that asked. An object that a worker sends to another says who sent it, in
    /// `_caller_worker_id` (protocol 4.2), whatever the sender had put there.
    package let caller: UUID128?
    package var metadata: JSONText?
    package var traceparent: TraceParent
    package var baggage: String?
    /// What a worker is told that declared `observe.v1`; nil for any other.
    package var observation: Observation?

    /// Who called, and whether it is an observer's activation (protocol 12.6).
    package struct Observation: Equatable, Sendable {
        /// Nil: the engine itself.
        package var caller: JSONText?
        package var depth: Int
        package var activation: Activation?

        package struct Activation: Equatable, Sendable {
            package var observer: String
            package var id: UUID128

            package init(observer: String, id: UUID128) {
                self.observer = observer
                self.id = id
            }
        }

        package init(caller: JSONText?, depth: Int, activation: Activation?) {
            self.caller = caller
            self.depth = depth
            self.activation = activation
        }
    }

    package init(
        invocation: UUID128,
        functionID: String,
        data: [UInt8],
        caller: UUID128?,
        metadata: JSONText?,
        traceparent: TraceParent,
        baggage: String?,
        observation: Observation? = nil
    ) {
        self.invocation = invocation
        self.functionID = functionID
        // What the sender says of itself does not count.
        self.data =
            caller == nil ? data : JSONText(trusted: data).without("_caller_worker_id").bytes
        self.caller = caller
        self.metadata = metadata
        self.traceparent = traceparent
        self.baggage = baggage
        self.observation = observation
    }

    package func encode(to sink: inout some FrameSink) {
        sink.literal(#"{"type":"invokefunction","invocation_id":"#)
        sink.quoted(invocation)
        sink.literal(#","function_id":"#)
        sink.quoted(functionID)
        sink.literal(#","data":"#)
        data.withUnsafeBytes { encode(data: $0, to: &sink) }
        sink.optional(#","metadata":"#, metadata)
        sink.literal(#","traceparent":"#)
        sink.quoted(traceparent)
        sink.optional(#","baggage":"#, baggage)
        if let observation { observation.encode(to: &sink) }
        sink.literal("}")
    }

    private func encode(data: UnsafeRawBufferPointer, to sink: inout some FrameSink) {
        guard let caller, data.first == UInt8(ascii: "{"), data.last == UInt8(ascii: "}")
        else { return sink.raw(data) }
        let open = UnsafeRawBufferPointer(rebasing: data.dropLast())
        let isEmpty = open.dropFirst().allSatisfy {
            $0 == 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D
        }
        sink.raw(open)
        if !isEmpty { sink.literal(",") }
        sink.literal(#""_caller_worker_id":"#)
        sink.quoted(caller)
        sink.literal("}")
    }
}

extension DispatchFrame.Observation {
    fileprivate func encode(to sink: inout some FrameSink) {
        sink.optional(#","caller":"#, caller)
        if depth > 0 { sink.number(#","observe_depth":"#, depth) }
        guard let activation else { return }
        sink.literal(#","activation":{"observer_id":"#)
        sink.quoted(activation.observer)
        sink.literal(#","activation_id":"#)
        sink.quoted(activation.id)
        sink.literal("}")
    }
}
