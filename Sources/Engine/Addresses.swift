package import Primitives

/// A worker's connection, as the edges and the core name it.
package struct ConnectionID: Hashable, Sendable {
    /// Which event loop owns it.
    package let loop: Int
    package let number: UInt64

    package init(loop: Int, number: UInt64) {
        self.loop = loop
        self.number = number
    }
}

/// One HTTP request that waits for its response.
package struct ExchangeID: Hashable, Sendable {
    /// Which event loop owns it.
    package let loop: Int
    package let number: UInt64

    package init(loop: Int, number: UInt64) {
        self.loop = loop
        self.number = number
    }
}

/// The id under which a caller waits for a result. A UUID in its canonical form takes 16 bytes;
/// whatever else a client sends is kept as it is, since the answer must carry the same text.
package enum CallID: Hashable, Sendable {
    case uuid(UUID128)
    case text(String)
}

/// Trace headers as a caller sent them, for the answer to carry them back.
package struct Propagation: Equatable, Sendable {
    package var traceparent: String?
    package var baggage: String?

    package init(traceparent: String? = nil, baggage: String? = nil) {
        self.traceparent = traceparent
        self.baggage = baggage
    }
}
