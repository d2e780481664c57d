import ArgumentParser
import CommandLineKit
import LogTools

struct QueuesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queue",
        abstract: "Print the queues as they were: what waited, and what was given up.",
        discussion: """
            A table on a terminal, else JSON as `iii queue` prints it. --at takes the offset of a \
            record, which then counts, or a time. That a worker serves a function is supposed: the \
            log alone does not tell. Exits 4 where there was no such queue, or retention has \
            removed what would tell.
            """,
        subcommands: [PastQueueList.self, PastMessages.self, PastDeadLetters.self]
    )
}

struct PastQueueList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List the queues, with what waits, runs and was given up in them."
    )

    @OptionGroup var moment: MomentArguments
    @OptionGroup var log: LogArguments

    @Flag(help: "Print JSON, one object a line; so it is where the output is no terminal.")
    var json = false

    func run() throws {
        let (moment, log) = (moment, log)
        let answer = try Answer.telling { () throws(ToolError) in
            try PastQueues(log.pass(), at: moment.moment).list()
        }
        try Answer.write(answer, json: json, none: "there was no queue")
    }
}

/// Which queue, and how many of its messages.
struct PastQueueArguments: ParsableArguments {
    @Argument(help: "The queue, or the topic.")
    var queue: String

    @Option(name: [.customShort("n"), .long], help: "At most so many, up to 1000.")
    var count = 50

    @OptionGroup var moment: MomentArguments
    @OptionGroup var log: LogArguments

    @Flag(help: "Print JSON, one object a line; so it is where the output is no terminal.")
    var json = false

    func validate() throws { try PageLength.check(count) }

    var queues: PastQueues {
        get throws(ToolError) { try PastQueues(log.pass(), at: moment.moment) }
    }
}

struct PastMessages: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "peek",
        abstract: "Print the messages that waited or ran, the oldest first."
    )

    @OptionGroup var asked: PastQueueArguments

    func run() throws {
        let asked = asked
        let answer = try Answer.telling { () throws(ToolError) in
            try asked.queues.messages(of: asked.queue, limit: asked.count)
        }
        try Answer.write(answer, json: asked.json, none: "no message waited")
    }
}

struct PastDeadLetters: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dlq",
        abstract: "Print the messages that were given up, and why, the youngest first."
    )

    @OptionGroup var asked: PastQueueArguments

    func run() throws {
        let asked = asked
        let answer = try Answer.telling { () throws(ToolError) in
            try asked.queues.deadLetters(of: asked.queue, limit: asked.count)
        }
        try Answer.write(answer, json: asked.json, none: "there was no dead letter")
    }
}
