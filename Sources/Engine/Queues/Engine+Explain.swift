import CommitLog
import Disk
import Folding
import JSON
import Primitives
import Queue

// Why a message runs, waits or is over. The log says what became of it, and is looked through by
// whoever reads it for calls (``Effect/readLog(_:)``); the queues and the registry say the rest.

extension Engine where Store: ~Copyable {
    /// `engine::queue::explain`.
    mutating func explain(_ input: JSONText, for call: Call, on connection: ConnectionID) {
        do throws(ErrorBody) {
            ask(.job(try MessageQuery(input)), for: call, on: connection)
        } catch {
            answer(call, on: connection, .failure(error), after: nil)
        }
    }

    /// The log has been looked through.
    mutating func explain(_ id: UInt64, _ found: Result<LoggedMessages, ErrorBody>) {
        guard let asking = logQueryCalls.remove(id),
            case .job(let question) = asking.question
        else { return }
        let result: FunctionResult =
            switch found {
            case .success(let messages):
                .value(
                    views.work.queue.explain(messages, in: question.queue, surroundings).bytes
                )
            case .failure(let error): .failure(error)
            }
        // It tells of what all records so far have made.
        answer(asking.call, on: asking.connection, result, after: newest)
    }

    private var surroundings: ExplanationContext {
        let registry = registry
        let awaited = topicTriggers.filter { if case .awaited = $0.value { true } else { false } }
        var obstacle: ExplanationContext.Obstacle?
        if isInShortage {
            obstacle = .diskFull(log.obstacle.map { "\($0)" } ?? "no segment can be made")
        }
        if isDraining { obstacle = .stopping }
        return ExplanationContext(
            now: now.wall,
            obstacle: obstacle,
            isServed: { registry.isThere($0) },
            awaitsTrigger: { awaited[$0] != nil },
            worker: { registry.worker($0)?.name }
        )
    }
}
