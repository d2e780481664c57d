import Primitives

/// Waiting for the device, or for whoever rings the storage's waker.
extension CommitLog where Store: ~Copyable {
    /// Sleeps until the device finished something, the storage's waker is rung, or the time is
    /// over (nil: no limit); may return early. Reap afterwards.
    package mutating func wait(nanoseconds: UInt64?) throws(LogError) {
        if let failure { throw failure }
        // Where not even a thread was to be had for the next segment, nobody rings.
        let isFree = obstacle == nil
        try device.wait(
            nanoseconds: isFree ? nanoseconds : min(nanoseconds ?? .max, Limits.obstacleLook)
        )
    }

    /// Looks for what would end a ``wait(nanoseconds:)``, for at most so long and without giving
    /// the processor up. Reap afterwards.
    ///
    /// - Returns: whether there was something.
    package mutating func poll(nanoseconds: UInt64) -> Bool {
        failure != nil || device.poll(nanoseconds: nanoseconds)
    }
}
