package import Primitives

/// When the clocks of one place show what: offsets from UTC, and the instants at which they change.
///
/// Invariants:
/// * `changes` is ascending; `offsets` has one element more: `offsets[i]` holds before
///   `changes[i]`.
/// * Offsets beside each other differ.
package struct TimeZoneRules: Equatable, Sendable {
    /// As in the time zone database: `Europe/Berlin`.
    package let name: String
    /// In seconds since 1970.
    let changes: [Int64]
    /// In seconds east of UTC.
    let offsets: [Int64]

    package static let utc = TimeZoneRules(name: "UTC", changes: [], offsets: [0])

    init(name: String, changes: [Int64], offsets: [Int64]) {
        precondition(offsets.count == changes.count + 1)
        self.name = name
        self.changes = changes
        self.offsets = offsets
    }

    package var isUTC: Bool { changes.isEmpty && offsets == [0] }

    /// What is to be added to UTC at `instant`, in seconds.
    package func offset(at instant: Timestamp) -> Int64 { offsets[span(at: instant.seconds)] }

    /// The number of changes that have come by `second`: the index of the offset that holds.
    func span(at second: Int64) -> Int {
        var low = 0
        var high = changes.count
        while low < high {
            let middle = (low + high) / 2
            if changes[middle] <= second { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Where an offset's time begins and ends, half-open.
    private func bounds(of span: Int) -> (start: Int64, end: Int64) {
        (
            span == 0 ? .min : changes[span - 1],
            span == changes.count ? .max : changes[span]
        )
    }

    /// The first instant at which clocks show `local`, in seconds since 1970 as if it were UTC.
    /// Where they skip it, the first instant after the gap.
    func instant(ofLocal local: Int64) -> Int64 {
        // No place is further from UTC than this.
        var span = span(at: local - 2 * 86_400)
        while true {
            let (start, end) = bounds(of: span)
            let instant = local - offsets[span]
            if instant < start { return start }
            if instant < end { return instant }
            span += 1
        }
    }

    /// `2031-03-30T03:00:00+02:00`.
    package func text(of instant: Timestamp) -> String {
        let offset = offset(at: instant)
        let minutes = abs(offset) / 60
        let sign = offset < 0 ? "-" : "+"
        let hour = minutes / 60 < 10 ? "0\(minutes / 60)" : "\(minutes / 60)"
        let minute = minutes % 60 < 10 ? "0\(minutes % 60)" : "\(minutes % 60)"
        let local = Timestamp(seconds: instant.seconds + offset)
        return local.rfc3339(zone: "\(sign)\(hour):\(minute)")
    }
}

// MARK: Slots

extension TimeZoneRules {
    /// The next slot of a schedule that goes by what clocks show: strictly after `second`. A time
    /// that they skip is at the first instant after the gap; of one that they show twice the first
    /// counts.
    func nextByClock(_ expression: CronExpression, after second: Int64) -> Int64? {
        let span = span(at: second)
        var local = second + offsets[span]
        if span > 0, offsets[span - 1] > offsets[span] {
            // What clocks show for the second time has had its slots.
            let repeatedUntil = changes[span - 1] + offsets[span - 1]
            local = max(local, repeatedUntil - 1)
        }
        while let slot = expression.next(after: Timestamp(seconds: local)) {
            let instant = instant(ofLocal: slot.seconds)
            if instant > second { return instant }
            local = slot.seconds
        }
        return nil
    }

    /// The next slot of a schedule that goes on as time passes: every instant at which clocks show
    /// a matching time, strictly after `second`.
    func nextByElapsed(_ expression: CronExpression, after second: Int64) -> Int64? {
        var span = span(at: second)
        while true {
            let (start, end) = bounds(of: span)
            let offset = offsets[span]
            let from = max(second, start == .min ? second : start - 1)
            guard let slot = expression.next(after: Timestamp(seconds: from + offset)) else {
                // A place further west may still be in the last year.
                guard end != .max else { return nil }
                span += 1
                continue
            }
            if slot.seconds - offset < end { return slot.seconds - offset }
            span += 1
        }
    }
}

/// Where the rules of a place come from.
package struct TimeZones: Sendable {
    /// What holds for a trigger that names none.
    package var standard: TimeZoneRules
    /// The rules of a name; nil: there is no such zone, or no database.
    package let find: @Sendable (String) -> TimeZoneRules?
    /// Whether there is no database at all: then no zone but UTC is known, whatever its name.
    package let isMissing: @Sendable () -> Bool

    package init(
        standard: TimeZoneRules = .utc,
        find: @escaping @Sendable (String) -> TimeZoneRules?,
        isMissing: @escaping @Sendable () -> Bool = { false }
    ) {
        self.standard = standard
        self.find = find
        self.isMissing = isMissing
    }

    package static let utcOnly = TimeZones { $0 == "UTC" ? .utc : nil }
}
