import Events
import Primitives

extension CronView {
    /// A hash of what is folded from the log: the firings whose runs have not ended, the last slot
    /// of every schedule, whose missed slots are wanted, and which are paused. Which triggers there
    /// are is told by workers and does not count.
    ///
    /// Equal contents have equal digests in every process and whatever happened before: FNV-1a over
    /// the firings in the order of their offsets and the schedules in that of their names.
    package func digest() -> UInt64 {
        var hash = ContentHash()
        let firings = openFirings
        hash.add(UInt64(firings.count))
        for (offset, fired) in firings {
            hash.add(offset.rawValue)
            hash.add(fired.trigger)
            hash.add(UInt64(bitPattern: fired.scheduled.nanoseconds))
        }
        for (function, expression, last) in lastSlots {
            hash.add(function)
            hash.add(expression)
            hash.add(UInt64(bitPattern: last.nanoseconds))
        }
        // Logs of before there were any keep their digest.
        guard !watched.isEmpty || !paused.isEmpty else { return hash.value }
        for (schedule, watch) in watched.sorted(by: { $0.key < $1.key }) {
            hash.add(schedule.function)
            hash.add(schedule.expression)
            hash.add(watch.offset.rawValue)
            hash.add(UInt64(bitPattern: watch.since.nanoseconds))
        }
        hash.add(UInt64(paused.count))
        for (schedule, offset) in paused.sorted(by: { $0.key < $1.key }) {
            hash.add(schedule.function)
            hash.add(schedule.expression)
            hash.add(offset.rawValue)
        }
        return hash.value
    }

    /// The last slot that fired of every schedule that is remembered, in the order of their names.
    var lastSlots: [(function: FunctionName, expression: String, last: Timestamp)] {
        lastFired.map { ($0.key.function, $0.key.expression, $0.value) }.sorted { first, second in
            (first.function.namespace, first.function.id, first.expression)
                < (second.function.namespace, second.function.id, second.expression)
        }
    }
}
