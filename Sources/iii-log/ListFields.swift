import ArgumentParser
import CommandLineKit
import LogTools

struct ListFields: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fields",
        abstract: "List the fields that records have, and the kinds that have them.",
        discussion: """
            These are the names that FIELD=value takes, that `values` lists the values of, and \
            that `show -o json` prints.
            """
    )

    @Argument(help: RecordSelection.terms)
    var terms: [String] = []

    @OptionGroup var log: LogArguments

    @OptionGroup var which: RecordSelection

    @Flag(help: "One JSON object a line; so it is where the output is no terminal.")
    var json = false

    func run() throws {
        let counts = try Answer.telling { () throws(ToolError) in
            try FieldCounts(log.pass(), which.filter(terms))
        }
        if counts.isEmpty {
            Answer.note("no record is like that")
        } else {
            let output = Answer.output()
            switch ReportFormat.choose(json: json) {
            case .text: counts.write(to: output, palette: .output)
            case .jsonLines: counts.writeJSON(to: output)
            }
            try Answer.finish(output)
        }
        try Answer.tell(damages: counts.damages)
    }
}

struct ListValues: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "values",
        abstract: "List the values of a field, the most frequent first."
    )

    @Argument(help: "The field, as `fields` lists it.")
    var field: String

    @Argument(help: RecordSelection.terms)
    var terms: [String] = []

    @OptionGroup var log: LogArguments

    @OptionGroup var which: RecordSelection

    @Option(
        name: [.customShort("n"), .customLong("number")],
        help: "At most so many."
    )
    var number: Int?

    @Flag(help: "One JSON object a line; so it is where the output is no terminal.")
    var json = false

    func validate() throws {
        if let number, number < 0 { throw ValidationError("-n takes a number from 0 on.") }
    }

    func run() throws {
        let counts = try Answer.telling { () throws(ToolError) in
            try ValueCounts(log.pass(), of: field, which.filter(terms))
        }
        let output = Answer.output()
        switch ReportFormat.choose(json: json) {
        case .text: counts.write(to: output, limit: number)
        case .jsonLines: counts.writeJSON(to: output, limit: number)
        }
        try Answer.finish(output)
        if counts.isEmpty { Answer.note("no record is like that and has a \(field)") }
        Answer.note(untold: counts.untold, of: "values")
        try Answer.tell(damages: counts.damages)
    }
}
