/// Cuts what a process writes into lines. What it writes faster than anybody reads is dropped, and
/// counted: it must neither wait nor fill a disk.
struct OutputLines {
    private var partial: [UInt8] = []
    /// How many bytes may be taken at once, as of `refilledAt`.
    private var allowance = Self.burst
    private var refilledAt: UInt64
    /// Lines since the last ``takeDropped()``.
    private var dropped: UInt64 = 0

    /// In bytes; a longer one becomes several.
    static let longestLine = 16 << 10
    /// Bytes a second, and at once.
    static let rate = 1 << 20
    static let burst = 4 << 20

    init(now: UInt64) { refilledAt = now }

    /// Takes `bytes`, written at `now` (monotonic, in nanoseconds).
    ///
    /// - Returns: the lines that end in them, without what ends them.
    mutating func take(_ bytes: some Collection<UInt8>, now: UInt64) -> [String] {
        let span = now - refilledAt
        let second: UInt64 = 1_000_000_000
        let gained = span >= 4 * second ? Self.burst : Int(span) * Self.rate / Int(second)
        if gained > 0 {
            allowance = min(Self.burst, allowance + gained)
            refilledAt = now
        }
        var lines: [String] = []
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                end(&lines)
            } else {
                partial.append(byte)
                if partial.count == Self.longestLine { end(&lines) }
            }
        }
        return lines
    }

    /// - Returns: what nothing has ended, if there is such a line.
    mutating func finish() -> [String] {
        var lines: [String] = []
        if !partial.isEmpty { end(&lines) }
        return lines
    }

    /// - Returns: how many lines were dropped since the last call.
    mutating func takeDropped() -> UInt64 {
        defer { dropped = 0 }
        return dropped
    }

    private mutating func end(_ lines: inout [String]) {
        defer { partial.removeAll(keepingCapacity: true) }
        if partial.last == UInt8(ascii: "\r") { partial.removeLast() }
        guard partial.count < allowance else {
            dropped += 1
            return
        }
        allowance -= partial.count + 1
        lines.append(String(decoding: partial, as: UTF8.self))
    }
}
