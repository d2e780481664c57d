import Events
package import Primitives

/// The engine's own spans of a whole history, called and timed as ``EngineSpans`` has them while
/// an engine runs. Beside those a run has one, too: nobody knows whether its SDK tells of it.
package struct HistorySpans {
    /// What a record is to the spans of its history.
    package enum Part: Sendable {
        case begins, ends
        /// It happens within one, if within any.
        case isWithin
    }

    /// A history is whole: nothing of it is forgotten.
    private var work = OpenWork(limit: .max / 4, bytes: .max)
    private var spans: [Offset: HistorySpan] = [:]

    package init() {}

    /// The span that begins with a record.
    package subscript(_ record: Offset) -> HistorySpan? { spans[record] }

    /// Takes the next record, in the order of the log.
    package mutating func take(_ record: FollowedRecord) -> Part {
        let change = work.take(record)
        if let began = change.began {
            spans[record.offset] = HistorySpan(began.facts, record)
            return .begins
        }
        for dropped in change.purged + change.discarded { close(dropped, .done, record) }
        for ended in [change.ended, change.endedToo].compactMap({ $0 }) {
            close(ended.work, ended.outcome, record)
        }
        return change.ended == nil ? .isWithin : .ends
    }

    private mutating func close(_ work: Work, _ outcome: WorkOutcome, _ record: FollowedRecord) {
        spans[work.facts.offset]?.close(work.facts, outcome, record)
    }
}

/// What a record began, as a span.
package struct HistorySpan: Sendable {
    private let record: Offset
    private let facts: WorkFacts
    private var status: Int?
    /// Whether it is a message: its span is but the moment in which it was sent.
    package let isMessage: Bool
    package let start: Timestamp
    /// When it was over; nil: nothing tells.
    package private(set) var end: Timestamp?
    package private(set) var error: ErrorBody?
    /// The span of somebody else's that it stands below, as its record says; 0: none.
    package let remoteParent: UInt64
    private let sending: SpanDraft?

    init(_ facts: WorkFacts, _ record: FollowedRecord) {
        self.facts = facts
        self.record = record.offset
        isMessage = facts.kind == .message
        start = record.time
        sending = isMessage ? RecordedCall.Called(record)?.draft : nil
        remoteParent =
            switch record.event {
            case .triggered(let event): event.parent?.span ?? 0
            default: record.sender?.span ?? 0
            }
    }

    package var name: String { draft.name }
    package var function: FunctionName? { facts.function }

    private var draft: SpanDraft { sending ?? SpanDraft(facts, status: status) }

    /// `work` is what is known of it by now.
    mutating func close(_ work: WorkFacts, _ outcome: WorkOutcome, _ record: FollowedRecord) {
        end = record.time
        status = work.status(after: outcome)
        // That one was sent is no failure.
        if !isMessage { error = outcome.error }
    }

    /// The span as it is reported, below `parent` and until `end`.
    package func reported(
        _ trace: TraceID,
        below parent: UInt64,
        until end: Timestamp,
        service: String,
        _ story: SpanDetails
    ) -> ReportedSpan {
        draft.span(
            record,
            trace,
            parent: parent,
            from: start,
            to: isMessage ? start : end,
            error: error,
            service: service,
            story: story
        )
    }
}
