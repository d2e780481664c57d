import Primitives

/// What tells the traces and runs of replays from all others: at any time, also when they are over,
/// and to an engine that was started since.
enum ReplayMark {
    /// The upper 48 bits of their ids: `replay`.
    private static let word: UInt64 = 0x7265_706C_6179_0000
    private static let rest: UInt64 = 0xFFFF
    /// What a `traceparent` with it begins with.
    private static let prefix = "00-7265706c6179"

    static func trace(from random: inout some Entropy) -> TraceID {
        let id = TraceID(from: &random)
        return TraceID(high: word | id.high & rest, low: id.low) ?? id
    }

    /// Still a UUID of version 4.
    static func invocation(from random: inout some Entropy) -> UUID128 {
        let id = UUID128(from: &random)
        return UUID128(high: word | id.high & rest, low: id.low)
    }

    static func isOn(invocation: UUID128) -> Bool { invocation.high & ~rest == word }

    /// Whether it is on the trace that a `traceparent` names: asked for each call.
    static func isOn(traceparent: String) -> Bool { traceparent.hasPrefix(prefix) }
}
