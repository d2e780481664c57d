import ArgumentParser
import CommandLineKit
import LogTools

struct Recover: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recover",
        abstract: "Bring every intact record into a fresh log; the rest is named.",
        discussion: """
            Records keep their offsets, and a gap stands for what is lost: an engine opens the new \
            directory, and says at every start how many offsets are gone. The damaged log is read \
            and not written to. Exits 0 when the new log is complete, whatever was lost, but 65 \
            where not one record of a damaged log could be taken.
            """
    )

    @OptionGroup var log: LogArguments

    @Option(help: ArgumentHelp("A new directory, or an empty one.", valueName: "directory"))
    var to: String

    @Flag(help: "One JSON object.")
    var json = false

    func run() throws {
        let log = log
        let target = to
        let salvage = try Answer.telling { () throws(ToolError) in
            try Salvage(log.pass(), to: target)
        }
        let output = Answer.output()
        if json {
            output.line(salvage.json)
        } else {
            salvage.write(to: output, palette: .output)
        }
        try Answer.finish(output)
        guard salvage.isFruitless else { return }
        throw Failure(
            .damaged,
            code: "log.damaged",
            "no record of the log could be taken: \(target) has none, and is no copy of it"
        )
    }
}
