import Events
import Primitives

/// Something that a record begins and a later one ends: what its beginning tells of it.
struct WorkFacts: Sendable {
    enum Kind {
        /// Something happened that runs a function: a request, a cron slot, a write of the state.
        case trigger
        /// A worker runs a function.
        case run
        /// It waits in a queue, or in those of a topic's subscriptions.
        case message
        /// A worker has a message.
        case delivery
    }

    let kind: Kind
    /// Of the record that begins it.
    let offset: Offset
    let trace: TraceID?
    let cause: Offset?
    let start: Timestamp
    /// A trigger's type; the queue or topic of a message, and the queue of a delivery.
    var type = ""
    /// What happened, in a few words.
    var summary = ""
    var function: FunctionName?
    var worker: UUID128?
    var invocation: UUID128?
    /// Whether it decides over another run.
    var isCondition = false
    var isTopic = false
    /// Of a delivery: 1 for the first.
    var attempt: UInt32 = 0
    var baggage: String?
    /// Of an HTTP request.
    var request: RequestFacts?
    /// What its span calls it: the trigger of a cron slot, the delivery of a message.
    var job = ""
    /// Of a cron slot.
    var schedule: String?
    /// Below which span what it leads to stands, and below which its own; 0: below none.
    var span: UInt64 = 0
    var parentSpan: UInt64 = 0

    /// Whether the engine itself tells of it: an SDK does so of what it was called for.
    var hasSpan: Bool { span == EngineSpans.id(of: offset) }

    init(_ kind: Kind, _ record: FollowedRecord) {
        self.kind = kind
        offset = record.offset
        trace = record.trace
        cause = record.cause
        start = record.time
    }
}

/// Work that has begun, held by whatever tells of it: a record costs no copy of it.
final class Work: Sendable {
    let facts: WorkFacts

    init(_ facts: WorkFacts) { self.facts = facts }
}

/// What became of work.
enum WorkOutcome: Sendable {
    case done
    case failed(ErrorBody)
    /// A message is to be delivered again.
    case retried(ErrorBody)
    case dead(ErrorBody)
    /// What it would have run did not take place.
    case skipped

    init(_ result: FunctionResult) {
        if case .failure(let error) = result { self = .failed(error) } else { self = .done }
    }

    var error: ErrorBody? {
        switch self {
        case .failed(let error), .retried(let error), .dead(let error): error
        case .done, .skipped: nil
        }
    }
}

/// What one record changes about the work there is.
struct WorkChange {
    typealias Ended = (work: Work, outcome: WorkOutcome)

    var began: Work?
    /// A run or a delivery, and what ends with it: a trigger or a message.
    var ended: Ended?
    var endedToo: Ended?
    /// Work whose end nobody recorded: the engine was killed.
    var interrupted: [Work] = []
    /// A dead letter that is a message again.
    var revived: Work?
    /// Dead letters that were thrown away.
    var discarded: [Work] = []
    /// Messages that waited in a queue and were dropped with all else there.
    var purged: [Work] = []
}
