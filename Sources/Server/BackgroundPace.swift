import CPlatform

/// How much of the machine a thread takes that nobody waits for, when there is much for it to do: a
/// twentieth of all processors, at least a tenth and at most half of one, in steps so short that a
/// thread which has to wait for one is not late.
///
/// A low priority alone does not do: with as many busy threads as processors, one that wakes may
/// wait until the scheduler's next tick for one of low priority that runs.
struct BackgroundPace {
    /// Shorter rests are saved up, in nanoseconds.
    private static let shortest: UInt64 = 1_000_000

    /// Nanoseconds of rest for one of work.
    private let ratio: Double
    /// What the thread had worked when this was asked for the last time.
    private var worked = platform_thread_time()
    private var owed: UInt64 = 0

    init(processors: Int = Int(platform_processors())) {
        ratio = 1 / min(0.5, max(0.1, 0.05 * Double(processors))) - 1
    }

    /// - Returns: nanoseconds to rest now for what the calling thread has done; nil: none as yet.
    mutating func rest() -> UInt64? {
        let now = platform_thread_time()
        owed += UInt64(Double(now - worked) * ratio)
        worked = now
        guard owed >= Self.shortest else { return nil }
        defer { owed = 0 }
        return owed
    }
}
