import Primitives

/// When the next snapshot is due.
///
/// What is behind the older one of two snapshots is kept, whatever retention says. So where it says
/// something, they follow each other closely enough for that to be about half of what it allows;
/// but a snapshot is worth making only when a segment was sealed since the last one.
struct SnapshotPace: Sendable {
    /// How much of the log is sealed between two, in bytes, at the most.
    let bytes: Int
    /// Between two looks at what has become too old.
    private let span: Timestamp.Span?
    private let segmentBytes: Int

    init(_ log: Configuration.Log) {
        segmentBytes = log.segmentBytes
        let share = log.retentionBytes.map { max(log.segmentBytes, $0 / 4) }
        bytes = min(log.snapshotBytes, share ?? .max)
        span = log.retention.map { Timestamp.Span(nanoseconds: max(1, $0.nanoseconds / 4)) }
    }

    /// Whether it is, where so many `segments` were sealed since the newest snapshot, and `last` is
    /// when retention was seen to. A time in the future counts as none.
    func isDue(segments: UInt64, since last: Timestamp, now: Timestamp) -> Bool {
        if Int(segments) * segmentBytes >= bytes { return true }
        guard let span else { return false }
        return now < last || last.advanced(by: span) <= now
    }
}
