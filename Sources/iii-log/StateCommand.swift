import ArgumentParser
import CommandLineKit
import LogTools
import Primitives

struct StateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "state",
        abstract: "Print the state as it was, and what became of it.",
        discussion: """
            --at takes the offset of a record, which then counts, or a time. What retention has \
            removed cannot be told: the error names the oldest offset that can.
            """,
        subcommands: [PastValue.self, PastList.self, PastDifference.self, PastWrites.self]
    )
}

/// When.
struct MomentArguments: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: "The offset of a record, or a time such as -1h; else the end of the log."
    )
    var at: String?

    var moment: LogMoment {
        get throws(ToolError) { try LogMoment(at) }
    }
}

/// Writes what was asked for; `none` is noted where nothing was found, unless that is an error.
private func show(
    _ write: (StateTable, Output) throws(ToolError) -> Void,
    _ log: LogArguments,
    none: String? = nil
)
    throws
{
    let output = Answer.output()
    try Answer.telling { () throws(ToolError) in try write(StateTable(try log.pass()), output) }
    try Answer.finish(output)
    if let none, output.lineCount == 0 { Answer.note(none) }
}

struct PastValue: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Print a key's value and revision; exits 4 where there was none."
    )

    @Argument(help: "The scope.") var scope: String
    @Argument(help: "The key.") var key: String
    @OptionGroup var moment: MomentArguments
    @OptionGroup var log: LogArguments

    func run() throws {
        let (scope, key, moment) = (scope, key, moment)
        try show(
            { (table, output) throws(ToolError) in
                try table.get(scope, key, at: moment.moment, to: output)
            },
            log
        )
    }
}

struct PastList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "Print the scopes with their number of keys, or the entries of one scope."
    )

    @Argument(help: "The scope.") var scope: String?
    @OptionGroup var moment: MomentArguments
    @OptionGroup var log: LogArguments

    func run() throws {
        let (scope, moment) = (scope, moment)
        try show(
            { (table, output) throws(ToolError) in
                try table.list(scope, at: moment.moment, to: output)
            },
            log,
            none: "there was no key"
        )
    }
}

struct PastDifference: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Print the keys that were added, changed or removed between two places.",
        discussion: """
            By scope and key; a table on a terminal, else JSON. A place is the offset of a record, \
            which then counts, or a time. A key whose value is the same at both has no line, \
            whatever it was between them.
            """
    )

    @Option(parsing: .unconditional, help: "The earlier place.")
    var from: String

    @Option(parsing: .unconditional, help: "The later one; else the end of the log.")
    var to: String?

    @Argument(help: "Only this scope.") var scope: String?
    @Argument(help: "Only keys that begin with this.") var prefix: String?
    @OptionGroup var log: LogArguments

    @Flag(help: "Print JSON, one object a line; so it is where the output is no terminal.")
    var json = false

    func run() throws {
        let (from, to, scope, prefix, log) = (from, to, scope, prefix ?? "", log)
        let output = Answer.output()
        let format = ReportFormat.choose(json: json)
        var table = TextTable(StateDifference.headings)
        try Answer.telling { () throws(ToolError) in
            let (first, second) = (try LogMoment(from), try LogMoment(to))
            let state = StateTable(try log.pass())
            try state.difference(first, second, scope: scope, prefix: prefix) { row in
                // A value may be large: whole ones are written at once, and not kept.
                switch format {
                case .jsonLines: output.line(row.json)
                case .text: table.add(row.cells)
                }
            }
        }
        if !table.isEmpty {
            for line in table.lines(heading: { Palette.output.bold($0) }) { output.line(line) }
        }
        try Answer.finish(output)
        if output.lineCount == 0 { Answer.note("no key differs") }
    }
}

struct PastWrites: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "Print the writes of a key, the youngest first."
    )

    @Argument(help: "The scope.") var scope: String
    @Argument(help: "The key.") var key: String
    @Option(name: .shortAndLong, help: "At most so many.") var limit = 20
    @OptionGroup var moment: MomentArguments
    @OptionGroup var log: LogArguments

    func run() throws {
        let (scope, key, limit, moment) = (scope, key, limit, moment)
        try show(
            { (table, output) throws(ToolError) in
                try table.history(scope, key, limit, at: moment.moment, to: output)
            },
            log,
            none: "no write of the key is in the log"
        )
    }
}
