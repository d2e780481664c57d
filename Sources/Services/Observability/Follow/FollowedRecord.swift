package import Events
package import Primitives

/// A record of the log, as who follows it sees it.
package struct FollowedRecord: Sendable {
    package let offset: Offset
    package let time: Timestamp
    package let trace: TraceID?
    package let cause: Offset?
    /// Nil: this version does not know its kind, or cannot read it.
    package let event: Event?
    /// Of its payload.
    package let byteCount: Int

    package init(
        offset: Offset,
        time: Timestamp,
        trace: TraceID?,
        cause: Offset?,
        event: Event?,
        byteCount: Int
    ) {
        self.offset = offset
        self.time = time
        self.trace = trace
        self.cause = cause
        self.event = event
        self.byteCount = byteCount
    }
}
