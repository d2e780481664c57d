import ArgumentParser
import CommandLineKit
import LogTools

struct Backup: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copy a log, with an engine running on it or not.",
        discussion: """
            The copy holds every record that was acknowledged before the command began. It is read \
            back and checked in full, and is a data directory of its own: `verify` accepts it, \
            `restore` brings it back, an engine opens it. The token is not copied.
            """
    )

    @Argument(help: ArgumentHelp("A new directory, or an empty one.", valueName: "directory"))
    var target: String

    @OptionGroup var log: LogArguments

    @Flag(help: "One JSON object.")
    var json = false

    func run() throws {
        let log = log
        let target = target
        let copy = try Answer.telling { () throws(ToolError) in
            try LogCopy(log.pass(), to: target, isEmpty: true)
        }
        try Answer.tell(copy, json: json)
    }
}

struct Restore: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Make a data directory of a backup.",
        discussion: """
            The directory that -D names must not hold a log. The copy is read back and checked in \
            full; the backup is only read. One that has lost its MANIFEST is refused (65): more \
            of it may be lost, and `recover` takes what is there.
            """
    )

    @Argument(help: ArgumentHelp("What `backup` made.", valueName: "backup"))
    var source: String

    @Option(
        name: [.customShort("D"), .customLong("data")],
        help: ArgumentHelp("The data directory to be made; else ./data.", valueName: "directory")
    )
    var data = "data"

    @Flag(help: "One JSON object.")
    var json = false

    func run() throws {
        let source = source
        let target = data
        let copy = try Answer.telling { () throws(ToolError) in
            try LogCopy(
                LogPass(tellingOf: .directory(source)),
                to: target,
                isEmpty: false,
                needsManifest: true
            )
        }
        try Answer.tell(copy, json: json)
    }
}

extension Answer {
    fileprivate static func tell(_ copy: LogCopy, json: Bool) throws(Failure) {
        let output = output()
        if json { output.line(copy.json) } else { copy.write(to: output, palette: .output) }
        try finish(output)
    }
}
