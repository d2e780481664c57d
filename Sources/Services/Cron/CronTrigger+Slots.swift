import Primitives

extension CronTrigger {
    /// Behind which instant the slots come that are caught up, of those in `(since, now]`.
    func floorOfMissed(since: Timestamp, now: Timestamp) -> Timestamp {
        guard since < now else { return since }
        switch policy.catchUp {
        case .skip: return now
        case .one: return schedule.floor(ofLast: 1, after: since, notAfter: now)
        case .all: return schedule.floor(ofLast: policy.max, after: since, notAfter: now)
        case .window(let span):
            let start = Timestamp(nanoseconds: now.nanoseconds - span.nanoseconds - 1)
            return schedule.floor(ofLast: policy.max, after: max(since, start), notAfter: now)
        }
    }

    /// How long a slot is put off: the same whenever it is asked, spread over `jitter`.
    func delay(of slot: Timestamp) -> Timestamp.Span {
        guard policy.jitter.nanoseconds > 0 else { return policy.jitter }
        var hash = ContentHash()
        hash.add(function)
        hash.add(schedule.text)
        hash.add(UInt64(bitPattern: slot.seconds))
        // The low bits of FNV-1a follow its last byte too closely.
        let mixed = (hash.value ^ hash.value >> 32) &* 0x9E37_79B9_7F4A_7C15
        let part = mixed.multipliedFullWidth(by: UInt64(policy.jitter.nanoseconds)).high
        return Timestamp.Span(nanoseconds: Int64(part))
    }
}
