import Events
import Folding
import JSON
import Primitives
import Queue
import RecordFormat

/// The queues as they were at one place in the log: what waited, what ran and what was given up.
///
/// The engine's own view is asked its own questions, so that the answers have the fields of `iii
/// queue`. It keeps no payloads here: those are read back from the log.
package struct PastQueues {
    private let pass: LogPass
    private let work: PastWork

    package init(_ pass: LogPass, at moment: LogMoment) throws(ToolError) {
        self.pass = pass
        work = try PastWork(pass, at: moment)
    }

    private var view: QueueView { work.views.queue }

    // MARK: All queues

    /// The queues and topics, by name.
    package func list() throws(ToolError) -> AnswerRows {
        let topics = try ask(.listTopics).elements ?? []
        let names = topics.compactMap { $0.member("name")?.stringValue }
        var oldest: [String: Offset] = [:]
        for name in names {
            _ = try ask(.messages, of: name, limit: 1) { message in
                oldest[name] = message.offset
                return nil
            }
        }
        let records = try records(Array(oldest.values))
        var rows: [JSONText] = []
        for name in names {
            rows.append(try describe(name, oldest[name].flatMap { records[$0] }))
        }
        return AnswerRows(
            rows,
            [
                ("QUEUE", { $0.shown("name") }), ("WAITING", { $0.shown("waiting") }),
                ("DELAYED", { $0.shown("delayed") }), ("RUNNING", { $0.shown("in_flight") }),
                ("DEAD", { $0.shown("dlq_depth") }), ("CONSUMERS", { $0.shown("consumer_count") }),
                ("KIND", { $0.member("config")?.shown("type") ?? "-" }),
                ("OLDEST", { $0.time("oldest_at_ms") }),
            ],
            numbers: [1, 2, 3, 4, 5],
            notes: try notes()
        )
    }

    private func describe(_ name: String, _ oldest: LogRecord?) throws(ToolError) -> JSONText {
        let stats = try ask(.topicStats, of: name)
        var row: JSONObject = ["name": .string(name)]
        for field in ["depth", "dlq_depth", "consumer_count", "config"] {
            row[field] = stats.member(field)?.value() ?? .null
        }
        let states = view.resolve(name).compactMap { view.queues[$0] }
        let delayed = states.reduce(0) { $0 + $1.delayedCount }
        let running = states.reduce(0) { $0 + $1.inFlight }
        let depth = states.reduce(0) { $0 + $1.depth }
        row["waiting"] = JSONValue.integer(Int64(depth - delayed - running))
        row["delayed"] = JSONValue.integer(Int64(delayed))
        row["in_flight"] = JSONValue.integer(Int64(running))
        row["oldest_offset"] = JSONValue.null
        row["oldest_at_ms"] = JSONValue.null
        if let oldest {
            row["oldest_offset"] = JSONValue.integer(Int64(oldest.offset.rawValue))
            row["oldest_at_ms"] = JSONValue.integer(oldest.time.milliseconds)
        }
        return JSONValue.object(row).text
    }

    // MARK: One queue

    /// The messages of a queue, or of a topic's queues, that wait or run: the oldest first.
    ///
    /// - Throws: ``ToolError/Code/unknownQueue`` among others.
    package func messages(of queue: String, limit: Int) throws(ToolError) -> AnswerRows {
        AnswerRows(
            try rows(.messages, of: queue, limit: limit),
            [
                ("MESSAGE", { $0.shown("id") }), ("OFFSET", { $0.shown("offset") }),
                ("STATE", { $0.shown("state") }), ("ENQUEUED", { $0.time("enqueued_at_ms") }),
                ("FUNCTION", { $0.shown("function_id") }), ("PAYLOAD", { $0.payload("payload") }),
            ],
            numbers: [1],
            notes: try notes()
        )
    }

    /// The dead letters of a queue, or of a topic's queues: the youngest first.
    ///
    /// - Throws: ``ToolError/Code/unknownQueue`` among others.
    package func deadLetters(of queue: String, limit: Int) throws(ToolError) -> AnswerRows {
        AnswerRows(
            try rows(.deadLetters, of: queue, limit: limit),
            [
                ("MESSAGE", { $0.shown("id") }), ("OFFSET", { $0.shown("offset") }),
                ("ATTEMPTS", { $0.shown("retries") }), ("FAILED", { $0.time("failed_at_ms") }),
                ("ERROR", { $0.shown("error") }), ("PAYLOAD", { $0.payload("payload") }),
            ],
            numbers: [1, 2],
            notes: try notes()
        )
    }

    private func rows(
        _ function: QueueFunction,
        of queue: String,
        limit: Int
    ) throws(ToolError) -> [JSONText] {
        guard !queue.isEmpty, !view.resolve(queue).isEmpty else { throw unknown(queue) }
        var listed: [Message] = []
        _ = try ask(function, of: queue, limit: limit) { message in
            listed.append(message)
            return nil
        }
        let records = try records(listed.map(\.offset))
        let answer = try ask(function, of: queue, limit: limit) { message in
            records[message.offset]?.delivered
        }
        return answer.elements ?? []
    }

    private func unknown(_ queue: String) -> ToolError {
        ToolError(
            .unknownQueue,
            "there is no queue or topic '\(queue.visible)', or was none then; "
                + "`iii-log queue ls` lists those that there are"
        )
    }

    // MARK: Asking

    /// What the engine would answer. Who serves which function is not in the log: all count as
    /// served.
    private func ask(
        _ function: QueueFunction,
        of queue: String? = nil,
        limit: Int? = nil,
        _ content: (Message) -> Message.Content? = { _ in nil }
    ) throws(ToolError) -> JSONText {
        var input = JSONObject()
        if let queue { input["topic"] = JSONValue.string(queue) }
        if let limit { input["limit"] = JSONValue.integer(Int64(limit)) }
        let view = view
        do throws(ErrorBody) {
            return try view.decide(
                function,
                input: JSONValue.object(input).text,
                by: nil,
                consumers: { view.queues(ofTopic: $0).count },
                isServed: { _ in true },
                // Nobody waits for a tool, and what it prints is nobody's message.
                listedBytes: .max,
                content: content
            ).result
        } catch {
            // The one thing that can be wrong with the question is the name.
            throw ToolError(.unknownQueue, error.message)
        }
    }

    private func records(_ offsets: [Offset]) throws(ToolError) -> [Offset: LogRecord] {
        let records = try pass.records(at: offsets)
        try work.checkIsWhole(pass)
        return records
    }

    private func notes() throws(ToolError) -> [String] {
        for page in try pass.segments() {
            guard case .valid(let header) = page.reading else { continue }
            guard header.base > .zero else { return [] }
            return ["what was before offset \(header.base) is not there, and not counted"]
        }
        return []
    }
}

extension LogRecord {
    /// What a message is delivered with, if this is one.
    fileprivate var delivered: Message.Content? {
        guard case .queue(.enqueued(let enqueued))? = event else { return nil }
        return Message.Content(enqueued, time: time, trace: trace)
    }
}

extension JSONText {
    /// A member that is milliseconds since 1970.
    fileprivate func time(_ name: String) -> String {
        guard let milliseconds = integer(name) else { return "-" }
        return Timestamp(milliseconds: milliseconds).rfc3339()
    }
}
