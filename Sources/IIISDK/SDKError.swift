/// Why something that was asked of the engine did not happen: a code to act on, a message to read.
///
/// Functions may throw one too; its code and message then reach the caller as they are.
public struct SDKError: Error, Hashable, Sendable {
    /// What kind of failure it is. The list is open: engines and functions have codes of their own.
    public struct Code: RawRepresentable, Hashable, Sendable, ExpressibleByStringLiteral {
        /// The code as it travels.
        public let rawValue: String

        /// The code that is written `rawValue`.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// The code that is written `value`.
        public init(stringLiteral value: String) { rawValue = value }
    }

    /// What kind of failure it is.
    public var code: Code
    /// What happened, in words.
    public var message: String
    /// Where the function failed, as its worker told it.
    public var stacktrace: String?

    /// An error with a code of the caller's choice.
    public init(code: Code, message: String, stacktrace: String? = nil) {
        self.code = code
        self.message = message
        self.stacktrace = stacktrace
    }
}

extension SDKError: CustomStringConvertible {
    /// `code: message`
    public var description: String { "\(code.rawValue): \(message)" }
}

extension SDKError.Code {
    /// No answer came in time. The function may still run.
    public static let timeout = Self(rawValue: "TIMEOUT")
    /// The worker was closed.
    public static let shutdown = Self(rawValue: "SHUTDOWN")
    /// The other side gave no code.
    public static let unknown = Self(rawValue: "UNKNOWN")
    /// The connection ended before the answer came. The function may have run.
    public static let connectionLost = Self(rawValue: "connection_lost")
    /// The engine could not be reached, or does not want this worker.
    public static let cannotConnect = Self(rawValue: "cannot_connect")
    /// The engine does not let this worker connect, for want of a token or by its rules, or this
    /// listener join.
    public static let unauthorized = Self(rawValue: "unauthorized")
    /// The engine's address cannot be used.
    public static let invalidAddress = Self(rawValue: "invalid_address")
    /// A name that the engine would refuse.
    public static let invalidArgument = Self(rawValue: "INVALID_ARGUMENTS")
    /// The task that waited was cancelled. The function may still run.
    public static let cancelled = Self(rawValue: "cancelled")
    /// Offline for so long that no more calls are kept for later.
    public static let tooManyWaiting = Self(rawValue: "too_many_waiting")
    /// No live worker serves the function.
    public static let functionNotFound = Self(rawValue: "function_not_found")
    /// The function threw.
    public static let invocationFailed = Self(rawValue: "invocation_failed")
    /// The worker that ran the function went away.
    public static let invocationStopped = Self(rawValue: "invocation_stopped")
    /// The queue refused the job.
    public static let enqueueFailed = Self(rawValue: "enqueue_error")
    /// Larger than 64 MiB, or than what the other side can take.
    public static let payloadTooLarge = Self(rawValue: "payload_too_large")
    /// A value that does not have the shape that was asked for.
    public static let deserialization = Self(rawValue: "deserialization_error")
    /// A value that JSON cannot express.
    public static let serialization = Self(rawValue: "serialization_error")
    /// The other end of a channel is gone, or this end is somebody else's.
    public static let channelClosed = Self(rawValue: "channel_closed")
    /// Another live worker has this name.
    public static let workerNameTaken = Self(rawValue: "WORKER_NAMESPACE_CONFLICT")
}
