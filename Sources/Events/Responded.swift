package import Primitives
package import RecordFormat

/// What is known of the response to an HTTP request and no end of its function's run tells: most
/// requests have none of these. The record's cause is the request's `triggered` record.
package struct Responded: EventBody {
    package static let kind = EventKind.responded

    package enum Form: UInt8, Sendable {
        /// The client got that status, for ``Responded/reason``; whatever the end of its function's
        /// run says, before or behind this, is not what it got.
        case engine = 0
        /// Its function has begun to write the response as a stream.
        case stream = 1
        /// Its function ends next, with nothing returned: another of these follows it.
        case awaited = 2
        /// Its client has left and got nothing, before its function began or behind its end.
        case abandoned = 3
    }

    package let form: Form
    /// What the client got; 0: nothing.
    package let status: UInt16
    /// Since the request's record.
    package let duration: Timestamp.Span
    /// For people; empty where the form says it all.
    package let reason: String

    package init(
        _ form: Form,
        status: UInt16 = 0,
        duration: Timestamp.Span,
        reason: String = ""
    ) {
        self.form = form
        self.status = status
        self.duration = duration
        self.reason = reason
    }

    package func encode(into writer: inout ByteWriter) {
        writer.byte(form.rawValue)
        writer.u16(status)
        writer.i64(duration.nanoseconds)
        writer.text(reason)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        // A form of a later version ends the request as one of the engine's does.
        form = Form(rawValue: try reader.byte()) ?? .engine
        status = try reader.u16()
        duration = Timestamp.Span(nanoseconds: try reader.i64())
        reason = try reader.text()
    }
}
