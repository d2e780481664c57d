import CommitLog
import Events
package import Primitives
import RecordFormat

/// What is wrong with a log, all of it.
package struct Verification: Equatable, Sendable {
    /// How much to check.
    package enum Depth: Sendable {
        /// Checksums, and that records, batches and segments follow each other.
        case quick
        /// And that each record means something and contradicts none before it.
        case full
    }

    /// From best to worst.
    package enum Verdict: Int32, Sendable {
        case sound = 0
        /// An interrupted write at the end: nothing that was acknowledged is in it.
        case tornTail = 1
        case damaged = 2
        /// Checksums hold, but records contradict each other.
        case contradictory = 3
    }

    package private(set) var records = 0
    package let batches: Int
    package let segments: Int
    /// Half-open; empty where there is no record.
    package let offsets: Range<Offset>
    /// Where the unfinished batch at the end is.
    package let torn: String?
    package let damages: [String]
    /// At most ``listed``.
    package let contradictions: [String]
    package let contradictionCount: Int
    /// Records of kinds that this version does not know.
    package let unknownKinds: Int

    /// The most contradictions that are named.
    package static let listed = 100

    package init(_ pass: LogPass, depth: Depth) throws(ToolError) {
        var invariants = Invariants()
        var count = 0
        let scan = try pass.verify { record in
            count += 1
            if depth == .full { invariants.check(record) }
        }
        records = count
        batches = scan.batches
        segments = scan.segments
        offsets = scan.first..<max(scan.first, scan.next)
        torn = scan.torn.map { torn in
            "segment \(torn.segment), byte \(torn.position): an interrupted write of at most "
                + "\(torn.byteCount) bytes; nothing in it was acknowledged, and the engine cuts it "
                + "at its next start"
        }
        damages = scan.damages.map(\.description)
        contradictions = invariants.found
        contradictionCount = invariants.count
        unknownKinds = invariants.unknownKinds
    }

    package var verdict: Verdict {
        if !damages.isEmpty { return .damaged }
        if contradictionCount > 0 { return .contradictory }
        return torn == nil ? .sound : .tornTail
    }

    package func write(to output: Output, palette: Palette) {
        for damage in damages { output.line(palette.red("damaged: ") + damage) }
        for contradiction in contradictions {
            output.line(palette.red("contradiction: ") + contradiction)
        }
        if contradictionCount > contradictions.count {
            output.line("… and \(contradictionCount - contradictions.count) contradictions more")
        }
        if let torn { output.line(palette.yellow("torn tail: ") + torn) }
        let range =
            offsets.isEmpty ? "no record" : "offsets \(offsets.lowerBound)..<\(offsets.upperBound)"
        output.line(
            "\(Text.count(records, "record")) (\(range)) in \(batches) "
                + "batch\(batches == 1 ? "" : "es"), \(Text.count(segments, "segment"))"
                + (unknownKinds > 0
                    ? ", \(unknownKinds) of kinds that this version does not know" : "")
        )
        switch verdict {
        case .sound: output.line(palette.green("ok"))
        case .tornTail: output.line(palette.yellow("ok but for a torn tail"))
        case .damaged: output.line(palette.red(Text.count(damages.count, "damage")))
        case .contradictory:
            output.line(palette.red(Text.count(contradictionCount, "contradiction")))
        }
    }
}

/// What must hold between the records of a log, checked on the way. Memory grows with the messages
/// that are pending, not with the log.
///
/// What was dropped by retention, or lost to damage, contradicts nothing: only what is there is
/// held against what is there.
private struct Invariants {
    private struct MessageKey: Hashable {
        let queue: String
        let message: Offset
    }

    private(set) var found: [String] = []
    private(set) var count = 0
    private(set) var unknownKinds = 0
    private var lastTime = Timestamp(nanoseconds: .min)
    private var first: Offset?
    private var expected: Offset?
    /// The last attempt of each message that was delivered and is not done.
    private var attempts: [MessageKey: UInt32] = [:]
    /// Deliveries that did not end, since the engine's last start.
    private var open: Set<Offset> = []
    /// Whether records are missing before this one, so that absence says nothing.
    private var hasGap = false

    mutating func check(_ view: RecordView) {
        first = first ?? view.offset
        if let expected, expected != view.offset { hasGap = true }
        expected = view.offset.advanced(by: 1)
        if view.time < lastTime {
            report(view, "its time \(view.time.rfc3339()) is before \(lastTime.rfc3339())")
        }
        lastTime = max(lastTime, view.time)
        if let cause = view.cause, cause >= view.offset {
            report(view, "its cause \(cause) is not an earlier record")
        }
        let record = LogRecord(view)
        switch record.content {
        case .unknown: unknownKinds += 1
        case .unreadable(let error):
            report(view, "expected \(error.expected) at byte \(error.position) of its payload")
        case .event(let event): follow(event, view)
        }
    }

    private mutating func follow(_ event: Event, _ view: RecordView) {
        switch event {
        case .started:
            open = []
        case .completed:
            if view.cause == nil { report(view, "an end without a beginning") }
        case .queue(.delivered(let event)):
            let key = MessageKey(queue: event.queue, message: event.message)
            if let last = attempts[key], event.attempt < last {
                report(
                    view,
                    "attempt \(event.attempt) of message \(event.message) of queue \(event.queue) "
                        + "follows attempt \(last)"
                )
            }
            if event.message >= view.offset {
                report(view, "its message \(event.message) is not an earlier record")
            }
            attempts[key] = event.attempt
            open.insert(view.offset)
        case .queue(.acked(let event)):
            end(view, MessageKey(queue: event.queue, message: event.message), isFinal: true)
        case .queue(.retried(let event)):
            end(view, MessageKey(queue: event.queue, message: event.message), isFinal: false)
        case .queue(.deadLettered(let event)):
            end(view, MessageKey(queue: event.queue, message: event.message), isFinal: true)
        default:
            break
        }
    }

    private mutating func end(_ view: RecordView, _ key: MessageKey, isFinal: Bool) {
        if let delivery = view.cause {
            if open.remove(delivery) == nil, !hasGap, let first, delivery >= first {
                report(view, "it ends delivery \(delivery), which is not open")
            }
        } else {
            report(view, "it ends a delivery and does not say which")
        }
        if isFinal { attempts[key] = nil }
    }

    private mutating func report(_ view: RecordView, _ text: String) {
        count += 1
        guard found.count < Verification.listed else { return }
        let name = EventKind(rawValue: view.kind)?.name ?? "kind_\(view.kind)"
        found.append("record \(view.offset) (\(name)): \(text)")
    }
}
