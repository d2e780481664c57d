import Primitives
import Queue

/// One thing that happens to an engine. Numbers pick one of whatever is there, so that a workload
/// needs to know nothing about the world; a step that finds nothing to pick is none.
enum Step {
    // Workers
    case join(serving: [String])
    case leave(UInt64)
    case serve(UInt64, String)
    case cease(UInt64, String)
    // Queues
    case enqueue(queue: String, function: String, group: UInt64, bytes: Int)
    case publish(bytes: Int)
    case subscribe(UInt64, function: String, fifo: Bool, isConditional: Bool)
    case unsubscribe(UInt64, function: String)
    case redrive(queue: String)
    case discard(queue: String)
    case discardAll(queue: String)
    case purge(queue: String)
    case define(queue: String, concurrency: UInt32)
    // What functions do
    case answer(UInt64)
    case fail(UInt64)
    /// A result for what is over, or of somebody who was not asked.
    case lateAnswer(UInt64)
    case wrongAnswer(UInt64)
    // The rest
    case call
    case set(key: UInt64, bytes: Int)
    case update(key: UInt64)
    case get(key: UInt64)
    case delete(key: UInt64)
    case store(StoreStep)
    case route(UInt64, isConditional: Bool)
    case request
    case abandon(UInt64)
    case cron(UInt64, expression: UInt64, isConditional: Bool)
    case log
    /// Triggers that belong to no worker.
    case bind
    case unbind(UInt64)
    // Time
    case pass(nanoseconds: UInt64)
    case jump(seconds: Int64)
    case rest
}

/// Where steps come from. There are two, of different making: what one never thinks of, the other
/// may (*Jepsen*'s lesson to TigerBeetle: a simulator is as good as its generator).
protocol Workload {
    /// What happens in the next turn.
    mutating func turn(_ entropy: inout SeededEntropy) -> [Step]
}

enum Names {
    static let queues = ["default", "fifo", "single"]
    /// Functions that take messages of queues.
    static let handlers = ["f", "later"]
    static let subscribers = ["sub", "also"]
    static let all = handlers + subscribers + ["echo", "web", "ask", "tick", "react"]
    static let topic = "news"
    /// Whose dead letters are redriven or dropped, and whose messages: a topic's name stands for
    /// those of all of its subscriptions.
    static let mended: [String] =
        queues + [topic]
        + subscribers.map { subscriber in
            let function = FunctionName(id: subscriber)
            return QueueView.subscriptionQueue(topic: topic, function: function)
        }
    /// What a cron expression says of the seconds of its slots, in other words.
    static let schedules: [(text: String, every: Int64)] = [
        ("* * * * * *", 1), ("*/5 * * * * *", 5), ("0 * * * * *", 60),
    ]
}
