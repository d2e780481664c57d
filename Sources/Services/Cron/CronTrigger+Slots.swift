import Primitives

extension CronTrigger {
    /// Up to where slots have come by `now`, of those behind `start`: one that is put off until
    /// later has not, nor has any behind it.
    func come(by now: Timestamp, after start: Timestamp) -> Timestamp {
        // Only the last one can still be put off: none is for longer than to the next.
        guard policy.jitter.nanoseconds > 0,
            let last = schedule.latest(after: start, notAfter: now),
            last.advanced(by: delay(of: last)) > now
        else { return max(start, now) }
        let before = Timestamp(nanoseconds: last.nanoseconds - 1)
        return schedule.latest(after: start, notAfter: before) ?? start
    }

    /// Behind which instant the slots come that are caught up at `now`, of those in `(since, end]`.
    func floorOfMissed(since: Timestamp, until end: Timestamp, now: Timestamp) -> Timestamp {
        guard since < end else { return since }
        switch policy.catchUp {
        case .skip: return end
        case .one: return schedule.floor(ofLast: 1, after: since, notAfter: end)
        case .all: return schedule.floor(ofLast: policy.max, after: since, notAfter: end)
        case .window(let span):
            let start = Timestamp(nanoseconds: now.nanoseconds - span.nanoseconds - 1)
            let first = min(max(since, start), end)
            return schedule.floor(ofLast: policy.max, after: first, notAfter: end)
        }
    }

    /// How long a slot is put off: the same whenever it is asked, spread over `jitter` or up to the
    /// next slot, if that is sooner: slots come in their order, and none while only jitter lets the
    /// one before begin.
    func delay(of slot: Timestamp) -> Timestamp.Span {
        guard policy.jitter.nanoseconds > 0 else { return policy.jitter }
        var hash = ContentHash()
        hash.add(function)
        hash.add(schedule.text)
        hash.add(UInt64(bitPattern: slot.seconds))
        // The low bits of FNV-1a follow its last byte too closely.
        let mixed = (hash.value ^ hash.value >> 32) &* 0x9E37_79B9_7F4A_7C15
        let gap = schedule.next(after: slot).map { slot.distance(to: $0).nanoseconds }
        let spread = min(policy.jitter.nanoseconds, gap ?? .max)
        let part = mixed.multipliedFullWidth(by: UInt64(spread)).high
        return Timestamp.Span(nanoseconds: Int64(part))
    }
}
