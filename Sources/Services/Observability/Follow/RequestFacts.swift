import Events

/// What an HTTP request's span says of it: read out of its record when somebody looks at the span,
/// which for most requests is never.
enum RequestFacts: Sendable {
    case unread(Triggered)
    /// Of a record that is too large to be kept.
    case read([TelemetryAttribute])

    /// Bytes of input that are kept with a span.
    private static let room = 4096

    init(_ event: Triggered) {
        self =
            event.event.count <= Self.room ? .unread(event) : .read(RequestAttributes.read(event))
    }

    var attributes: [TelemetryAttribute] {
        switch self {
        case .unread(let event): RequestAttributes.read(event)
        case .read(let attributes): attributes
        }
    }

    /// What is held for it, in bytes.
    var byteCount: Int {
        switch self {
        case .unread(let event): event.event.count
        case .read(let attributes): attributes.byteCount
        }
    }
}
