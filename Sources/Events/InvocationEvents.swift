package import Primitives
package import RecordFormat

/// Something outside made a function run: the root of a request's history.
package struct Triggered: EventBody {
    package static let kind = EventKind.triggered

    /// The trigger type: `http`, `state`, `observe`.
    package let type: String
    /// The trigger's id.
    package let trigger: String
    /// What happened, in a few words: `GET /hello`.
    package let summary: String
    /// What it runs.
    package let function: FunctionName
    /// The function's input as JSON, secrets redacted.
    package let event: [UInt8]
    /// Asked before it runs, where that may have to be done in another life of the engine.
    package let condition: FunctionName?
    /// The trigger's metadata as JSON, for the same reason; empty: none, or not told.
    package let metadata: [UInt8]
    /// The span of somebody else's that it stands below, and what is said of that one's trace; nil:
    /// none is known.
    package let parent: RemoteSpan?

    package init(
        type: String,
        trigger: String,
        summary: String,
        function: FunctionName,
        event: [UInt8],
        condition: FunctionName? = nil,
        metadata: [UInt8] = [],
        parent: RemoteSpan? = nil
    ) {
        self.parent = parent
        self.type = type
        self.trigger = trigger
        self.summary = summary
        self.function = function
        self.event = event
        self.condition = condition
        self.metadata = metadata
    }

    package func encode(into writer: inout ByteWriter) {
        writer.text(type)
        writer.text(trigger)
        writer.text(summary)
        writer.function(function)
        writer.bytes(event)
        writer.optionalFunction(condition)
        writer.bytes(metadata)
        writer.remoteSpan(parent)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        type = try reader.text()
        trigger = try reader.text()
        summary = try reader.text()
        function = try reader.function()
        event = try reader.bytes()
        // Records of before there were state triggers end here.
        guard !reader.isAtEnd else {
            condition = nil
            metadata = []
            parent = nil
            return
        }
        condition = try reader.optionalFunction()
        metadata = try reader.bytes()
        // As do those of before they named a parent.
        parent = reader.isAtEnd ? nil : try reader.remoteSpan()
    }
}

/// A span that began elsewhere, as its `traceparent` tells of it.
package struct RemoteSpan: Equatable, Sendable {
    package let span: UInt64
    package let flags: UInt8

    package init(span: UInt64, flags: UInt8) {
        self.span = span
        self.flags = flags
    }

    /// Whether whoever began it keeps its trace.
    package var isSampled: Bool { flags & 1 != 0 }
}

extension ByteWriter {
    /// 0, or 1 and the span with its flags.
    mutating func remoteSpan(_ parent: RemoteSpan?) {
        guard let parent else { return byte(0) }
        byte(1)
        u64(parent.span)
        byte(parent.flags)
    }
}

extension ByteReader {
    mutating func remoteSpan() throws(DecodeError) -> RemoteSpan? {
        guard try byte() != 0 else { return nil }
        let span = try u64()
        return RemoteSpan(span: span, flags: try byte())
    }
}

/// A function was handed to a worker.
package struct Invoked: EventBody {
    package static let kind = EventKind.invoked

    /// The id under which the worker answers.
    package let invocation: UUID128
    package let function: FunctionName
    /// Who runs it.
    package let worker: UUID128
    /// Who asked; all zero for the engine.
    package let caller: UUID128
    /// Whether the caller waits for the result.
    package let awaited: Bool
    /// Whether the function decides over another's run, rather than being what the cause is for.
    package let isCondition: Bool
    /// JSON; empty where the record's cause already holds it.
    package let input: [UInt8]
    /// The caller's span, where that is not the one that the engine handed to what the call comes
    /// from; 0: none, or not told.
    package let parent: UInt64
    /// What is said of that one's trace; nil: not told, or there is no such span.
    package let flags: UInt8?

    package init(
        invocation: UUID128,
        function: FunctionName,
        worker: UUID128,
        caller: UUID128,
        awaited: Bool,
        isCondition: Bool,
        input: [UInt8],
        parent: UInt64 = 0,
        flags: UInt8? = nil
    ) {
        self.parent = parent
        self.flags = parent == 0 ? nil : flags
        self.invocation = invocation
        self.function = function
        self.worker = worker
        self.caller = caller
        self.awaited = awaited
        self.isCondition = isCondition
        self.input = input
    }

    package func encode(into writer: inout ByteWriter) {
        writer.uuid(invocation)
        writer.function(function)
        writer.uuid(worker)
        writer.uuid(caller)
        writer.byte(awaited ? 1 : 0)
        writer.byte(isCondition ? 1 : 0)
        writer.bytes(input)
        writer.varint(parent)
        guard parent != 0 else { return }
        writer.byte(flags == nil ? 0 : 1)
        if let flags { writer.byte(flags) }
    }

    /// The caller's span with its flags, where both are told.
    package var remote: RemoteSpan? { flags.map { RemoteSpan(span: parent, flags: $0) } }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        invocation = try reader.uuid()
        function = try reader.function()
        worker = try reader.uuid()
        caller = try reader.uuid()
        awaited = try reader.byte() != 0
        isCondition = try reader.byte() != 0
        input = try reader.bytes()
        // Records of before callers' spans were told end here.
        parent = reader.isAtEnd ? 0 : try reader.varint()
        // As do those of before the flags were.
        guard parent != 0, !reader.isAtEnd, try reader.byte() != 0 else {
            flags = nil
            return
        }
        flags = try reader.byte()
    }
}

/// A function ended. The record's cause is its `invoked` record.
package struct Completed: EventBody {
    package static let kind = EventKind.completed

    package let invocation: UUID128
    package let result: FunctionResult
    /// Since it was handed to the worker.
    package let duration: Timestamp.Span

    package init(
        invocation: UUID128,
        result: FunctionResult,
        duration: Timestamp.Span
    ) {
        self.invocation = invocation
        self.result = result
        self.duration = duration
    }

    package func encode(into writer: inout ByteWriter) {
        writer.uuid(invocation)
        writer.result(result)
        writer.i64(duration.nanoseconds)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        invocation = try reader.uuid()
        result = try reader.result()
        duration = Timestamp.Span(nanoseconds: try reader.i64())
    }
}
