package import Primitives
package import RecordFormat

/// What happens to queues and their messages. A message is named by the offset of its `enqueued`
/// record and, since a topic has a queue for each subscription, by the queue.
package enum QueueEvent: Equatable, Sendable {
    case defined(QueueDefined)
    case subscribed(Subscribed)
    case unsubscribed(Unsubscribed)
    case enqueued(Enqueued)
    case delivered(Delivered)
    case acked(Acked)
    case retried(Retried)
    case deadLettered(DeadLettered)
    case redriven(Redriven)
    case discarded(Discarded)
    case purged(Purged)
}

/// A function queue exists with these settings from now on.
package struct QueueDefined: EventBody {
    package static let kind = EventKind.queueDefined

    package let queue: String
    package let settings: QueueSettings
    /// Whether the configuration says so, and not somebody who runs.
    package let isConfigured: Bool

    package init(
        queue: String,
        settings: QueueSettings,
        isConfigured: Bool = false
    ) {
        self.queue = queue
        self.settings = settings
        self.isConfigured = isConfigured
    }

    package func encode(into writer: inout ByteWriter) {
        writer.text(queue)
        settings.encode(into: &writer)
        writer.byte(isConfigured ? 1 : 0)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        queue = try reader.text()
        settings = try QueueSettings(from: &reader)
        // Old ones end here, and do not tell.
        isConfigured = reader.isAtEnd ? false : try reader.byte() != 0
    }
}

/// A function receives a topic from now on, also while its worker is away.
package struct Subscribed: EventBody {
    package static let kind = EventKind.subscribed

    package let topic: String
    package let function: FunctionName
    /// A function that must not answer `false` for a message to be delivered.
    package let condition: String?
    package let settings: QueueSettings

    package init(
        topic: String,
        function: FunctionName,
        condition: String?,
        settings: QueueSettings
    ) {
        self.topic = topic
        self.function = function
        self.condition = condition
        self.settings = settings
    }

    package func encode(into writer: inout ByteWriter) {
        writer.text(topic)
        writer.function(function)
        writer.text(condition)
        settings.encode(into: &writer)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        topic = try reader.text()
        function = try reader.function()
        condition = try reader.optionalText()
        settings = try QueueSettings(from: &reader)
    }
}

/// A function no longer receives a topic.
package struct Unsubscribed: EventBody {
    package static let kind = EventKind.unsubscribed

    package let topic: String
    package let function: FunctionName
    /// Whether what it has not handled stays, for when it is subscribed again; else it is dropped.
    package let keepsMessages: Bool

    package init(
        topic: String,
        function: FunctionName,
        keepsMessages: Bool
    ) {
        self.topic = topic
        self.function = function
        self.keepsMessages = keepsMessages
    }

    package func encode(into writer: inout ByteWriter) {
        writer.text(topic)
        writer.function(function)
        writer.byte(keepsMessages ? 1 : 0)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        topic = try reader.text()
        function = try reader.function()
        // Old ones end here: with those, everything went.
        keepsMessages = reader.isAtEnd ? false : try reader.byte() != 0
    }
}

/// A message is in a function queue, or in the queue of every subscription of a topic.
package struct Enqueued: EventBody {
    package static let kind = EventKind.enqueued

    /// A function queue's name or a topic, as ``target`` says.
    package let queue: String
    /// Which function handles it; nil: it was published to a topic.
    package let target: FunctionName?
    /// What the producer was told.
    package let receipt: UUID128
    /// The FIFO group.
    package let group: String?
    /// W3C baggage of the producer.
    package let baggage: String?
    /// JSON.
    package let payload: [UInt8]
    /// The producer's span, where that is somebody else's, or its trace is not kept; nil: neither,
    /// or not told.
    package let parent: RemoteSpan?

    package init(
        queue: String,
        target: FunctionName?,
        receipt: UUID128,
        group: String?,
        baggage: String?,
        payload: [UInt8],
        parent: RemoteSpan? = nil
    ) {
        self.parent = parent
        self.queue = queue
        self.target = target
        self.receipt = receipt
        self.group = group
        self.baggage = baggage
        self.payload = payload
    }

    package func encode(into writer: inout ByteWriter) {
        writer.text(queue)
        writer.optionalFunction(target)
        writer.uuid(receipt)
        writer.text(group)
        writer.text(baggage)
        writer.bytes(payload)
        writer.remoteSpan(parent)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        queue = try reader.text()
        target = try reader.optionalFunction()
        receipt = try reader.uuid()
        group = try reader.optionalText()
        baggage = try reader.optionalText()
        payload = try reader.bytes()
        // Records of before producers' spans were told end here.
        parent = reader.isAtEnd ? nil : try reader.remoteSpan()
    }
}

/// A message was handed to a worker.
package struct Delivered: EventBody {
    package static let kind = EventKind.delivered

    package let queue: String
    package let message: Offset
    package let worker: UUID128
    package let invocation: UUID128
    /// 1 for the first.
    package let attempt: UInt32

    package init(
        queue: String,
        message: Offset,
        worker: UUID128,
        invocation: UUID128,
        attempt: UInt32
    ) {
        self.queue = queue
        self.message = message
        self.worker = worker
        self.invocation = invocation
        self.attempt = attempt
    }

    package func encode(into writer: inout ByteWriter) {
        writer.text(queue)
        writer.u64(message.rawValue)
        writer.uuid(worker)
        writer.uuid(invocation)
        writer.varint(UInt64(attempt))
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        queue = try reader.text()
        message = try reader.offset()
        worker = try reader.uuid()
        invocation = try reader.uuid()
        attempt = UInt32(truncatingIfNeeded: try reader.varint())
    }
}

/// A message was handled and is done.
package struct Acked: EventBody {
    package static let kind = EventKind.acked

    package let queue: String
    package let message: Offset
    package let result: FunctionResult
    /// Since its delivery.
    package let duration: Timestamp.Span

    package init(
        queue: String,
        message: Offset,
        result: FunctionResult,
        duration: Timestamp.Span
    ) {
        self.queue = queue
        self.message = message
        self.result = result
        self.duration = duration
    }

    package func encode(into writer: inout ByteWriter) {
        writer.text(queue)
        writer.u64(message.rawValue)
        writer.result(result)
        writer.i64(duration.nanoseconds)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        queue = try reader.text()
        message = try reader.offset()
        result = try reader.result()
        duration = Timestamp.Span(nanoseconds: try reader.i64())
    }

    /// What stands for a result that no record can hold: a run that failed is not acked.
    package var omission: String? {
        guard case .failure(let error) = result, error.code == "payload_too_large" else {
            return nil
        }
        return error.message
    }
}

/// A delivery failed and will be repeated.
package struct Retried: EventBody {
    package static let kind = EventKind.retried

    package let queue: String
    package let message: Offset
    /// How many deliveries of it have failed.
    package let failures: UInt32
    package let notBefore: Timestamp
    package let error: ErrorBody

    package init(
        queue: String,
        message: Offset,
        failures: UInt32,
        notBefore: Timestamp,
        error: ErrorBody
    ) {
        self.queue = queue
        self.message = message
        self.failures = failures
        self.notBefore = notBefore
        self.error = error
    }

    package func encode(into writer: inout ByteWriter) {
        writer.text(queue)
        writer.u64(message.rawValue)
        writer.varint(UInt64(failures))
        writer.i64(notBefore.nanoseconds)
        writer.error(error)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        queue = try reader.text()
        message = try reader.offset()
        failures = UInt32(truncatingIfNeeded: try reader.varint())
        notBefore = try reader.timestamp()
        error = try reader.error()
    }
}

/// A delivery failed for the last time.
package struct DeadLettered: EventBody {
    package static let kind = EventKind.deadLettered

    package let queue: String
    package let message: Offset
    package let failures: UInt32
    package let error: ErrorBody

    package init(
        queue: String,
        message: Offset,
        failures: UInt32,
        error: ErrorBody
    ) {
        self.queue = queue
        self.message = message
        self.failures = failures
        self.error = error
    }

    package func encode(into writer: inout ByteWriter) {
        writer.text(queue)
        writer.u64(message.rawValue)
        writer.varint(UInt64(failures))
        writer.error(error)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        queue = try reader.text()
        message = try reader.offset()
        failures = UInt32(truncatingIfNeeded: try reader.varint())
        error = try reader.error()
    }
}

/// A dead letter is a message again, with all its attempts before it.
package struct Redriven: EventBody {
    package static let kind = EventKind.redriven

    package let queue: String
    package let message: Offset

    package init(
        queue: String,
        message: Offset
    ) {
        self.queue = queue
        self.message = message
    }

    package func encode(into writer: inout ByteWriter) {
        writer.text(queue)
        writer.u64(message.rawValue)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        queue = try reader.text()
        message = try reader.offset()
    }
}

/// A dead letter was thrown away.
package struct Discarded: EventBody {
    package static let kind = EventKind.discarded

    package let queue: String
    package let message: Offset

    package init(
        queue: String,
        message: Offset
    ) {
        self.queue = queue
        self.message = message
    }

    package func encode(into writer: inout ByteWriter) {
        writer.text(queue)
        writer.u64(message.rawValue)
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        queue = try reader.text()
        message = try reader.offset()
    }
}
