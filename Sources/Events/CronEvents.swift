package import Primitives
package import RecordFormat

/// What happens to cron triggers.
package enum CronEvent: Equatable, Sendable {
    case fired(CronFired)
    case skipped(CronSkipped)
    /// From now on somebody wants the slots of a schedule that are missed.
    case watched(CronMark)
    /// Nobody does any more.
    case forgotten(CronMark)
    /// No slot of a schedule fires until it is resumed.
    case paused(CronMark)
    case resumed(CronMark)
}

/// Something said of a schedule, by which it is told which one.
package struct CronMark: Equatable, Sendable {
    package let function: FunctionName
    /// The whole schedule, with its zone.
    package let expression: String
    package let at: Timestamp

    package init(function: FunctionName, expression: String, at time: Timestamp) {
        self.function = function
        self.expression = expression
        at = time
    }

    func encode(into writer: inout ByteWriter) {
        writer.function(function)
        writer.text(expression)
        writer.i64(at.nanoseconds)
    }

    init(from reader: inout ByteReader) throws(DecodeError) {
        function = try reader.function()
        expression = try reader.text()
        at = try reader.timestamp()
    }
}

/// A slot of a cron trigger came, and its function is to run: once, whatever happens after.
package struct CronFired: EventBody {
    package static let kind = EventKind.cronFired

    package let trigger: String
    package let function: FunctionName
    /// The whole schedule: behind `CRON_TZ=` and the zone, where that is not UTC.
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

    package struct Schedule: Equatable, Sendable {
        package let function: FunctionName
        package let expression: String

        package init(function: FunctionName, expression: String) {
            self.function = function
            self.expression = expression
        }
    }

    package let trigger: String
    package let scheduled: Timestamp
    package let reason: String
    /// Set where no slot of the schedule up to this one runs any more.
    package let schedule: Schedule?

    package init(
        trigger: String,
        scheduled: Timestamp,
        reason: String,
        schedule: Schedule? = nil
    ) {
        self.trigger = trigger
        self.scheduled = scheduled
        self.reason = reason
        self.schedule = schedule
    }

    package func encode(into writer: inout ByteWriter) {
        writer.text(trigger)
        writer.i64(scheduled.nanoseconds)
        writer.text(reason)
        writer.optionalFunction(schedule?.function)
        if let schedule { writer.text(schedule.expression) }
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        trigger = try reader.text()
        scheduled = try reader.timestamp()
        reason = try reader.text()
        guard !reader.isAtEnd, let function = try reader.optionalFunction() else {
            // Old ones end here.
            schedule = nil
            return
        }
        schedule = Schedule(function: function, expression: try reader.text())
    }
}
