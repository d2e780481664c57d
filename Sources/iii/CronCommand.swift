import ArgumentParser
import CommandLineKit
import JSON

/// `iii cron`: the schedules of a running engine.
struct CronCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cron",
        abstract: "Look at the cron jobs of a running engine, and work on them.",
        discussion: """
            A job is named by its trigger's id, or by its function's where that has one job. \
            Exits 1 when the engine refuses, 3 when it cannot be reached, 4 when there is no such \
            job.
            """,
        subcommands: [
            CronList.self, CronNext.self, CronHistory.self, CronRun.self, CronPause.self,
            CronResume.self,
        ]
    )
}

/// Which engine, and how to print.
struct CronArguments: ParsableArguments {
    @OptionGroup var lists: ListArguments

    var json: Bool { lists.json }

    func call(_ function: String, _ input: CronInput) async throws(Failure) -> JSONText {
        try await lists.engine.call("engine::cron::\(function)", input.builder) ?? .emptyObject
    }

    func write(_ rows: [JSONText], empty: String, _ columns: [(String, (JSONText) -> String)]) {
        lists.write(rows, empty: empty, columns)
    }
}

/// What a function of the engine is asked: only what was given.
struct CronInput {
    private(set) var builder = JSONBuilder()

    init(
        job: String? = nil,
        namespace: String? = nil,
        expression: String? = nil,
        timezone: String? = nil,
        count: Int? = nil
    ) {
        builder.beginObject()
        let texts = [
            ("job", job), ("namespace", namespace), ("expression", expression),
            ("timezone", timezone),
        ]
        for case (let name, let text?) in texts {
            builder.key(name)
            builder.string(text)
        }
        if let count {
            builder.key("count")
            builder.integer(count)
        }
        builder.endObject()
    }
}

struct CronList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List the jobs, with their next and last slots."
    )

    @OptionGroup var shared: CronArguments

    func run() async throws {
        let answer = try await shared.call("list", CronInput())
        shared.write(
            answer.member("jobs")?.elements ?? [],
            empty: "there are no cron jobs",
            [
                ("JOB", { $0.shown("job_id") }), ("FUNCTION", { $0.shown("function_id") }),
                ("EXPRESSION", { $0.shown("expression") }), ("ZONE", { $0.shown("timezone") }),
                ("NEXT", { $0.shown("next") }), ("LAST", { $0.shown("last") }),
                (
                    "IS",
                    { job in
                        if job.member("paused")?.boolValue == true { return "paused" }
                        return job.member("running")?.boolValue == true ? "running" : "waiting"
                    }
                ),
            ]
        )
    }
}

struct CronNext: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "next",
        abstract: "Print the next slots of a job, or of an expression that is no job yet."
    )

    @Argument(help: "The job.")
    var job: String?

    @Option(name: .shortAndLong, help: "An expression of 5, 6 or 7 fields, in place of a job.")
    var expression: String?

    @Option(name: .shortAndLong, help: "The zone that the expression is read in.")
    var timezone: String?

    @Option(name: [.customShort("n"), .long], help: "So many, up to 1000.")
    var count = 20

    @Option(help: "Of the function that names the job.")
    var namespace: String?

    @OptionGroup var shared: CronArguments

    func validate() throws {
        guard (job == nil) != (expression == nil) else {
            throw ValidationError("name a job, or give an --expression")
        }
    }

    func run() async throws {
        let answer = try await shared.call(
            "next",
            CronInput(
                job: job,
                namespace: namespace,
                expression: expression,
                timezone: timezone,
                count: count
            )
        )
        let slots = answer.member("next")?.elements ?? []
        let isText = ReportFormat.choose(json: shared.json) == .text
        if slots.isEmpty { Terminal.note("it never comes") }
        for slot in slots {
            guard !isText else {
                Terminal.write("\(slot.stringValue ?? "")\n", to: .output)
                continue
            }
            var line = JSONBuilder()
            line.beginObject()
            line.add("slot", slot)
            line.add("timezone", answer.shown("timezone"))
            line.endObject()
            Terminal.write("\(line.finish().description)\n", to: .output)
        }
    }
}

struct CronHistory: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "Print what became of the slots since the engine was started, youngest first.",
        discussion: "The log has all of them: iii-log cron history."
    )

    @Argument(help: "The job; else all.")
    var job: String?

    @Option(name: [.customShort("n"), .long], help: "At most so many, up to 1000.")
    var count = 20

    @Option(help: "Of the function that names the job.")
    var namespace: String?

    @OptionGroup var shared: CronArguments

    func run() async throws {
        let answer = try await shared.call(
            "history",
            CronInput(job: job, namespace: namespace, count: count)
        )
        shared.write(
            answer.member("history")?.elements ?? [],
            empty: "no slot has come since \(answer.shown("since"))",
            [
                ("SLOT", { $0.shown("scheduled_time") }), ("JOB", { $0.shown("job_id") }),
                ("FUNCTION", { $0.shown("function_id") }), ("OUTCOME", { $0.shown("outcome") }),
                ("TOOK", { $0.member("duration_ms").map { "\($0) ms" } ?? "-" }),
                (
                    "WHY",
                    { entry in
                        guard let error = entry.member("error") else {
                            let isByHand = entry.member("by_hand") != nil
                            return isByHand ? "by hand" : entry.shown("reason")
                        }
                        return "\(error.shown("code")): \(error.shown("message"))"
                    }
                ),
            ]
        )
    }
}

/// Names the job that something is done to.
struct CronJobArguments: ParsableArguments {
    @Argument(help: "The job.")
    var job: String

    @Option(help: "Of the function that names the job.")
    var namespace: String?

    @OptionGroup var shared: CronArguments

    func tell(_ function: String, _ text: (JSONText) -> String) async throws(Failure) {
        let answer = try await shared.call(function, CronInput(job: job, namespace: namespace))
        let isText = ReportFormat.choose(json: shared.json) == .text
        Terminal.write((isText ? text(answer) : answer.description) + "\n", to: .output)
    }
}

struct CronRun: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run a job now, whatever its schedule says, and do not wait for its end."
    )

    @OptionGroup var job: CronJobArguments

    func run() async throws {
        try await job.tell("run") {
            "\($0.shown("job_id")) runs; iii-log replay \($0.shown("trace_id")) tells what becomes "
                + "of it"
        }
    }
}

struct CronPause: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Let no more slots of a job run, until it is resumed."
    )

    @OptionGroup var job: CronJobArguments

    func run() async throws { try await job.tell("pause") { "\($0.shown("job_id")) is paused" } }
}

struct CronResume: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Let the slots of a job run again, from the next one on."
    )

    @OptionGroup var job: CronJobArguments

    func run() async throws { try await job.tell("resume") { "\($0.shown("job_id")) goes on" } }
}
