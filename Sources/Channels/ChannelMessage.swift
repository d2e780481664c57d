package import NIOCore
import Primitives

/// What a writer sent, and a reader gets: one message, never cut and never joined with another.
package struct ChannelMessage: Sendable {
    package enum Kind: Sendable { case text, binary }

    package let kind: Kind
    /// Of a text, UTF-8.
    package let bytes: ByteBuffer

    package init(_ kind: Kind, _ bytes: ByteBuffer) {
        self.kind = kind
        self.bytes = bytes
    }
}

/// How much may be on its way from the writer to the reader's socket.
package struct ChannelBounds: Equatable, Sendable {
    package let messages: Int
    package let bytes: Int

    package init(
        messages: Int = Limits.channelMessages,
        bytes: Int = Limits.channelBytes
    ) {
        precondition(messages > 0)
        precondition(bytes > 0)
        self.messages = messages
        self.bytes = bytes
    }
}

/// A number of messages and the bytes in them.
package struct Load: Equatable, Sendable {
    package private(set) var messages = 0
    package private(set) var bytes = 0

    package init() {}

    package mutating func add(_ message: ChannelMessage) {
        messages += 1
        bytes += message.bytes.readableBytes
    }

    package mutating func subtract(_ other: Load) {
        messages -= other.messages
        bytes -= other.bytes
    }

    package func fills(_ bounds: ChannelBounds) -> Bool {
        messages >= bounds.messages || bytes >= bounds.bytes
    }
}
