import CommitLog
import Disk
import Events
import Folding
import JSON
import Observability
import Primitives
import Queue

// The builtins of queues and topics, but `engine::queue::explain`, which asks the log as well.

extension Engine where Store: ~Copyable {
    mutating func runQueue(
        _ function: QueueFunction,
        _ input: JSONText,
        _ worker: Worker?,
        _ origin: Origin
    ) throws(LogError) -> Outcome {
        let decision: QueueDecision
        var refusal: ErrorBody?
        do throws(ErrorBody) {
            let registry = registry
            let consumers = topicConsumers
            let queue = views.work.queue
            decision = try queue.decide(function, input: input, by: worker?.name) { topic in
                consumers.count(of: topic)
            } isServed: { function in
                registry.isThere(function)
            } content: { message in
                do throws(LogError) {
                    return try content(of: message)
                } catch {
                    // It is listed without its content, and can be discarded.
                    let what = "message \(message.offset)"
                    if error.leavesRecord { refusal = Self.unreadable(what, error) }
                    notice(.error, "\(what) cannot be read: \(error.line)")
                    return nil
                }
            }
        } catch {
            return .failure(error)
        }
        // Whether the one that is named is among those that were not read nobody can tell.
        if function.namesMessage, decision.events.isEmpty, let refusal {
            return .failure(refusal)
        }
        var after: Offset?
        var touched: Set<String> = []
        let limit = options.payloadBytes
        for event in decision.events.flatMap({ Self.fitting($0, in: limit) }) {
            after = try record(.queue(event), trace: origin.trace, cause: origin.cause)
            switch event {
            case .redriven(let redriven): touched.insert(redriven.queue)
            case .defined(let defined): touched.insert(defined.queue)
            default: break
            }
        }
        for queue in touched.sorted() { try pump(queue) }
        return Outcome(result: .value(decision.result.bytes), after: after ?? newest)
    }

    /// As many records as it takes: one, but for a purge of millions of messages.
    private static func fitting(_ event: QueueEvent, in bytes: Int) -> [QueueEvent] {
        guard case .purged(let purged) = event, purged.messages.count > 1,
            Event.queue(event).byteCount > bytes
        else { return [event] }
        return purged.halves.flatMap { fitting(.purged($0), in: bytes) }
    }

    mutating func publish(
        _ input: JSONText,
        _ function: String,
        _ origin: Origin,
        _ baggage: String?
    ) throws(LogError) -> Outcome {
        let enqueued: Enqueued
        do throws(ErrorBody) {
            enqueued = try views.work.queue.decidePublish(
                input,
                function: function,
                receipt: UUID128(from: &random),
                baggage: Baggage.deepened(by: origin.depth, baggage),
                parent: origin.remote
            )
        } catch {
            return .failure(error)
        }
        let offset = try record(enqueued, origin)
        for queue in views.work.queue.queues(ofTopic: enqueued.queue) { try pump(queue) }
        return Outcome(result: .none, after: offset)
    }

    /// `engine::queue::enqueue`.
    mutating func enqueue(
        _ input: JSONText,
        _ origin: Origin
    ) throws(LogError) -> Outcome {
        let enqueued: Enqueued
        do throws(ErrorBody) {
            let wanted = try EnqueueInput(input)
            let target = wanted.target
            if let refusal = Self.refusal(ofNaming: target.id, namespace: target.namespace) {
                throw refusal
            }
            let receipt = wanted.receipt ?? UUID128(from: &random)
            enqueued = try views.work.queue.decideEnqueue(
                queue: wanted.queue,
                target: target,
                payload: wanted.payload,
                receipt: receipt,
                baggage: Baggage.deepened(by: origin.depth, wanted.baggage),
                parent: origin.remote
            )
        } catch {
            return .failure(error)
        }
        let offset = try record(enqueued, origin)
        metrics.postponed()
        try pump(enqueued.queue)
        let receipt = enqueued.receipt.description
        let answer = JSONValue.object(["messageReceiptId": .string(receipt)])
        return Outcome(result: .value(answer.text.bytes), after: offset)
    }

    mutating func record(
        _ enqueued: Enqueued,
        _ origin: Origin
    ) throws(LogError) -> Offset {
        try record(.queue(.enqueued(enqueued)), trace: origin.trace, cause: origin.cause)
    }
}
