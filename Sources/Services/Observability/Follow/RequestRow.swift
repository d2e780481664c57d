package import JSON
package import Primitives

/// One request: all that a trace has led to, in a line.
package struct RequestRow: Sendable {
    package enum Status: String, Sendable {
        case running
        /// For a queue.
        case waiting
        case ok
        case failed
        /// A message of it is a dead letter.
        case dead
        /// Its end may have been among records that were passed over.
        case unknown
    }

    package let trace: TraceID
    /// Of its first record.
    package let offset: Offset
    package let started: Timestamp
    /// `http`, `queue`, `cron`, `state`, `stream`, `call`, `publish`, `log`, …
    package internal(set) var kind: String
    /// Its beginning: the path of a request may be as long as a client likes.
    package internal(set) var name: String {
        didSet { name = name.beginning(bytes: Self.nameBytes) }
    }
    package internal(set) var function: String
    /// How the first worker calls itself that took part.
    package internal(set) var worker: String?
    /// The last error that counts: of what it was begun for, or of a message. Its beginning: what
    /// functions say may be as long as a record.
    package internal(set) var error: String? {
        didSet { error = error?.beginning(bytes: Self.errorBytes) }
    }
    package internal(set) var records = 0
    /// The most deliveries that a message of it has had; at least 1.
    package internal(set) var attempts = 1
    /// The number of its last change: see ``RequestBook/changes(since:limit:)``.
    package internal(set) var changed: UInt64 = 0

    /// What it has under way, what waits in queues, and what died there.
    var open = 0
    var queued = 0
    var dead = 0
    var hasFailed = false
    var isUnknown = false
    /// Of the last record of work; log lines may come late.
    var last: Timestamp

    private static let nameBytes = 1024
    private static let errorBytes = 4096

    package var status: Status {
        if dead > 0 { return .dead }
        if hasFailed { return .failed }
        if isUnknown { return .unknown }
        if open > 0 { return .running }
        return queued > 0 ? .waiting : .ok
    }

    /// Nil while it goes on.
    package var duration: Timestamp.Span? {
        switch status {
        case .running, .waiting, .unknown: nil
        case .ok, .failed, .dead: started.distance(to: last)
        }
    }

    /// What it is called after.
    typealias Headline = (kind: String, name: String, function: String)

    init(trace: TraceID, _ record: FollowedRecord, _ headline: Headline) {
        self.trace = trace
        offset = record.offset
        started = record.time
        last = record.time
        kind = headline.kind
        name = headline.name.beginning(bytes: Self.nameBytes)
        function = headline.function
    }

    package func write(into json: inout JSONBuilder) {
        json.beginObject()
        json.key("trace_id")
        json.string(trace.description)
        json.key("offset")
        json.integer(offset.rawValue)
        json.key("kind")
        json.string(kind)
        json.key("name")
        json.string(name)
        json.key("function_id")
        json.string(function)
        json.key("worker")
        if let worker { json.string(worker) } else { json.null() }
        json.key("started_at_ms")
        json.integer(started.milliseconds)
        json.key("duration_ms")
        if let duration {
            json.double(Double(duration.nanoseconds) / 1_000_000)
        } else {
            json.null()
        }
        json.key("status")
        json.string(status.rawValue)
        json.key("error")
        if let error { json.string(error) } else { json.null() }
        json.key("records")
        json.integer(records)
        json.key("attempts")
        json.integer(attempts)
        json.endObject()
    }
}

/// Which requests are asked for.
package struct RequestFilter: Sendable {
    /// At the most.
    package var limit = 100
    package var kind: String?
    package var status: RequestRow.Status?
    /// The id of the function that it was begun for.
    package var function: String?
    /// Part of a name, a function, a worker, an error or a trace id, in any case.
    package var search: String?
    /// Only requests whose first record is older.
    package var before: Offset?

    package init() {}

    func matches(_ row: RequestRow) -> Bool {
        if let before, row.offset >= before { return false }
        if let kind, row.kind != kind { return false }
        if let status, row.status != status { return false }
        if let function, row.function != function { return false }
        guard let search = search?.lowercased(), !search.isEmpty else { return true }
        return [row.name, row.function, row.worker ?? "", row.error ?? "", row.trace.description]
            .contains { $0.lowercased().contains(search) }
    }
}
