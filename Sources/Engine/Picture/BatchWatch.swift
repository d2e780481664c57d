import Observability
import Primitives

/// How long batches take to the disk, and how many records they have.
struct BatchWatch {
    /// When the batch that the device has was handed to it, on the monotonic clock.
    private var began: UInt64?
    private var flushed = Offset.zero
    private var durable = Offset.zero
    private(set) var syncs = DurationHistogram()
    private(set) var sizes = DurationHistogram()

    init(at offset: Offset) {
        flushed = offset
        durable = offset
    }

    /// Called once a turn; asks for the time only where something has moved.
    mutating func check(flushed: Offset, durable: Offset, _ now: () -> UInt64) {
        guard flushed != self.flushed || durable != self.durable else { return }
        let time = now()
        if durable != self.durable {
            if let began { syncs.add(time &- min(began, time)) }
            began = nil
            self.durable = durable
        }
        if flushed != self.flushed {
            sizes.add(flushed.rawValue - self.flushed.rawValue)
            self.flushed = flushed
            // Both at once: it was on disk before this turn ended.
            began = durable == flushed ? nil : time
        }
    }
}
