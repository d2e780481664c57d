import JSON
package import Primitives

/// What a trigger wants of slots that could not simply run when they came.
package struct CronPolicy: Equatable, Sendable {
    /// What becomes of slots that came while nobody was there: the engine was down, or no worker
    /// had the trigger; and of several that came late at once, for the clock was set or the engine
    /// was held up.
    package enum CatchUp: Equatable, Sendable {
        /// None runs; of several that come late, the last.
        case skip
        /// The last one runs.
        case one
        /// All run, one after the other; of more than ``CronPolicy/max`` the last ones.
        case all
        /// As `all`, those of this span before now.
        case window(Timestamp.Span)

        package var name: String {
            switch self {
            case .skip: "skip"
            case .one: "one"
            case .all: "all"
            case .window: "window"
            }
        }
    }

    /// What becomes of a slot that comes while the run of the one before goes on.
    package enum Overlap: String, CaseIterable, Equatable, Sendable {
        case skip
        /// It runs too.
        case allow
        /// It runs when that has ended; of more than ``CronPolicy/max`` the last ones.
        case queue
    }

    package var catchUp = CatchUp.skip
    package var overlap = Overlap.skip
    /// How many slots are caught up, or wait, at the most.
    package var max = Self.maxByDefault
    /// Each slot is put off by less than this, always by the same time, and not up to the next one.
    package var jitter = Timestamp.Span.seconds(0)

    package static let standard = CronPolicy()
    private static let maxByDefault = 100
    private static let maxAtMost = 10_000

    package init() {}
}

extension CronPolicy {
    /// Reads `catch_up`, `window`, `max`, `overlap` and `jitter`.
    init(_ fields: JSONFields) throws(JSONFieldError) {
        let span = try Self.span("window", fields)
        switch try fields.optionalString("catch_up") {
        case nil: catchUp = span.map { .window($0) } ?? .skip
        case "skip": catchUp = .skip
        case "one": catchUp = .one
        case "all": catchUp = .all
        case "window":
            guard let span else { throw .missing(field: "window") }
            catchUp = .window(span)
        default:
            throw fields.mismatch(
                "catch_up",
                expected: #""skip", "one", "all" or "window""#
            )
        }
        if let name = try fields.optionalString("overlap") {
            guard let overlap = Overlap(rawValue: name) else {
                throw fields.mismatch("overlap", expected: #""skip", "allow" or "queue""#)
            }
            self.overlap = overlap
        }
        if let count = try fields.optionalInteger("max") {
            guard (1...Int64(Self.maxAtMost)).contains(count) else {
                throw fields.mismatch("max", expected: "1 to \(Self.maxAtMost)")
            }
            max = Int(count)
        }
        jitter = try Self.span("jitter", fields) ?? jitter
    }

    private static func span(
        _ name: String,
        _ fields: JSONFields
    ) throws(JSONFieldError) -> Timestamp.Span? {
        guard let value = fields.optionalValue(name), !value.isNull else { return nil }
        guard let text = value.stringValue, let span = Timestamp.Span(text) else {
            throw fields.mismatch(name, expected: #"a duration such as "90s", "5m", "1h" or "7d""#)
        }
        return span
    }
}

extension Timestamp.Span {
    /// A whole number and its unit: `500ms`, `90s`, `5m`, `1h`, `7d`; at most ten years.
    fileprivate init?(_ text: String) {
        let units: [(String, Int64)] = [
            ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
        ]
        let digits = text.prefix { $0 >= "0" && $0 <= "9" }
        guard let count = Int64(digits), count <= 315_360_000_000,
            let unit = units.first(where: { $0.0 == text[digits.endIndex...] })?.1
        else { return nil }
        let (milliseconds, overflow) = count.multipliedReportingOverflow(by: unit)
        guard !overflow, milliseconds <= 315_360_000_000 else { return nil }
        self = .milliseconds(milliseconds)
    }
}
