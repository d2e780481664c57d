import ArgumentParser
import CommandLineKit
import IIISDK
import JSON
import Primitives

/// `iii queue`: what waits in a running engine's queues, and its dead letters.
struct QueueCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queue",
        abstract: "Look into the queues of a running engine, and mend them.",
        discussion: """
            Exits 1 when the engine refuses, 3 when it cannot be reached, 4 when there is no such \
            queue or message.
            """,
        subcommands: [
            QueueList.self, QueuePeek.self, QueueDeadLetters.self, QueueRedrive.self,
            QueueDiscard.self, QueuePurge.self, QueueDefine.self,
        ]
    )
}

struct QueueList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List the queues, with what waits in them and their dead letters."
    )

    @OptionGroup var shared: ListArguments

    func run() async throws {
        let rows = try await shared.engine.connected { (link) async throws(SDKError) in
            var rows: [JSONText] = []
            let topics = try await link.ask("engine::queue::list_topics").elements ?? []
            for name in topics.compactMap({ $0.member("name")?.stringValue }) {
                let stats = try await link.ask(
                    "engine::queue::topic_stats",
                    ["topic": .string(name)]
                )
                rows.append(Self.row(name, stats))
            }
            return rows
        }
        shared.write(
            rows,
            empty: "there is no queue",
            [
                ("QUEUE", { $0.shown("name") }), ("WAITING", { $0.shown("waiting") }),
                ("DELAYED", { $0.shown("delayed") }), ("RUNNING", { $0.shown("in_flight") }),
                ("DEAD", { $0.shown("dlq_depth") }),
                ("CONSUMERS", { $0.shown("consumer_count") }),
                ("KIND", { $0.member("config")?.shown("type") ?? "-" }),
            ],
            numbers: [1, 2, 3, 4, 5]
        )
    }

    /// What the engine says of a queue, and as `iii-log queue ls` how many messages just wait.
    private static func row(_ name: String, _ stats: JSONText) -> JSONText {
        var row: JSONObject = ["name": .string(name)]
        let fields = ["depth", "dlq_depth", "consumer_count", "config", "delayed", "in_flight"]
        for field in fields { row[field] = stats.member(field)?.value() ?? .null }
        if let depth = stats.integer("depth"), let delayed = stats.integer("delayed"),
            let running = stats.integer("in_flight")
        {
            row["waiting"] = .integer(depth - delayed - running)
        }
        return JSONValue.object(row).text
    }
}

/// Which queue, and how many messages of it.
struct QueuePageArguments: ParsableArguments {
    @Argument(help: "The queue, or the topic.")
    var queue: String

    @Option(name: [.customShort("n"), .long], help: "At most so many, up to 1000.")
    var count = 50

    @Option(help: "Behind the first so many.")
    var offset: UInt32 = 0

    @OptionGroup var shared: ListArguments

    func validate() throws { try PageLength.check(count) }

    func page(_ function: String) async throws(Failure) -> [JSONText] {
        let name = queue
        let input: JSONObject = [
            "topic": .string(name), "limit": .integer(Int64(count)),
            "offset": .integer(Int64(offset)),
        ]
        let rows = try await shared.engine.connected { (link) async throws(SDKError) in
            let rows = try await link.ask(function, input).elements ?? []
            if rows.isEmpty { try await link.expectQueue(name) }
            return rows
        }
        let cut = rows.count(where: \.isCut)
        if cut > 0 {
            Terminal.note(
                "\(cut == 1 ? "1 payload is" : "\(cut) payloads are") left out: an answer has room "
                    + "for some of them; -n 1 with --offset shows another, and `iii-log queue` all"
            )
        }
        return rows
    }

    /// What a table shows of a message's payload.
    static func payload(_ row: JSONText) -> String {
        guard row.isCut else { return row.shown("payload") }
        return row.integer("size_bytes").map { "(\($0) bytes, left out)" } ?? "(left out)"
    }
}

struct QueuePeek: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "peek",
        abstract: "Print the messages that wait, the oldest first; none is taken."
    )

    @OptionGroup var arguments: QueuePageArguments

    func run() async throws {
        let rows = try await arguments.page("engine::queue::messages")
        arguments.shared.write(
            rows,
            empty: arguments.offset == 0 ? "no message waits" : "no more messages wait",
            [
                ("MESSAGE", { $0.shown("id") }), ("STATE", { $0.shown("state") }),
                ("FUNCTION", { $0.shown("function_id") }), ("PAYLOAD", QueuePageArguments.payload),
            ]
        )
    }
}

struct QueueDeadLetters: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dlq",
        abstract: "Print the dead letters of a queue, and why they failed."
    )

    @OptionGroup var arguments: QueuePageArguments

    func run() async throws {
        let rows = try await arguments.page("engine::queue::dlq_messages")
        arguments.shared.write(
            rows,
            empty: arguments.offset == 0
                ? "there is no dead letter" : "there are no more dead letters",
            [
                ("MESSAGE", { $0.shown("id") }), ("ATTEMPTS", { $0.shown("retries") }),
                ("ERROR", { $0.shown("error") }), ("PAYLOAD", QueuePageArguments.payload),
            ],
            numbers: [1]
        )
    }
}

struct QueueRedrive: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "redrive",
        abstract: "Have dead letters tried again: one, or all of a queue."
    )

    @Argument(help: "The queue, or the topic.")
    var queue: String

    @Argument(help: "A dead letter; else all of the queue.")
    var message: String?

    @OptionGroup var shared: ListArguments

    func run() async throws {
        var input: JSONObject = ["queue": .string(queue)]
        if let message { input["message_id"] = .string(message) }
        let function = message == nil ? "iii::queue::redrive" : "iii::queue::redrive_message"
        try await shared.mend(queue, function, input, done: "sent again", message)
    }
}

struct QueueDiscard: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "discard",
        abstract: "Drop one dead letter of a queue, or all. The log keeps what they were.",
        discussion: "With --all it asks first on a terminal, and exits 1 when that is denied."
    )

    @Argument(help: "The queue, or the topic.")
    var queue: String

    @Argument(help: "The message.")
    var message: String?

    @Flag(help: "Drop all dead letters of the queue.")
    var all = false

    @Flag(name: .shortAndLong, help: "Do not ask.")
    var yes = false

    @OptionGroup var shared: ListArguments

    func validate() throws {
        guard (message == nil) == all else {
            throw ValidationError("Name a message, or --all: one of both.")
        }
    }

    func run() async throws {
        guard let message else { return try await discardAll() }
        try await shared.mend(
            queue,
            "iii::queue::discard_message",
            ["queue": .string(queue), "message_id": .string(message)],
            done: "discarded",
            message
        )
    }

    private func discardAll() async throws(Failure) {
        if !yes {
            try await shared.confirmDrop(of: queue) { stats in
                let count = stats.integer("dlq_depth") ?? 0
                let what = count == 1 ? "is 1 dead letter" : "are \(count) dead letters"
                return "In queue \(queue.visible) \(what). Drop all dead letters, for good?"
            }
        }
        let input: JSONObject = ["queue": .string(queue)]
        let answer = try await shared.engine.connected { (link) async throws(SDKError) in
            try await link.ask("iii::queue::discard", input)
        }
        let count = answer.integer("discarded") ?? 0
        let text = count == 1 ? "1 message discarded" : "\(count) messages discarded"
        Terminal.write((shared.isText ? text : answer.description) + "\n", to: .output)
    }
}

struct QueuePurge: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "purge",
        abstract: "Drop everything that waits in a queue.",
        discussion: """
            Also what waits for its next attempt; not what is running, and not dead letters. The \
            log keeps what it was. On a terminal it asks first. Exits 1 when that is denied, 4 \
            when there is no such queue.
            """
    )

    @Argument(help: "The queue, or the topic: then of all its subscriptions.")
    var queue: String

    @Flag(name: .shortAndLong, help: "Do not ask.")
    var yes = false

    @OptionGroup var shared: ListArguments

    func run() async throws {
        let input: JSONObject = ["queue": .string(queue)]
        if !yes {
            // What runs is among the depth: how much of it waits is told when it was dropped.
            try await shared.confirmDrop(of: queue) { stats in
                let depth = stats.integer("depth") ?? 0
                let what = depth == 1 ? "1 message waits or runs" : "\(depth) messages wait or run"
                return "In queue \(queue.visible) \(what). Drop everything that waits, for good?"
            }
        }
        let answer = try await shared.engine.connected { (link) async throws(SDKError) in
            try await link.ask("iii::queue::purge", input)
        }
        let count = answer.integer("purged") ?? 0
        let text = "\(count == 1 ? "1 message" : "\(count) messages") dropped from queue "
        Terminal.write(shared.isText ? "\(text)\(queue.visible)\n" : "\(answer)\n", to: .output)
    }
}

struct QueueDefine: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "define",
        abstract: "Make a queue, or change one: what is not given is as it is by default."
    )

    @Argument(help: "The queue.")
    var queue: String

    @Option(help: "So many messages at a time.")
    var concurrency: Int64?

    @Option(help: "So many attempts before a message is a dead letter.")
    var maxRetries: Int64?

    @Option(
        help: "How long after the first failure; it doubles with each.",
        transform: TriggerCommand.duration
    )
    var backoff: Duration?

    @Option(help: "Messages with the same value in this field go one after the other.")
    var fifo: String?

    @OptionGroup var shared: ListArguments

    func run() async throws {
        var config: JSONObject = ["type": .string(fifo == nil ? "standard" : "fifo")]
        if let concurrency { config["concurrency"] = .integer(concurrency) }
        if let maxRetries { config["max_retries"] = .integer(maxRetries) }
        if let backoff {
            let parts = backoff.components
            let milliseconds = parts.seconds * 1000 + parts.attoseconds / 1_000_000_000_000_000
            config["backoff_ms"] = .integer(milliseconds)
        }
        if let fifo { config["message_group_field"] = .string(fifo) }
        let input: JSONObject = ["queue": .string(queue), "config": .object(config)]
        let answer = try await shared.engine.connected { (link) async throws(SDKError) in
            try await link.ask("queue::define", input)
        }
        let isChanged = answer.member("changed")?.boolValue == true
        let text = "queue \(queue.visible) \(isChanged ? "is defined" : "was so already")"
        Terminal.write((shared.isText ? text : answer.description) + "\n", to: .output)
    }
}

extension ListArguments {
    /// Asks before many messages are dropped at once, on a terminal; `question` is told how the
    /// queue stands.
    ///
    /// - Throws: that it was denied.
    fileprivate func confirmDrop(
        of queue: String,
        _ question: (JSONText) -> String
    ) async throws(Failure) {
        guard Terminal.isTerminal(.input), Terminal.isTerminal(.error) else { return }
        let stats = try await engine.connected { (link) async throws(SDKError) in
            try await link.ask("engine::queue::topic_stats", ["topic": .string(queue)])
        }
        Terminal.write(question(stats) + " [y/N] ", to: .error)
        guard ["y", "yes"].contains((readLine() ?? "").lowercased()) else {
            throw Failure(.failed, code: "queue.not_purged", "nothing was dropped")
        }
    }

    /// Calls a function that mends a queue, and tells how many messages it took.
    ///
    /// - Throws: that there is no such queue, or no such dead letter, where one was named.
    fileprivate func mend(
        _ queue: String,
        _ function: String,
        _ input: JSONObject,
        done: String,
        _ message: String?
    ) async throws(Failure) {
        let answer = try await engine.connected { (link) async throws(SDKError) in
            let answer = try await link.ask(function, input)
            if (answer.integer("redriven") ?? 0) == 0 { try await link.expectQueue(queue) }
            return answer
        }
        let count = answer.integer("redriven") ?? 0
        if let message, count == 0 {
            throw Failure(
                .unknownObject,
                code: "NOT_FOUND",
                "there is no dead letter \(message.visible) in that queue"
            )
        }
        let text = count == 1 ? "1 message \(done)" : "\(count) messages \(done)"
        Terminal.write((isText ? text : answer.description) + "\n", to: .output)
    }
}

extension JSONText {
    /// Whether the engine had no room for a message's payload in its list.
    fileprivate var isCut: Bool { member("cut")?.boolValue == true }
}

extension EngineLink {
    /// Asked where an answer is empty: of a queue that is not there the engine tells the same as
    /// of one with nothing in it.
    ///
    /// - Throws: that there is no such queue, and no such topic.
    fileprivate func expectQueue(_ name: String) async throws(SDKError) {
        let stats = try await ask("engine::queue::topic_stats", ["topic": .string(name)])
        guard stats.member("config")?.isNull != false else { return }
        throw SDKError(
            code: "NOT_FOUND",
            message: "there is no queue and no topic '\(name.visible)'; `iii queue ls` lists those "
                + "that there are"
        )
    }
}
