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

/// Trace headers as a caller sent them, for the answer to carry them back.
package struct Propagation: Equatable, Sendable {
    package var traceparent: String?
    package var baggage: String?

    package init(traceparent: String? = nil, baggage: String? = nil) {
        self.traceparent = traceparent
        self.baggage = baggage
    }
}
