import Events
package import JSON
import Observability
package import Primitives

/// A run that a log tells of, with all that it called: what is needed to run it again.
package struct Recording: Sendable {
    /// Something that the run did, and the log tells of.
    package struct Step: Equatable, Sendable {
        let offset: Offset
        let kind: Kind
        /// What was called with, sent, or written.
        let payload: JSONText
        /// What the run was answered; nil: the log does not tell.
        let answer: FunctionResult?
        /// Whether the engine did it in the course of a call of one of its own functions.
        let isByEngine: Bool
    }

    package enum Kind: Equatable, Sendable {
        case call(FunctionName)
        case enqueue(queue: String, FunctionName)
        case publish(topic: String)
        case set(scope: String, key: String)
        case delete(scope: String, key: String)
        case setItem(stream: String, group: String, item: String)
        case deleteItem(stream: String, group: String, item: String)
        case send(stream: String, group: String, type: String)
    }

    /// Its record.
    package let run: Offset
    package let time: Timestamp
    package let function: FunctionName
    package let input: JSONText
    package let metadata: JSONText?
    package let baggage: String?
    /// What it answered; nil: the log has no end of it.
    package let result: FunctionResult?
    package let steps: [Step]

    /// The run that `id` names, else the first one of the history.
    ///
    /// - Throws: ``ToolError/Code/noRun``, or ``ToolError/Code/noInput`` where the log does not
    ///   hold what it was called with.
    package init(_ tree: HistoryTree, _ id: HistoryID) throws(ToolError) {
        let spans = TracedHistory(tree).spans
        let runs = spans.indices.filter { spans[$0].record.isRun }
        let named = runs.first { spans[$0].record.isNamed(by: id) }
        guard let place = named ?? runs.first, let function = spans[place].work.function else {
            throw ToolError(
                .noRun,
                "nothing in this history is a run of a function that is known; "
                    + "`iii-log replay` without --against shows what there is"
            )
        }
        let span = spans[place]
        let cause = span.parent.map { spans[$0].record.event } ?? nil
        run = span.record.offset
        time = span.record.time
        self.function = function
        input = try Self.input(of: span.record, cause)
        metadata = Self.metadata(cause)
        baggage = Self.baggage(cause)
        result = span.ending?.event?.result
        let calls = spans.filter { $0.parent == place }.compactMap { Step($0) }
        let writes = span.within.compactMap { Step($0) }
        steps = (calls + writes).sorted { $0.offset < $1.offset }
    }

    /// What a run was called with: in its own record, or in that of what led to it.
    private static func input(
        of run: LogRecord,
        _ cause: Event?
    ) throws(ToolError) -> JSONText {
        var bytes: [UInt8] = []
        if case .invoked(let event) = run.event { bytes = event.input }
        if bytes.isEmpty {
            switch cause {
            case .triggered(let event): bytes = event.event
            case .queue(.enqueued(let event)): bytes = event.payload
            default: break
            }
        }
        do throws(JSONError) {
            return try JSONText(validating: bytes)
        } catch {
            throw ToolError(
                .noInput,
                "the log does not hold what run \(run.offset) was called with"
            )
        }
    }

    private static func metadata(_ cause: Event?) -> JSONText? {
        guard case .triggered(let event) = cause, !event.metadata.isEmpty else { return nil }
        return try? JSONText(validating: event.metadata)
    }

    private static func baggage(_ cause: Event?) -> String? {
        if case .queue(.enqueued(let event)) = cause { event.baggage } else { nil }
    }
}

extension LogRecord {
    /// Whether a function was run, and not to decide over another run.
    fileprivate var isRun: Bool {
        switch event {
        case .invoked(let event): !event.isCondition
        case .queue(.delivered): true
        default: false
        }
    }

    fileprivate func isNamed(by id: HistoryID) -> Bool {
        switch id {
        case .offset(let offset), .offsetOrPrefix(let offset, _): self.offset == offset
        case .uuid(let uuid):
            switch event {
            case .invoked(let event): event.invocation == uuid
            case .queue(.delivered(let event)): event.invocation == uuid
            default: false
            }
        case .trace, .tracePrefix: false
        }
    }
}

extension Event {
    /// What the function answered whose end this is; nil: it is no end.
    fileprivate var result: FunctionResult? {
        switch self {
        case .completed(let event): event.result
        case .queue(.acked(let event)): event.result
        case .queue(.retried(let event)): .failure(event.error)
        case .queue(.deadLettered(let event)): .failure(event.error)
        default: nil
        }
    }
}

// MARK: Steps

extension Recording.Step {
    /// Nil: it is no call of a function.
    fileprivate init?(_ span: TracedHistory.Span) {
        switch span.record.event {
        case .invoked(let event) where !event.isCondition:
            self.init(
                offset: span.record.offset,
                kind: .call(event.function),
                payload: Self.payload(event.input),
                answer: span.ending?.event?.result,
                isByEngine: event.caller == UUID128(high: 0, low: 0)
            )
        case .queue(.enqueued(let event)):
            let kind: Recording.Kind
            let answer: FunctionResult
            if let target = event.target {
                kind = .enqueue(queue: event.queue, target)
                answer = Self.receipt(event.receipt)
            } else {
                kind = .publish(topic: event.queue)
                answer = .none
            }
            self.init(
                offset: span.record.offset,
                kind: kind,
                payload: Self.payload(event.payload),
                answer: answer,
                isByEngine: false
            )
        default: return nil
        }
    }

    /// Nil: it is no write.
    fileprivate init?(_ record: LogRecord) {
        switch record.event {
        case .state(.deleted(let event)) where event.reason == .expired: return nil
        case .state(let event): self.init(event, at: record.offset)
        case .stream(let event): self.init(event, at: record.offset)
        default: return nil
        }
    }

    init(_ event: StateEvent, at offset: Offset) {
        switch event {
        case .set(let event):
            self.init(offset, .set(scope: event.scope, key: event.key), event.value)
        case .deleted(let event):
            self.init(offset, .delete(scope: event.scope, key: event.key), [])
        }
    }

    /// Nil: a worker keeps the item, and its function was called.
    init?(_ event: StreamEvent, at offset: Offset) {
        switch event {
        case .set(let event):
            self.init(
                offset,
                .setItem(stream: event.stream, group: event.group, item: event.item),
                event.value
            )
        case .deleted(let event):
            self.init(
                offset,
                .deleteItem(stream: event.stream, group: event.group, item: event.item),
                []
            )
        case .sent(let event):
            self.init(
                offset,
                .send(stream: event.stream, group: event.group, type: event.type),
                event.data
            )
        case .relayed: return nil
        }
    }

    private init(_ offset: Offset, _ kind: Recording.Kind, _ written: [UInt8]) {
        self.init(
            offset: offset,
            kind: kind,
            payload: Self.payload(written),
            answer: nil,
            isByEngine: false
        )
    }

    /// What is on disk is input: what is no JSON is shown as text.
    private static func payload(_ bytes: [UInt8]) -> JSONText {
        bytes.isEmpty ? .null : JSONText(orText: bytes)
    }

    static func receipt(_ id: UUID128) -> FunctionResult {
        let answer = JSONValue.object(["messageReceiptId": .string(id.description)])
        return .value(answer.text.bytes)
    }
}

extension Recording.Kind: CustomStringConvertible {
    /// For people, and the same for equal ones.
    package var description: String {
        switch self {
        case .call(let function): "call of \(function)"
        case .enqueue(let queue, let function): "enqueue of \(function) to \(queue)"
        case .publish(let topic): "publish to \(topic)"
        case .set(let scope, let key): "state \(scope)/\(key)"
        case .delete(let scope, let key): "deletion of state \(scope)/\(key)"
        case .setItem(let stream, let group, let item): "item \(stream)/\(group)/\(item)"
        case .deleteItem(let stream, let group, let item):
            "deletion of item \(stream)/\(group)/\(item)"
        case .send(let stream, let group, let type): "send to \(stream)/\(group) of \(type)"
        }
    }
}
