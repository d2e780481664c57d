import Events
import Primitives
import RecordFormat

/// Checks that every cause is there, is earlier, and is of a kind that leads to such a record.
///
/// Memory is a byte for every record.
struct CauseCheck {
    /// The kinds of records without a hole between them.
    private struct Run {
        let first: UInt64
        var kinds: [UInt8]
    }

    private var runs: [Run] = []
    /// What runs and did not end, since the engine's last start.
    private var open: Set<Offset> = []

    /// What a function's work is done for.
    private static let work: Set<EventKind> = [.triggered, .invoked, .delivered, .cronFired]
    /// What an observer is triggered by: an end, or a run that hands out events; and what a state
    /// trigger is: a write, or a run that deleted what was not there.
    private static let events = work.union([
        .completed, .acked, .retried, .deadLettered, .stateSet, .stateDeleted,
    ])

    /// The kinds that lead to one of `kind`; nil: any, or none.
    private static func causes(of kind: EventKind) -> Set<EventKind>? {
        switch kind {
        case .completed: [.invoked, .triggered, .cronFired]
        case .responded, .requestKeyed, .requestRepeated: [.triggered]
        case .requestKept, .requestReleased: [.completed, .requestKeyed, .triggered, .invoked]
        case .delivered: [.enqueued]
        case .acked, .retried: [.delivered]
        case .deadLettered: [.delivered, .enqueued]
        case .cronSkipped: [.cronFired]
        case .invoked, .enqueued, .redriven, .discarded, .purged, .stateSet, .stateDeleted,
            .logged, .streamSet, .streamDeleted, .streamSent, .configurationRegistered,
            .configurationSet:
            work
        // A worker that keeps a stream's items was asked by a run that goes on.
        case .streamRelayed: events
        case .triggered:
            events.union([
                .streamSet, .streamDeleted, .streamSent, .streamRelayed, .configurationRegistered,
                .configurationSet, .configurationDeleted, .logged, .alertChanged,
            ])
        case .cronFired, .started, .stopped, .stopping: []
        case .workerJoined, .workerDescribed, .workerLeft, .functionRegistered,
            .functionUnregistered, .triggerRegistered, .triggerUnregistered,
            .triggerTypeRegistered, .triggerTypeUnregistered, .triggerBound, .triggerUnbound,
            .queueDefined, .subscribed, .unsubscribed, .cronWatched, .cronForgotten,
            .cronPaused, .cronResumed, .configurationDeleted, .configurationFileTaken,
            .spanReported, .metricReported, .alertChanged, .telemetryCleared:
            nil
        }
    }

    /// The kinds that nothing but their cause explains.
    private static let caused: Set<EventKind> = [
        .completed, .responded, .requestKeyed, .requestKept, .requestRepeated, .delivered, .acked,
        .retried, .deadLettered,
    ]

    /// Records come in order. `hasHole`: some are missing, so that absence says nothing.
    mutating func check(_ record: LogRecord, hasHole: Bool, _ findings: inout Findings) {
        note(record)
        guard let kind = EventKind(rawValue: record.kind) else { return }
        func tell(_ text: String) { findings.add(record.offset, record.kind, text) }
        switch kind {
        case .started: open = []
        case .invoked: open.insert(record.offset)
        default: break
        }
        guard let cause = record.cause else {
            if Self.caused.contains(kind) {
                tell(
                    kind == .completed
                        ? "an end without a beginning"
                        : "it has no cause, and cannot be without one"
                )
            }
            return
        }
        guard cause < record.offset else {
            return tell("its cause \(cause) is not an earlier record")
        }
        guard let cause = self.kind(of: cause).map({ ($0, cause) }) else { return }
        guard let causeKind = EventKind(rawValue: cause.0) else { return }
        if let sensible = Self.causes(of: kind), !sensible.contains(causeKind) {
            tell("its cause \(cause.1) is \(causeKind.name), which leads to none of its kind")
        }
        if kind == .completed, causeKind == .invoked, open.remove(cause.1) == nil, !hasHole {
            tell("the run \(cause.1) that it ends is not open")
        }
    }

    private mutating func note(_ record: LogRecord) {
        let offset = record.offset.rawValue
        if let last = runs.last, last.first + UInt64(last.kinds.count) == offset {
            runs[runs.count - 1].kinds.append(record.kind)
        } else {
            runs.append(Run(first: offset, kinds: [record.kind]))
        }
    }

    /// Nil for a record that is not there.
    private func kind(of offset: Offset) -> UInt8? {
        guard let run = runs.last(where: { $0.first <= offset.rawValue }) else { return nil }
        let place = offset.rawValue - run.first
        return place < UInt64(run.kinds.count) ? run.kinds[Int(place)] : nil
    }
}
