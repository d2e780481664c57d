import ArgumentParser
import CommandLineKit
import IIISDK
import JSON
import Primitives

// `iii workers`, `iii functions` and `iii triggers`: who is there, and what they serve.

/// How lists are printed.
struct ListArguments: ParsableArguments {
    @OptionGroup var engine: EngineArguments

    @Flag(help: "Print JSON, one object a line; so it is where the output is no terminal.")
    var json = false

    /// Calls a function, and hands back the list in a member of its answer; nil: the answer is one.
    func list(
        _ function: String,
        _ input: JSONObject = [:],
        in member: String?
    ) async throws(Failure) -> [JSONText] {
        let answer = try await engine.connected { (link) async throws(SDKError) in
            try await link.ask(function, input)
        }
        let list = member.map { answer.member($0) ?? .null } ?? answer
        return list.elements ?? []
    }

    /// Whether people are to read it.
    var isText: Bool { ReportFormat.choose(json: json) == .text }

    /// A column's heading, and what a row has there.
    typealias Column = (String, (JSONText) -> String)

    /// Prints rows as a table, or as they are; `empty` is said where there are none.
    func write(
        _ rows: [JSONText],
        empty: String,
        _ columns: [Column],
        numbers: Set<Int> = []
    ) {
        guard !rows.isEmpty else { return Terminal.note(empty) }
        write(rows, columns, numbers: numbers)
    }

    private func write(_ rows: [JSONText], _ columns: [Column], numbers: Set<Int>) {
        guard isText else {
            for row in rows { Terminal.write("\(row)\n", to: .output) }
            return
        }
        var table = TextTable(columns.map(\.0), numbers: numbers)
        for row in rows { table.add(columns.map { $0.1(row) }) }
        let lines = table.lines { Palette.output.bold($0) }
        Terminal.write(lines.map { "\($0)\n" }.joined(), to: .output)
    }

    /// Prints the entries that a function tells page by page, each as `row` makes it: JSON as it
    /// comes, a table in the end, since its columns are as wide as they must be. Hands back how
    /// many there are, and says nothing where there are none.
    func writeEntries(
        _ link: EngineLink,
        _ function: String,
        _ input: JSONObject,
        _ columns: [Column],
        numbers: Set<Int> = [],
        row: (JSONText) -> JSONText = { $0 }
    ) async throws(SDKError) -> Int {
        var count = 0
        var kept: [JSONText] = []
        var cursor: String?
        repeat {
            var question = input
            question["limit"] = .integer(1000)
            if let cursor { question["cursor"] = .string(cursor) }
            let page = try await link.ask(function, question)
            let rows = (page.member("entries")?.elements ?? []).map(row)
            count += rows.count
            if isText { kept += rows } else { write(rows, columns, numbers: numbers) }
            cursor = page.member("cursor")?.stringValue
        } while cursor != nil && Terminal.takesOutput
        if !kept.isEmpty { write(kept, columns, numbers: numbers) }
        return count
    }
}

struct WorkersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "workers",
        abstract: "List the workers that are connected."
    )

    @Flag(help: "The engine's own parts too.")
    var all = false

    @OptionGroup var shared: ListArguments

    func run() async throws {
        let rows = try await shared.list("engine::workers::list", in: "workers")
        shared.write(
            rows.filter { worker in
                // This command is a worker too.
                worker.member("name")?.stringValue != "iii-cli"
                    && (all || worker.member("runtime")?.stringValue != "engine")
            },
            empty: "no worker is connected",
            [
                ("WORKER", { $0.shown("name") }), ("RUNTIME", { $0.shown("runtime") }),
                ("VERSION", { $0.shown("version") }), ("STATUS", { $0.shown("status") }),
                ("FUNCTIONS", { $0.shown("function_count") }),
                ("RUNNING", { $0.shown("active_invocations") }),
                ("ADDRESS", { $0.shown("ip_address") }), ("ID", { $0.shown("id") }),
            ],
            numbers: [4, 5]
        )
    }
}

struct FunctionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "functions",
        abstract: "List the functions that can be called."
    )

    @Argument(help: "Words of an id or a description; else all.")
    var search: String?

    @Flag(help: "Those that look after the engine too, and those that say they are internal.")
    var all = false

    @OptionGroup var shared: ListArguments

    func run() async throws {
        var input: JSONObject = ["include_internal": .bool(all)]
        if let search { input["search"] = .string(search) }
        let rows = try await shared.list("engine::functions::list", input, in: "functions")
        shared.write(
            rows,
            empty: "no worker serves such a function",
            [
                ("FUNCTION", { $0.shown("function_id") }), ("WORKER", { $0.shown("worker_name") }),
                ("NAMESPACE", { $0.shown("namespace") }),
                ("DESCRIPTION", { $0.shown("description") }),
            ]
        )
    }
}

struct TriggersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "triggers",
        abstract: "List the triggers: what makes which function run."
    )

    @Option(help: "Only triggers of this type, as http or cron.")
    var type: String?

    @Option(help: "Only triggers of this function.")
    var function: String?

    @Flag(help: "The engine's own too.")
    var all = false

    @OptionGroup var shared: ListArguments

    func run() async throws {
        var input: JSONObject = ["include_internal": .bool(all)]
        if let type { input["trigger_type"] = .string(type) }
        if let function { input["function_id"] = .string(function) }
        let rows = try await shared.list(
            "engine::registered-triggers::list",
            input,
            in: "registered_triggers"
        )
        shared.write(
            rows,
            empty: "there is no such trigger",
            [
                ("TYPE", { $0.shown("trigger_type") }), ("FUNCTION", { $0.shown("function_id") }),
                ("WORKER", { $0.shown("worker_name") }),
                ("CONFIGURATION", { $0.shown("config_summary") }), ("ID", { $0.shown("id") }),
            ]
        )
    }
}
