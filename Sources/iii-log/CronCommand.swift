import ArgumentParser
import CommandLineKit
import LogTools

struct CronCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cron",
        abstract: "Print what became of cron slots.",
        subcommands: [PastSlotList.self]
    )
}

struct PastSlotList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "Print the slots that fired or were skipped, the youngest first.",
        discussion: """
            A table on a terminal, else JSON as `iii cron history` prints it. --at takes the \
            offset of a record, which then counts, or a time. A run that a new start of the engine \
            cut off is interrupted until it is run again. Slots that came while nobody wanted \
            them have no record. Exits 4 where nothing tells of such a job.
            """
    )

    @Argument(help: "A job, by its trigger's id or its function's; else all.")
    var job: String?

    @Option(help: "Of the function that names the job.")
    var namespace: String?

    @Option(name: [.customShort("n"), .long], help: "At most so many, up to 1000.")
    var count = 20

    @OptionGroup var moment: MomentArguments
    @OptionGroup var log: LogArguments

    @Flag(help: "Print JSON, one object a line; so it is where the output is no terminal.")
    var json = false

    func validate() throws { try PageLength.check(count) }

    func run() throws {
        let (moment, log, count) = (moment, log, count)
        let job = job.map { CronJobSelector($0, namespace: namespace) }
        let answer = try Answer.telling { () throws(ToolError) in
            try PastSlots.list(log.pass(), at: moment.moment, of: job, limit: count)
        }
        try Answer.write(answer, json: json, none: "no slot had come")
    }
}
