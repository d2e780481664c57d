package import Primitives
package import RecordFormat

/// What waited in a queue was dropped: what could have been delivered, what was behind another of
/// its group, and what had a delay. What was running and what was dead is not among it.
package struct Purged: EventBody {
    package static let kind = EventKind.purged

    package let queue: String
    /// How the worker calls itself that wanted it; nil: it was none, or one without a name.
    package let by: String?
    /// What was dropped, ascending, each once: what waited is not to be worked out again.
    package let messages: [Offset]

    package init(
        queue: String,
        by: String?,
        messages: [Offset]
    ) {
        self.queue = queue
        self.by = by
        self.messages = messages
    }

    package func encode(into writer: inout ByteWriter) {
        writer.text(queue)
        writer.text(by)
        writer.varint(UInt64(messages.count))
        var last = Offset.zero
        for message in messages {
            writer.varint(message.rawValue - last.rawValue)
            last = message
        }
    }

    package init(from reader: inout ByteReader) throws(DecodeError) {
        queue = try reader.text()
        by = try reader.optionalText()
        var messages: [Offset] = []
        var last = Offset.zero
        for _ in 0..<(try reader.varint()) {
            last = try reader.offset(after: last)
            messages.append(last)
        }
        self.messages = messages
    }
}

extension Purged {
    /// The same in two, for what is too much for one record.
    package var halves: [Purged] {
        let middle = messages.count / 2
        return [messages[..<middle], messages[middle...]].map {
            Purged(queue: queue, by: by, messages: Array($0))
        }
    }
}
