/// The name of a data channel. It says which event loop keeps the channel, so that a socket on any
/// other knows where to ask for it; what protects a channel is its key.
///
///     xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxLLLL   made by a worker: random, but for the loop L
///     nnnnnnnn-nnnn-800d-8000-00000000LLLL   of the HTTP exchange n of the loop; d: its direction
package struct ChannelID: Hashable, Sendable, CustomStringConvertible {
    /// Which of the two streams of an HTTP exchange.
    package enum Stream: UInt64, Sendable { case requestBody = 0, response = 1 }

    package let uuid: UUID128

    private static let loopMask: UInt64 = 0xFFFF
    /// Version 8 of RFC 9562: what its bits mean is left to whoever makes it.
    private static let ownVersion: UInt64 = 0x8000
    private static let versionMask: UInt64 = 0xF000
    private static let variant: UInt64 = 0x8000_0000_0000_0000

    /// A new one.
    package init(onLoop loop: Int, from entropy: inout some Entropy) {
        precondition((0...Int(Self.loopMask)).contains(loop))
        let random = UUID128(from: &entropy)
        uuid = UUID128(high: random.high, low: random.low & ~Self.loopMask | UInt64(loop))
    }

    /// That of an HTTP exchange.
    package init(_ stream: Stream, ofExchange number: UInt64, onLoop loop: Int) {
        precondition((0...Int(Self.loopMask)).contains(loop))
        precondition(number < 1 << 48)
        uuid = UUID128(
            high: number << 16 | Self.ownVersion | stream.rawValue,
            low: Self.variant | UInt64(loop)
        )
    }

    package init?(_ text: String) {
        guard let uuid = UUID128(text) else { return nil }
        self.uuid = uuid
    }

    package var loop: Int { Int(uuid.low & Self.loopMask) }

    /// Nil for one that a worker made.
    package var exchange: (number: UInt64, stream: Stream)? {
        guard uuid.high & Self.versionMask == Self.ownVersion,
            let stream = Stream(rawValue: uuid.high & ~Self.versionMask & 0xFFFF)
        else { return nil }
        return (uuid.high >> 16, stream)
    }

    package var description: String { uuid.description }
}
