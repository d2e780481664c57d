/// Keeps what happens again and again from filling the engine's output: it is told at once, and
/// then not again for a while.
package struct NoticeLimit {
    /// In nanoseconds.
    private static let interval: UInt64 = 10_000_000_000

    /// On the monotonic clock.
    private var told: UInt64?
    private var left = 0

    package init() {}

    /// It has happened.
    ///
    /// - Returns: how often it did since it was told last, untold; nil: it is not to be told now.
    package mutating func pass(at now: UInt64) -> Int? {
        if let told, now - told < Self.interval {
            left += 1
            return nil
        }
        told = now
        defer { left = 0 }
        return left
    }
}
