package import Primitives

/// What a record carries beside its fixed header.
struct RecordFlags: OptionSet {
    let rawValue: UInt8

    init(rawValue: UInt8) { self.rawValue = rawValue }

    /// It has a trace id.
    static let trace = RecordFlags(rawValue: 1)
    /// Its trace id is that of the record before it in the batch, and is not repeated.
    static let sameTrace = RecordFlags(rawValue: 2)
    /// It has a cause.
    static let cause = RecordFlags(rawValue: 4)
    /// Its time stands in full: it is over four seconds after the batch's.
    static let fullTime = RecordFlags(rawValue: 8)

    static let known: RecordFlags = [.trace, .sameTrace, .cause, .fullTime]
}

/// One record as it stands in a reader's memory: valid until the reader goes on.
package struct RecordView {
    package let offset: Offset
    package let time: Timestamp
    package let trace: TraceID?
    /// The record that led to this one, always an earlier one.
    package let cause: Offset?
    package let kind: UInt8
    /// Borrowed: copy what must outlive the call that was given this view.
    package let payload: UnsafeRawBufferPointer

    package init(
        offset: Offset,
        time: Timestamp,
        trace: TraceID?,
        cause: Offset?,
        kind: UInt8,
        payload: UnsafeRawBufferPointer
    ) {
        self.offset = offset
        self.time = time
        self.trace = trace
        self.cause = cause
        self.kind = kind
        self.payload = payload
    }
}
