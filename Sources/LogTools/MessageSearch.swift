import Events
package import Primitives
package import Queue
import RecordFormat

/// Finds messages in the log and what became of them, for `engine::queue::explain`: by way of the
/// indexes, and whole where a segment has none. What else their requests did is passed over.
package struct MessageSearch: Sendable {
    package let result: Result<LoggedMessages, ErrorBody>

    /// Looks at the records below `end`.
    package init(_ question: MessageQuery, below end: Offset, of directory: String) {
        self.init(question, below: end) { () throws(ToolError) in
            try LogPass(.directory(directory))
        }
    }

    package init(
        _ question: MessageQuery,
        below end: Offset,
        _ pass: () throws(ToolError) -> LogPass
    ) {
        do throws(ToolError) {
            result = .success(try Self.find(question, try pass(), below: end))
        } catch {
            result = .failure(Self.refusal(error, question))
        }
    }

    private static func refusal(_ error: ToolError, _ question: MessageQuery) -> ErrorBody {
        switch error.code {
        case .unknownID: ErrorBody(code: "NOT_FOUND", message: error.message)
        case .malformedID:
            ErrorBody(
                code: "MALFORMED_ID",
                message: "'\(question.id.visible)' is no id of a message; give the receipt (a "
                    + "UUID) that its enqueue answered, its trace (32 hexadecimal digits, or at "
                    + "least the first 6), or @ and its offset"
            )
        case .unreadable: ErrorBody(code: "read_refused", message: error.message)
        default: ErrorBody(code: "record_unreadable", message: error.message)
        }
    }

    private static func find(
        _ question: MessageQuery,
        _ pass: LogPass,
        below end: Offset
    ) throws(ToolError) -> LoggedMessages {
        // What `engine::queue::dlq_messages` calls a letter that cannot be read.
        let prefix = QueueView.placePrefix
        let isPlace = question.id.hasPrefix(prefix)
        let id = isPlace ? "@\(question.id.dropFirst(prefix.count))" : question.id
        let wanted = try HistoryID(id)
        if let index = try LogIndex(pass) {
            do throws(ToolError) {
                return try find(wanted, pass, index, below: end)
            } catch  where error.code == .damaged {
                // A full pass takes what is intact.
            }
        }
        return try find(wanted, pass, nil, below: end)
    }

    private static func find(
        _ id: HistoryID,
        _ pass: LogPass,
        _ index: LogIndex?,
        below end: Offset
    ) throws(ToolError) -> LoggedMessages {
        switch id {
        case .offset(let offset): return try find(at: offset, pass, index, below: end)
        case .offsetOrPrefix(let offset, let prefix):
            do throws(ToolError) {
                return try find(at: offset, pass, index, below: end)
            } catch  where error.code == .unknownID {
                return try find(.tracePrefix(prefix), pass, index, below: end)
            }
        case .trace, .tracePrefix, .uuid: break
        }
        var collector = MessageCollector(id)
        try collector.collect(pass, index, below: end)
        // The name of a delivery leads to its message, which was there before.
        if collector.messages.isEmpty, let message = collector.delivered {
            return try find(at: message, pass, index, below: end)
        }
        return try collector.finish(pass, index)
    }

    private static func find(
        at offset: Offset,
        _ pass: LogPass,
        _ index: LogIndex?,
        below end: Offset
    ) throws(ToolError) -> LoggedMessages {
        var place = offset
        var record = try self.record(at: place, pass)
        if let message = record?.event?.message {
            place = message
            record = try self.record(at: place, pass)
        }
        guard let record, place < end, case .queue(.enqueued)? = record.event else {
            throw ToolError(
                .unknownID,
                "offset \(offset) is no record of a message; `iii-log show \(offset)` shows what "
                    + "it is"
            )
        }
        var collector = MessageCollector(.offset(place), known: record)
        try collector.collect(pass, index, below: end)
        return try collector.finish(pass, index)
    }

    /// Nil: there is none.
    static func record(at offset: Offset, _ pass: LogPass) throws(ToolError) -> LogRecord? {
        var found: LogRecord?
        try pass.read(from: offset) { record in
            if record.offset == offset { found = LogRecord(record) }
            return false
        }
        return found
    }
}

/// Picks messages out of a pass over the log, and what became of them.
private struct MessageCollector {
    /// Messages of one trace that are kept.
    private static let limit = 100

    private let id: HistoryID
    /// The record of the message, where that is known beforehand.
    private let known: LogRecord?
    private(set) var messages: [Offset: LoggedMessage] = [:]
    private var more = 0
    private var workers: [UUID128: String] = [:]
    /// The message of a delivery that is called so.
    private(set) var delivered: Offset?
    /// Whether something has the trace, if only what is no message.
    private var hasTrace = false

    init(_ id: HistoryID, known: LogRecord? = nil) {
        self.id = id
        self.known = known
    }

    mutating func collect(
        _ pass: LogPass,
        _ index: LogIndex?,
        below end: Offset
    ) throws(ToolError) {
        let search = Search()
        switch id {
        case .trace(let trace): search.add(trace: trace)
        case .tracePrefix(let prefix): search.add(prefix: prefix)
        case .uuid(let uuid): search.add(id: uuid)
        case .offset, .offsetOrPrefix: break
        }
        if let known { begin(known, search) }
        func take(_ record: RecordView) -> Bool {
            guard record.offset < end else { return false }
            self.take(record, search)
            return true
        }
        if let index {
            try pass.find(search, in: index, take)
        } else {
            try pass.read(take)
        }
    }

    private mutating func take(_ view: RecordView, _ search: Search) {
        if let trace = view.trace, isWanted(trace) { hasTrace = true }
        switch EventKind(rawValue: view.kind) {
        case .workerDescribed:
            guard case .workerDescribed(let event)? = LogRecord(view).event else { return }
            workers[event.worker] = event.name
        case .enqueued: begin(LogRecord(view), search)
        case .delivered, .acked, .retried, .deadLettered, .redriven, .discarded, .purged:
            goOn(LogRecord(view), search)
        default: break
        }
    }

    private func isWanted(_ trace: TraceID) -> Bool {
        switch id {
        case .trace(let wanted): trace == wanted
        case .tracePrefix(let prefix): trace.description.hasPrefix(prefix)
        case .uuid, .offset, .offsetOrPrefix: false
        }
    }

    private mutating func begin(_ record: LogRecord, _ search: Search) {
        guard case .queue(.enqueued(let event))? = record.event else { return }
        let isMeant =
            switch id {
            case .uuid(let receipt): event.receipt == receipt
            case .offset(let offset), .offsetOrPrefix(let offset, _): record.offset == offset
            case .trace, .tracePrefix: record.trace.map(isWanted) ?? false
            }
        guard isMeant, messages[record.offset] == nil else { return }
        guard messages.count < Self.limit else { return more += 1 }
        messages[record.offset] = LoggedMessage(
            offset: record.offset,
            time: record.time,
            trace: record.trace,
            event: event
        )
        search.add(effectsOf: record.offset)
        if let trace = record.trace { search.add(trace: trace) }
    }

    private mutating func goOn(_ record: LogRecord, _ search: Search) {
        guard case .queue(let event)? = record.event else { return }
        switch event {
        case .purged(let purged):
            for message in purged.messages where messages[message] != nil {
                let one = Purged(
                    queue: purged.queue,
                    by: purged.by,
                    messages: [message],
                    areDead: purged.areDead
                )
                add(record, .purged(one), to: message)
            }
        case .delivered(let delivery):
            if case .uuid(delivery.invocation) = id { delivered = delivery.message }
            guard messages[delivery.message] != nil else { return }
            search.add(effectsOf: record.offset)
            add(record, event, to: delivery.message)
        default:
            if let message = record.event?.message { add(record, event, to: message) }
        }
    }

    private mutating func add(_ record: LogRecord, _ event: QueueEvent, to message: Offset) {
        var step = LoggedMessage.Step(
            offset: record.offset,
            time: record.time,
            trace: record.trace,
            cause: record.cause,
            event: event
        )
        if case .purged(let event) = event { step.by = event.by.map { "worker \($0)" } }
        messages[message]?.steps.append(step)
    }

    // MARK: The end

    consuming func finish(
        _ pass: LogPass,
        _ index: LogIndex?
    ) throws(ToolError) -> LoggedMessages {
        guard !messages.isEmpty else { throw unknown }
        if let index { try findWorkers(pass, index) }
        var list = messages.values.sorted { $0.offset < $1.offset }
        var callers: [Offset: String] = [:]
        for place in list.indices {
            for step in list[place].steps.indices {
                try name(&list[place].steps[step], pass, &callers)
            }
        }
        return LoggedMessages(messages: list, more: more, workers: workers)
    }

    /// What a worker is called was said before it had a message.
    private mutating func findWorkers(
        _ pass: LogPass,
        _ index: LogIndex
    ) throws(ToolError) {
        let search = Search()
        for step in messages.values.flatMap(\.steps) {
            guard case .delivered(let event) = step.event else { continue }
            if workers[event.worker] == nil { search.add(worker: event.worker) }
        }
        guard !search.keys.isEmpty else { return }
        try pass.find(search, in: index, isIndexedOnly: true) { record in
            if case .workerDescribed(let event)? = LogRecord(record).event {
                workers[event.worker] = event.name
            }
            return true
        }
    }

    /// Tells who had a message redriven or dropped, as far as the record's cause says.
    private func name(
        _ step: inout LoggedMessage.Step,
        _ pass: LogPass,
        _ callers: inout [Offset: String]
    ) throws(ToolError) {
        switch step.event {
        case .redriven, .discarded, .purged: break
        default: return
        }
        guard step.by == nil, let cause = step.cause else { return }
        if callers[cause] == nil {
            callers[cause] = try MessageSearch.record(at: cause, pass)?.event?.caller
        }
        step.by = callers[cause]
    }

    private var unknown: ToolError {
        let what =
            hasTrace
            ? "nothing was enqueued in this trace, as far as the log tells; `iii traces` shows "
                + "what it did"
            : "no message with this receipt, trace or offset is in the log, or retention has "
                + "removed it since it was done; `iii queue peek` and `dlq` list those that there "
                + "are"
        return ToolError(.unknownID, what)
    }
}

extension Event {
    /// What makes a call that has this as its cause.
    fileprivate var caller: String? {
        switch self {
        case .triggered(let event):
            event.type == "dashboard" ? "the dashboard" : "a trigger of type \(event.type)"
        case .invoked(let event): "function \(event.function)"
        case .queue(.delivered(let event)): "the function of a message of queue \(event.queue)"
        case .cron(.fired(let event)): "function \(event.function)"
        default: nil
        }
    }
}
