package import Primitives
package import RecordFormat

/// What happens to cron triggers.
package enum CronEvent: Equatable, Sendable {
    case fired(CronFired)
    case skipped(CronSkipped)
}

/// A slot of a cron trigger came, and its function is to run: once, whatever happens after.
package struct CronFired: EventBody {
    package static let kind = EventKind.cronFired

    package let trigger: String
    package let function: FunctionName
    package let expression: String
    /// The slot.
    package let scheduled: Timestamp
    /// When the engine noticed.
    package let actual: Timestamp

    package init(
        trigger: String,
        function: FunctionName,
        expression: String,
        scheduled: Timestamp,
        actual: Timestamp
    ) {
        self.trigger = trigger
        self.function = function
        self.expression = expression
        self.scheduled = scheduled
        self.actual = actual
    }

    package func encode(into writer: inout ByteWriter) {
        writer.text(trigger)
        writer.function(function)
        writer.text(expression)
        writer.i64(scheduled.nanoseconds)
        writer.i64(actual.nanoseconds)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        trigger = try reader.text()
        function = try reader.function()
        expression = try reader.text()
        scheduled = try reader.timestamp()
        actual = try reader.timestamp()
    }
}

/// A slot passed without a run.
package struct CronSkipped: EventBody {
    package static let kind = EventKind.cronSkipped

    package let trigger: String
    package let scheduled: Timestamp
    package let reason: String

    package init(
        trigger: String,
        scheduled: Timestamp,
        reason: String
    ) {
        self.trigger = trigger
        self.scheduled = scheduled
        self.reason = reason
    }

    package func encode(into writer: inout ByteWriter) {
        writer.text(trigger)
        writer.i64(scheduled.nanoseconds)
        writer.text(reason)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        trigger = try reader.text()
        scheduled = try reader.timestamp()
        reason = try reader.text()
    }
}
