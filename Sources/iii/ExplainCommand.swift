import Primitives
import ArgumentParser
import CommandLineKit
import IIISDK
import JSON

/// `iii explain`: why a message runs, waits, or is a dead letter.
struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Tell why a message runs, waits or is a dead letter, and what helps.",
        discussion: """
            A message is named by the receipt that its enqueue answered, which `iii queue peek` \
            and `dlq` list; by a trace, for all that was enqueued in it; or by @ and its offset \
            in the log. Of what was published to a topic each subscription has its own. Exits 2 \
            for what is no such id, 3 when the engine cannot be reached, 4 when it knows no such \
            message.
            """
    )

    @Argument(help: "The message's receipt, its trace, or @ and its offset.")
    var id: String

    @Option(help: "Only in this queue.")
    var queue: String?

    @OptionGroup var shared: ListArguments

    func run() async throws {
        var input: JSONObject = ["id": .string(id)]
        if let queue { input["queue"] = .string(queue) }
        let question = input
        let answer = try await shared.engine.connected { (link) async throws(SDKError) in
            try await link.ask("engine::queue::explain", question)
        }
        let jobs = answer.member("jobs")?.elements ?? []
        guard !jobs.isEmpty else {
            throw Failure(
                .unknownObject,
                code: "NOT_FOUND",
                "\(id.visible) has never been in queue \((queue ?? "").visible); without --queue "
                    + "every queue is told that has it"
            )
        }
        let isText = ReportFormat.choose(json: shared.json) == .text
        for job in jobs {
            let lines = isText ? Self.lines(job) : ["\(job)"]
            Terminal.write(lines.map { "\($0)\n" }.joined(), to: .output)
        }
        if let more = answer.integer("more"), more > 0 {
            Terminal.note("\(more) more are of this trace: name one by its receipt")
        }
    }

    private static func lines(_ job: JSONText) -> [String] {
        let function = job.member("function_id")?.stringValue?.visible ?? "a message"
        var lines = [
            "\(Palette.output.bold(function)) in queue \(job.shown("queue"))"
                + Palette.output.gray("  \(job.shown("id"))  trace \(job.shown("trace_id"))"),
            "  \(state(job)): \(job.shown("why"))",
        ]
        if let result = job.member("result"), !result.isNull {
            lines.append("  it answered \(result.description.visible)")
        }
        if let wayOut = job.member("way_out")?.stringValue {
            lines.append("  what helps: \(wayOut.visible)")
        }
        for step in job.member("story")?.elements ?? [] {
            lines.append("    \(Palette.output.gray(step.shown("at")))  \(step.shown("text"))")
        }
        return lines
    }

    private static func state(_ job: JSONText) -> String {
        let word = job.shown("state")
        return switch word {
        case "dead", "dropped", "discarded", "purged": Palette.output.red(word)
        case "done", "running": Palette.output.green(word)
        default: Palette.output.yellow(word)
        }
    }
}
