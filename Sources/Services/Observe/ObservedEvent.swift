package import JSON
package import Primitives

/// One event of an observed function: an invocation that ended, or what its owner hands out
/// (protocol 12.5). A part that is nil is absent, which is not null.
package struct ObservedEvent: Equatable, Sendable {
    package var function: FunctionName
    /// The invocation, as its worker knows it.
    package var invocation: String
    package var isSuccess: Bool
    package var input: JSONText?
    package var output: JSONText?
    package var error: JSONText?
    package var caller: JSONText?
    package var metadata: JSONText?
    /// Milliseconds since 1970.
    package var started: Int64
    /// In milliseconds.
    package var duration: Double

    package init(
        function: FunctionName,
        invocation: String,
        isSuccess: Bool,
        input: JSONText? = nil,
        output: JSONText? = nil,
        error: JSONText? = nil,
        caller: JSONText? = nil,
        metadata: JSONText? = nil,
        started: Int64,
        duration: Double
    ) {
        self.function = function
        self.invocation = invocation
        self.isSuccess = isSuccess
        self.input = input
        self.output = output
        self.error = error
        self.caller = caller
        self.metadata = metadata
        self.started = started
        self.duration = duration
    }

    /// What filters are asked about.
    package var document: Filter.Document {
        Filter.Document(
            input: input,
            output: output,
            error: error,
            caller: caller,
            metadata: metadata
        )
    }

    /// What an observer's target is called with.
    package func payload(for spec: ObserverSpec, observer: String, activation: UUID128) -> [UInt8] {
        switch spec.delivery {
        case .input: (input ?? .null).bytes
        case .output: (output ?? .null).bytes
        case .envelope: envelope(spec, observer, activation).bytes
        }
    }

    private func envelope(
        _ spec: ObserverSpec,
        _ observer: String,
        _ activation: UUID128
    ) -> JSONText {
        let parts = [input, output, error, caller, metadata]
        var json = JSONBuilder(capacity: 512 + parts.reduce(0) { $0 + ($1?.bytes.count ?? 0) })
        json.beginObject()
        json.key("observer_id")
        json.string(observer)
        json.key("activation_id")
        json.string(activation.description)
        json.key("function_id")
        json.string(function.id)
        json.key("namespace")
        json.string(function.namespace)
        json.key("invocation_id")
        json.string(invocation)
        json.key("status")
        json.string(isSuccess ? "success" : "error")
        let document = document
        for part in FilterRoot.allCases where spec.capture.contains(part.rawValue) {
            guard let value = document[part] else { continue }
            json.key(part.rawValue)
            // The message and the envelope are around it.
            json.raw(value.flattened(beyond: Limits.jsonDepth - 2))
        }
        json.key("started_at_ms")
        json.integer(started)
        json.key("duration_ms")
        json.double(duration)
        json.endObject()
        return json.finish()
    }
}
