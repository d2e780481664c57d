/// An error as a caller sees it: on the worker protocol, in an HTTP error envelope, in a record.
package struct ErrorBody: Error, Equatable, Sendable {
    package var code: String
    package var message: String
    /// Where the handler failed, as its SDK told it.
    package var stacktrace: String?

    package init(code: String, message: String, stacktrace: String? = nil) {
        self.code = code
        self.message = message
        self.stacktrace = stacktrace
    }

    /// The bytes of its texts.
    package var byteCount: Int {
        code.utf8.count + message.utf8.count + (stacktrace?.utf8.count ?? 0)
    }
}

/// What a function answered. "No value" and JSON null are different answers (services 1, 0.2).
package enum FunctionResult: Equatable, Sendable {
    /// One JSON value, as text.
    case value([UInt8])
    case none
    case failure(ErrorBody)

    package var isFailure: Bool {
        if case .failure = self { true } else { false }
    }
}
