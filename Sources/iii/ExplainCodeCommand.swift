import ArgumentParser
import CommandLineKit
import JSON
import Primitives

struct ExplainCodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain-code",
        abstract: "Say what the code of an error means, and what to do.",
        discussion: """
            A code stands in brackets behind "error", or is the "code" of what a call answered. An \
            exit status is one, too. Exits 4 when there is no such code.
            """
    )

    @Argument(help: "The code, such as config.unknown_key, function_not_found or 78.")
    var code: String

    @Flag(help: "One JSON object; so it is where the output is no terminal.")
    var json = false

    func run() throws {
        guard let found = Explanation.of(code) else { throw unknown }
        var line = JSONBuilder()
        line.beginObject()
        line.add("code", found.code)
        line.add("meaning", found.meaning)
        line.add("remedy", found.remedy)
        line.endObject()
        let heading = Palette.output.bold(found.code)
        let told = line.finish()
        ReportFormat.choose(json: json).write(
            text: "\(heading): \(found.meaning)\nWhat to do: \(found.remedy)",
            json: told
        )
    }

    private var unknown: Failure {
        let near = Suggestion.nearest(3, to: code, in: Explanation.all.map(\.code))
        let names = near.isEmpty ? "" : "; the nearest are \(near.joined(separator: ", "))"
        return Failure(
            .unknownObject,
            code: "explain.unknown_code",
            "\"\(code.visible)\" is no code of these programs\(names). A code that a function gives "
                + "its own errors is explained by whoever wrote it"
        )
    }
}
