import CommitLog
package import Primitives
import RecordFormat

/// Shows records.
package struct Show {
    /// What is asked for.
    package struct Options {
        package var filter = RecordFilter()
        package var style = RecordStyle.short
        package var palette = Palette.plain
        /// A regular expression that a record's line must match somewhere.
        package var pattern: Regex<AnyRegexOutput>?
        /// The most records.
        package var limit: Int?
        /// Whether `limit` keeps the first records rather than the last.
        package var keepsFirst = false
        /// Newest first.
        package var isReverse = false

        package init() {}

        /// - Throws: ``ToolError`` for what is no regular expression.
        package mutating func match(_ pattern: String) throws(ToolError) {
            do {
                self.pattern = try Regex(pattern)
            } catch {
                throw ToolError(
                    .malformedPattern,
                    "'\(pattern.visible)' is no regular expression: \(error)"
                )
            }
        }
    }

    /// What was shown.
    package struct Outcome: Equatable, Sendable {
        package var shown = 0
        /// The record behind the last one that was looked at.
        package var next = Offset.zero
        package var damages: [String] = []
    }

    private let pass: LogPass
    private let options: Options
    private let formatter: RecordFormatter
    private let matcher: RecordFormatter

    package init(_ pass: LogPass, _ options: Options) {
        self.pass = pass
        self.options = options
        formatter = RecordFormatter(options.style, palette: options.palette)
        // The bytes of a payload and their dump have no line to match.
        switch options.style {
        case .raw, .hex: matcher = RecordFormatter(.short)
        default: matcher = RecordFormatter(options.style)
        }
    }

    /// Shows what is asked for, once. Holds one record in memory, or as many as the limit says
    /// where the last ones are wanted, or those of a segment where all are wanted in reverse.
    package func run(to output: Output) throws(ToolError) -> Outcome {
        if let heading = formatter.heading { output.line(heading) }
        let start = try pass.start(of: options.filter)
        if options.isReverse, options.limit == nil { return try reverse(downTo: start, output) }
        let isHeld = options.isReverse || (options.limit != nil && !options.keepsFirst)
        if !isHeld { return try stream(from: start, limit: options.limit, output) }
        var held = Ring(capacity: options.keepsFirst ? nil : options.limit)
        var outcome = try read(from: start) { bytes in
            held.append(bytes)
            return !(options.keepsFirst && held.count == options.limit)
        }
        outcome.shown = held.count
        for bytes in options.isReverse ? held.elements.reversed() : held.elements {
            output.write(bytes)
        }
        return outcome
    }

    /// Shows what was appended from `start` on.
    package func runOn(from start: Offset, to output: Output) throws(ToolError) -> Outcome {
        try stream(from: max(start, options.filter.from), limit: nil, output)
    }

    private func stream(
        from start: Offset,
        limit: Int?,
        _ output: Output
    ) throws(ToolError) -> Outcome {
        var shown = 0
        if limit == 0 { return Outcome(next: start) }
        var outcome = try read(from: start) { bytes in
            output.write(bytes)
            shown += 1
            return shown != limit
        }
        outcome.shown = shown
        return outcome
    }

    /// Shows everything from `start` on, the last segment first, each read without the others. What
    /// is damaged, and all that is older, is read in one go: only who reads everything can say what
    /// is lost.
    private func reverse(
        downTo start: Offset,
        _ output: Output
    ) throws(ToolError) -> Outcome {
        var outcome = Outcome(next: start)
        var end = options.filter.to ?? .max
        let listing = try LogListing(pass)
        guard let parts = try listing.parts() else {
            try showRest(from: start, before: end, &outcome, output)
            return outcome
        }
        for part in parts.reversed() where part.base < end && end > start {
            var held: [[UInt8]] = []
            func hold(_ record: RecordView) -> Bool {
                look(at: record, &outcome) { bytes in
                    held.append(bytes)
                    return true
                }
            }
            do throws(ToolError) {
                _ = try listing.section(of: part).readAll(until: part.end, hold)
                end = part.base
            } catch {
                guard error.code == .damaged else { throw error }
                try showRest(from: start, before: end, &outcome, output)
                return outcome
            }
            for bytes in held.reversed() { output.write(bytes) }
            outcome.shown += held.count
        }
        return outcome
    }

    /// Shows in reverse what lies before `end`, and says what is damaged.
    private func showRest(
        from start: Offset,
        before end: Offset,
        _ outcome: inout Outcome,
        _ output: Output
    ) throws(ToolError) {
        var held: [[UInt8]] = []
        let damages = try pass.read(options.filter, from: start) { record in
            guard record.offset < end else { return true }
            return look(at: record, &outcome) { bytes in
                held.append(bytes)
                return true
            }
        }
        outcome.damages = damages
        for bytes in held.reversed() { output.write(bytes) }
        outcome.shown += held.count
    }

    /// Hands over each record that is wanted, written.
    private func read(
        from start: Offset,
        _ take: ([UInt8]) -> Bool
    ) throws(ToolError) -> Outcome {
        var outcome = Outcome(next: start)
        let damages = try pass.read(options.filter, from: start) { record in
            look(at: record, &outcome, take)
        }
        outcome.damages = damages
        return outcome
    }

    /// Hands over a record if it is wanted, written.
    ///
    /// - Returns: false where no later one is.
    private func look(
        at record: RecordView,
        _ outcome: inout Outcome,
        _ take: ([UInt8]) -> Bool
    ) -> Bool {
        outcome.next = max(outcome.next, record.offset.advanced(by: 1))
        switch options.filter.judge(record) {
        case .behind: return false
        case .passedOver: return true
        case .shown: break
        }
        if let pattern = options.pattern {
            let line = matcher.line(LogRecord(record))
            guard line.firstMatch(of: pattern) != nil else { return true }
        }
        return take(formatter.bytes(of: record))
    }
}

/// The last few of many.
private struct Ring {
    private let capacity: Int?
    private var items: [[UInt8]] = []
    private var oldest = 0

    init(capacity: Int?) { self.capacity = capacity }

    var count: Int { items.count }

    var elements: [[UInt8]] { Array(items[oldest...] + items[..<oldest]) }

    mutating func append(_ item: [UInt8]) {
        guard let capacity, items.count >= capacity else { return items.append(item) }
        guard capacity > 0 else { return }
        items[oldest] = item
        oldest = (oldest + 1) % capacity
    }
}
