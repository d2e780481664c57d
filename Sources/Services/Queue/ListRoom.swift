import JSON
import Primitives

extension Limits {
    /// Bytes of payloads and errors that one list of messages shows, and as many of payloads are
    /// read from the log for it, up to the record that goes beyond. With the rows around them a
    /// usual page is below what the oldest SDKs take as one message.
    package static let listedBytes = 768 << 10
    /// Messages of one page.
    static let listedMessages: Int64 = 1000
}

/// The room that one list of messages has for what their senders and handlers wrote. The list is
/// put together on the core thread, and goes out as one message.
struct ListRoom {
    /// Bytes that may still be shown.
    private var shown: Int
    /// Bytes that may still be read from the log.
    private var read: Int

    init(bytes: Int) {
        shown = bytes
        read = bytes
    }

    /// What a row tells of a message's content.
    struct Told {
        /// Nil where it cannot be read, or was not for want of room.
        let content: Message.Content?
        /// Whether there was no room for its payload.
        let isCut: Bool

        /// Whether it was asked for, and the log does not give it.
        var isUnreadable: Bool { content == nil && !isCut }
    }

    /// `content` is asked only where the message has its own in memory, or something may be read.
    mutating func take(
        _ message: Message,
        _ content: (Message) -> Message.Content?
    ) -> Told {
        guard message.content != nil || read > 0 else { return Told(content: nil, isCut: true) }
        let found = content(message)
        let bytes = found?.payload.count ?? 0
        if message.content == nil { read -= bytes }
        guard bytes <= shown else { return Told(content: found, isCut: true) }
        shown -= bytes
        return Told(content: found, isCut: false)
    }

    /// An error in a line; where there is no room for it, how it begins.
    mutating func take(_ error: ErrorBody) -> String {
        let text = error.told(within: shown)
        shown -= min(shown, text.utf8.count)
        return text
    }
}

extension ListRoom.Told {
    /// The payload, its bytes, and whether it is left out; the message, the list and its row are
    /// around it.
    func writePayload(into json: inout JSONBuilder) {
        json.key("payload")
        if let content, !isCut {
            json.raw(JSONText(trusted: content.payload).flattened(beyond: Limits.jsonDepth - 3))
        } else {
            json.null()
        }
    }

    /// How large the payload is, null where it was not read; and `cut` where it is left out.
    func writeSize(into json: inout JSONBuilder) {
        json.key("size_bytes")
        if let content { json.integer(content.payload.count) } else { json.null() }
        guard isCut else { return }
        json.key("cut")
        json.bool(true)
    }

    /// What the log tells of where it comes from.
    func writeOrigin(into json: inout JSONBuilder) {
        json.key("enqueued_at_ms")
        if let content { json.integer(content.time.milliseconds) } else { json.null() }
        json.key("trace_id")
        if let trace = content?.trace { json.string(trace.description) } else { json.null() }
    }
}

extension ErrorBody {
    /// Its code and message; of what has more than `bytes` how they begin, at most 64 characters of
    /// each.
    func told(within bytes: Int) -> String {
        guard code.utf8.count + message.utf8.count > bytes else { return "\(code): \(message)" }
        func start(_ text: String) -> String { String(text.unicodeScalars.prefix(64)) }
        let (code, message) = (start(code), start(message))
        let isWhole =
            code.utf8.count == self.code.utf8.count
            && message.utf8.count == self.message.utf8.count
        return "\(code): \(message)" + (isWhole ? "" : "…")
    }
}
