import JSON
import WorkerProtocol

// Registering functions. Each returns when the registration has been sent, or kept for the next
// connection; the engine does not confirm it.
extension Worker {
    /// Offers a function whose input and result are types of yours.
    ///
    /// What it throws reaches the caller: an ``SDKError`` with its code, anything else as
    /// ``SDKError/Code/invocationFailed``.
    public func register<
        Input: Decodable & SendableMetatype,
        Output: Encodable & SendableMetatype
    >(
        _ id: String,
        description: String? = nil,
        _ function: @escaping @Sendable (Input, Context) async throws -> Output
    ) async throws(SDKError) {
        try await register(id, description) { data, context in
            let isWhole = Input.self is any WholeExchange.Type
            let answersWhole = Output.self is any WholeExchange.Type
            let body = PlainHTTP.body(of: data.bytes, metadata: context.metadataText)
            let input = try JSONCoding.decode(
                Input.self,
                from: isWhole ? data.bytes : body ?? data.bytes,
                what: "the input of \(id)"
            )
            let output = try await function(input, context)
            let result = try JSONCoding.encode(output, what: "the result of \(id)")
            return body == nil || answersWhole ? result : PlainHTTP.response(result)
        }
    }

    /// Offers a function that returns nothing.
    public func register<Input: Decodable & SendableMetatype>(
        _ id: String,
        description: String? = nil,
        _ function: @escaping @Sendable (Input, Context) async throws -> Void
    ) async throws(SDKError) {
        try await register(id, description) { data, context in
            let isWhole = Input.self is any WholeExchange.Type
            let body = PlainHTTP.body(of: data.bytes, metadata: context.metadataText)
            let input = try JSONCoding.decode(
                Input.self,
                from: isWhole ? data.bytes : body ?? data.bytes,
                what: "the input of \(id)"
            )
            try await function(input, context)
            return body == nil ? nil : PlainHTTP.empty
        }
    }

    /// Offers a function over JSON text.
    public func register(
        raw id: String,
        description: String? = nil,
        _ function: @escaping @Sendable (RawJSON, Context) async throws -> RawJSON?
    ) async throws(SDKError) {
        try await register(id, description, function)
    }

    /// Offers a function that runs on the connection's thread: no task, no hop, for work of a few
    /// microseconds. It must not block.
    public func register(
        onEventLoop id: String,
        description: String? = nil,
        _ function: @escaping @Sendable (RawJSON, Reply) -> Void
    ) async throws(SDKError) {
        try await register(id, description, handler: .inline(function))
    }

    /// Takes a function back.
    public func unregister(_ id: String) async throws(SDKError) {
        try await perform { $0.unregister(id) }
    }

    private func register(
        _ id: String,
        _ description: String?,
        _ function: @escaping @Sendable (RawJSON, Context) async throws -> RawJSON?
    ) async throws(SDKError) {
        try await register(id, description, handler: .task(function))
    }

    private func register(
        _ id: String,
        _ description: String?,
        handler: ServedFunction.Handler
    ) async throws(SDKError) {
        try Self.check(id)
        let registration = FunctionRegistration(id: id, description: description)
        try await perform { link in
            link.register(ServedFunction(registration: registration, handler: handler))
        }
    }
}

extension Context {
    fileprivate var metadataText: JSONText? { metadata.map { JSONText(trusted: $0.bytes) } }
}
