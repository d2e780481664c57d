package import Primitives
package import RecordFormat

/// What a queue had was dropped: what waited (what could have been delivered, what was behind
/// another of its group, and what had a delay), or what was dead. What was running is not among it.
package struct Purged: EventBody {
    package static let kind = EventKind.purged

    package let queue: String
    /// How the worker calls itself that wanted it; nil: it was none, or one without a name.
    package let by: String?
    /// What was dropped, ascending, each once: what waited is not to be worked out again.
    package let messages: [Offset]
    /// Whether they were dead letters, and not what waited.
    package let areDead: Bool

    package init(
        queue: String,
        by: String?,
        messages: [Offset],
        areDead: Bool = false
    ) {
        self.areDead = areDead
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
        writer.byte(areDead ? 1 : 0)
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
        // The first versions ended here: they dropped only what waited.
        areDead = reader.isAtEnd ? false : try reader.byte() != 0
    }
}

extension Purged {
    /// The same in two, for what is too much for one record.
    package var halves: [Purged] {
        let middle = messages.count / 2
        return [messages[..<middle], messages[middle...]].map {
            Purged(queue: queue, by: by, messages: Array($0), areDead: areDead)
        }
    }
}
