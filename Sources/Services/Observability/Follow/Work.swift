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
    /// Of the response to such a request, where its function has begun to write that as a stream.
    var streamStatus: Int?
    /// Whether the end of such a request's function is not its own: it has no response by then.
    var awaitsResponse = false
    /// What its span calls it: the trigger of a cron slot, the delivery of a message.
    var job = ""
    /// Of a cron slot.
    var schedule: String?
    /// Below which span what it leads to stands, and below which its own; 0: below none.
    var span: UInt64 = 0
    var parentSpan: UInt64 = 0

    /// Whether the engine itself tells of it: an SDK does so of what it was called for.
    var hasSpan: Bool { span == EngineSpans.id(of: offset) }

    /// What it takes in memory, in bytes, roughly.
    fileprivate var byteCount: Int {
        let target = function.map { $0.namespace.utf8.count + $0.id.utf8.count } ?? 0
        let names = type.utf8.count + target
        let texts = summary.utf8.count + job.utf8.count + (schedule?.utf8.count ?? 0)
        return 512 + names + texts + (baggage?.utf8.count ?? 0) + (request?.byteCount ?? 0)
    }

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
    /// What it takes in memory, in bytes, roughly.
    let byteCount: Int

    init(_ facts: WorkFacts) {
        self.facts = facts
        byteCount = facts.byteCount
    }
}

extension WorkFacts {
    /// The status of the response to a request that has come to `outcome`; nil: it is no HTTP
    /// request, or nobody knows of a response.
    func status(after outcome: WorkOutcome) -> Int? {
        guard kind == .trigger, type == "http" else { return nil }
        if let streamStatus { return streamStatus }
        switch outcome {
        case .answered(let status, _): return status
        case .failed: return 500
        case .done, .retried, .dead, .skipped: return nil
        }
    }
}

/// What became of work.
enum WorkOutcome: Sendable {
    case done
    /// An HTTP request has a response with this status; `reason` says why, where its function's
    /// result does not. From 500 on that is a failure: what is below is the client's business
    /// (OpenTelemetry's conventions for servers).
    case answered(Int, reason: String)
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
        case .answered(let status, let reason) where status >= 500:
            ErrorBody(
                code: String(status),
                message: "answered \(status)" + (reason.isEmpty ? "" : ": \(reason)")
            )
        case .done, .answered, .skipped: nil
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
