import Glibc

/// Where the time comes from: the operating system in production, a variable in a simulation.
package protocol Clock: Sendable {
    func now() -> Now
}

/// The operating system's clocks. The monotonic one goes on during a suspend (`CLOCK_BOOTTIME`).
package struct SystemClock: Clock {
    package init() {}

    package func now() -> Now {
        var wall = timespec()
        var boot = timespec()
        clock_gettime(CLOCK_REALTIME, &wall)
        clock_gettime(CLOCK_BOOTTIME, &boot)
        return Now(
            wall: Timestamp(nanoseconds: Int64(wall.tv_sec) * 1_000_000_000 + Int64(wall.tv_nsec)),
            monotonic: UInt64(boot.tv_sec) * 1_000_000_000 + UInt64(boot.tv_nsec)
        )
    }
}
