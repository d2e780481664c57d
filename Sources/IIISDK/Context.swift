import WorkerProtocol

/// What a function knows about the call that it serves, and how it makes calls of its own: those
/// belong to the same trace.
public struct Context: Caller {
    /// The function's id, as it was registered.
    public let functionID: String
    /// What came beside the payload: of a trigger, its metadata.
    public let metadata: RawJSON?
    /// The W3C trace context of the call.
    public var traceparent: String? { route.traceparent }
    /// The W3C baggage of the call.
    public var baggage: String? { route.baggage }
    /// Where calls made through this context go.
    public let route: Route

    init(_ call: InvokeFrame, mailbox: Mailbox) {
        functionID = call.functionID
        metadata = call.metadata.map { RawJSON($0) }
        route = Route(mailbox: mailbox, traceparent: call.traceparent, baggage: call.baggage)
    }
}

/// The way to the engine, and the trace that calls belong to.
public struct Route: Sendable {
    let mailbox: Mailbox
    let traceparent: String?
    let baggage: String?
}
