package import Primitives
package import RecordFormat

/// How a queue treats its messages.
package struct QueueSettings: Equatable, Sendable {
    /// One message of a group at a time, in order.
    package let fifo: Bool
    /// Deliveries at the same time; 0 pauses the queue.
    package let concurrency: UInt32
    /// Handler calls before a message is a dead letter, at least 1.
    package let attempts: UInt32
    /// The delay after the first failure; doubled after each further one.
    package let backoff: Timestamp.Span
    /// The top-level key of the payload that names a message's group, where `fifo`.
    package let groupField: String?

    package init(
        fifo: Bool,
        concurrency: UInt32,
        attempts: UInt32,
        backoff: Timestamp.Span,
        groupField: String?
    ) {
        self.fifo = fifo
        self.concurrency = concurrency
        self.attempts = attempts
        self.backoff = backoff
        self.groupField = groupField
    }

    package func encode(into writer: inout ByteWriter) {
        writer.byte(fifo ? 1 : 0)
        writer.varint(UInt64(concurrency))
        writer.varint(UInt64(attempts))
        writer.i64(backoff.nanoseconds)
        writer.text(groupField)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        fifo = try reader.byte() != 0
        concurrency = UInt32(truncatingIfNeeded: try reader.varint())
        attempts = UInt32(truncatingIfNeeded: try reader.varint())
        backoff = Timestamp.Span(nanoseconds: try reader.i64())
        groupField = try reader.optionalText()
    }
}

extension QueueSettings {
    /// What a queue has unless it is told otherwise: 10 at a time, 3 attempts, 1 s of backoff.
    package static let standard = QueueSettings(
        fifo: false,
        concurrency: 10,
        attempts: 3,
        backoff: .seconds(1),
        groupField: nil
    )

    /// Whether a function queue may have the name: not blank, and of at most
    /// ``Limits/nameBytes``.
    package static func allows(name: String) -> Bool {
        !name.isBlank && name.utf8.count <= Limits.nameBytes
    }

    /// No message waits longer for its next attempt, whatever the backoff.
    private static let longestDelay = Timestamp.Span.seconds(7 * 86_400)

    /// The delay after failure number `failures` (1 for the first): the backoff, doubled each time,
    /// and a week at the most.
    package func delay(afterFailures failures: UInt32) -> Timestamp.Span {
        let (product, overflow) = backoff.nanoseconds.multipliedReportingOverflow(
            by: failures > 62 ? .max : 1 << Int64(failures - 1)
        )
        return overflow
            ? Self.longestDelay : min(Self.longestDelay, Timestamp.Span(nanoseconds: product))
    }
}
