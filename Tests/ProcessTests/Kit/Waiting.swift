import Glibc

/// What went wrong, in words for the reader of a failed test.
struct Failure: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// A point on the monotonic clock.
struct Deadline {
    private let nanoseconds: UInt64

    init(in seconds: Double) {
        nanoseconds = Deadline.now + UInt64(max(0, seconds) * 1e9)
    }

    var passed: Bool { Deadline.now >= nanoseconds }

    /// Milliseconds that are left, rounded up, for `poll`; 0 once it has passed.
    var milliseconds: Int32 {
        let now = Deadline.now
        return now >= nanoseconds
            ? 0 : Int32(min((nanoseconds - now + 999_999) / 1_000_000, 60_000))
    }

    static var now: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}

/// Asks `probe` until it gives a value.
///
/// - Throws: `Failure` naming `what` when `seconds` have passed; whatever `probe` throws, at once.
func eventually<Value>(
    _ what: String,
    within seconds: Double = 60,
    _ probe: () throws -> Value?
) throws -> Value {
    let deadline = Deadline(in: seconds)
    while true {
        if let value = try probe() { return value }
        if deadline.passed { throw Failure("did not happen within \(seconds) s: \(what)") }
        usleep(10_000)
    }
}

/// SplitMix64: the same seed gives the same numbers everywhere.
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func chance(_ probability: Double) -> Bool {
        Double.random(in: 0..<1, using: &self) < probability
    }
}
