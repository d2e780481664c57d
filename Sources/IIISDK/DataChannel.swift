import NIOCore

/// One end of a data channel, as it travels in inputs and results: whoever has it may attach, once.
public struct ChannelReference: Codable, Hashable, Sendable {
    /// What the holder may do.
    public enum Direction: String, Codable, Sendable {
        /// Read what the other end writes.
        case read
        /// Write what the other end reads.
        case write
    }

    /// The channel's name.
    public let channelID: String
    /// The secret that lets its holder attach.
    public let accessKey: String
    /// What the holder may do.
    public let direction: Direction

    private enum CodingKeys: String, CodingKey {
        case channelID = "channel_id"
        case accessKey = "access_key"
        case direction
    }
}

/// A new channel: messages from one writer to one reader, in order, past queues and log. It lives
/// in the engine's memory, and for five minutes until both ends are attached.
public struct DataChannel: Codable, Hashable, Sendable {
    /// For whoever writes.
    public let writer: ChannelReference
    /// For whoever reads.
    public let reader: ChannelReference
}

/// What is written to a channel, and read from it: never cut and never joined with another.
public enum ChannelMessage: Hashable, Sendable {
    /// UTF-8.
    case text(String)
    /// Bytes, of which other SDKs take at most 64 KiB at a time without further ado.
    case binary([UInt8])
}

extension Caller {
    /// Makes a channel that holds so many messages on their way, 1 to 1024; nil: 64.
    public func createChannel(bufferSize: Int? = nil) async throws(SDKError) -> DataChannel {
        try await call("engine::channels::create", ["buffer_size": bufferSize])
    }

    /// Attaches to the writing end of a channel for as long as `body` runs.
    ///
    /// When `body` returns, the reader hears that this was all, and this function returns when the
    /// engine has it. When `body` throws, the reader hears that something is missing.
    ///
    /// Throws ``SDKError/Code/cannotConnect`` when there is no such channel, and
    /// ``SDKError/Code/channelClosed`` when the end is taken or nobody reads any more.
    @discardableResult
    public func write<Value: Sendable>(
        to reference: ChannelReference,
        _ body: (ChannelWriter) async throws -> Value
    ) async throws -> Value {
        try await ChannelConnection.open(reference, for: route.mailbox).run { incoming, outgoing in
            let value: Value
            do {
                value = try await body(ChannelWriter(outgoing))
                try await outgoing.write(.close(isWhole: true))
            } catch {
                // Whether or not it still gets there.
                try? await outgoing.write(.close(isWhole: false))
                throw error
            }
            // The engine ends the connection when it has taken everything.
            for try await _ in incoming {}
            return value
        }
    }

    /// Attaches to the reading end of a channel for as long as `body` runs.
    ///
    /// Throws ``SDKError/Code/cannotConnect`` when there is no such channel; reading throws
    /// ``SDKError/Code/channelClosed`` when the end is taken, or the writer was lost.
    @discardableResult
    public func read<Value: Sendable>(
        from reference: ChannelReference,
        _ body: (ChannelReader) async throws -> Value
    ) async throws -> Value {
        try await ChannelConnection.open(reference, for: route.mailbox).run { incoming, _ in
            try await body(ChannelReader(incoming))
        }
    }
}

/// The writing end of a channel. Writing waits while the channel is full.
public struct ChannelWriter: Sendable {
    /// What SDKs read without further ado, in bytes.
    private static let pieceBytes = 64 << 10

    private let outgoing: ChannelConnection.Outgoing

    init(_ outgoing: ChannelConnection.Outgoing) { self.outgoing = outgoing }

    /// Writes one message as it is.
    public func write(_ message: ChannelMessage) async throws {
        try await outgoing.write(.message(message))
    }

    /// Writes a text as one message.
    public func write(_ text: String) async throws { try await write(.text(text)) }

    /// Writes bytes as messages of at most 64 KiB.
    public func write(_ bytes: [UInt8]) async throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            try await write(.binary(Array(rest.prefix(Self.pieceBytes))))
            rest = rest.dropFirst(Self.pieceBytes)
        }
    }
}

/// The reading end of a channel: its messages in order, each as it was written. What is not read is
/// felt by the writer.
public struct ChannelReader: AsyncSequence, Sendable {
    /// A message.
    public typealias Element = ChannelMessage

    private let incoming: ChannelConnection.Incoming

    init(_ incoming: ChannelConnection.Incoming) { self.incoming = incoming }

    /// Reads on. To be called once.
    public func makeAsyncIterator() -> Iterator { Iterator(incoming.makeAsyncIterator()) }

    /// Takes one message after the other.
    public struct Iterator: AsyncIteratorProtocol {
        private var messages: ChannelConnection.Incoming.AsyncIterator

        init(_ messages: ChannelConnection.Incoming.AsyncIterator) { self.messages = messages }

        /// The next message; nil when the writer has closed the channel.
        public mutating func next() async throws -> ChannelMessage? { try await messages.next() }
    }
}
