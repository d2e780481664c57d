/// A wall-clock instant: nanoseconds since 1970-01-01T00:00:00Z, without leap seconds.
package struct Timestamp: Hashable, Comparable, Sendable {
    package let nanoseconds: Int64

    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }
    package init(seconds: Int64) { nanoseconds = seconds * 1_000_000_000 }
    package init(milliseconds: Int64) { nanoseconds = milliseconds * 1_000_000 }

    /// Whole seconds since 1970, rounded down.
    package var seconds: Int64 {
        let (whole, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        return rest < 0 ? whole - 1 : whole
    }

    /// Whole milliseconds since 1970.
    package var milliseconds: Int64 { nanoseconds / 1_000_000 }

    package static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// The instant `span` later, saturating at the end of time.
    package func advanced(by span: Span) -> Timestamp {
        let (sum, overflow) = nanoseconds.addingReportingOverflow(span.nanoseconds)
        return Timestamp(nanoseconds: overflow ? .max : sum)
    }

    /// The time from `self` to `later`; negative when `later` is earlier. Saturates.
    package func distance(to later: Timestamp) -> Span {
        let (span, overflow) = later.nanoseconds.subtractingReportingOverflow(nanoseconds)
        return Span(nanoseconds: overflow ? (later < self ? .min : .max) : span)
    }

    /// A length of time, in nanoseconds.
    package struct Span: Hashable, Comparable, Sendable {
        package let nanoseconds: Int64

        package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

        /// Saturates, as ``seconds(_:)`` does.
        package static func milliseconds(_ count: Int64) -> Span { Span(count, of: 1_000_000) }

        package static func seconds(_ count: Int64) -> Span { Span(count, of: 1_000_000_000) }

        /// `count` times `unit` nanoseconds.
        private init(_ count: Int64, of unit: Int64) {
            let (product, overflow) = count.multipliedReportingOverflow(by: unit)
            nanoseconds = overflow ? (count < 0 ? .min : .max) : product
        }

        /// Whole milliseconds, rounded towards zero.
        package var milliseconds: Int64 { nanoseconds / 1_000_000 }

        package static func < (left: Span, right: Span) -> Bool {
            left.nanoseconds < right.nanoseconds
        }
    }
}

/// The two clocks as the core is handed them, once a turn.
package struct Now: Equatable, Sendable {
    /// What somebody may set. The core's own never goes back, for records are stamped with it, and
    /// never stands still, for delays are judged by it.
    package var wall: Timestamp
    /// Nanoseconds on a clock that nobody sets: for timeouts.
    package var monotonic: UInt64

    package init(wall: Timestamp, monotonic: UInt64) {
        self.wall = wall
        self.monotonic = monotonic
    }
}
