import ArgumentParser
import CommandLineKit
import Testing

@Suite("Options before the verb")
struct VerbFirstTests {
    private let order = VerbFirst(Tool.self, options: ["-D"])

    @Test(
        "come behind it, and what follows -- stays the last",
        arguments: [
            (["show", "12"], ["show", "12"]),
            (["-D", "show", "ls"], ["ls", "-D", "show"]),
            (["-D", "d", "show", "12", "--", "-x"], ["show", "12", "-D", "d", "--", "-x"]),
            (["-D", "d", "shwo"], ["shwo", "-D", "d"]),
            (["--version"], ["--version"]),
        ] as [([String], [String])]
    )
    func options(given: [String], arranged: [String]) {
        #expect(order.arranged(["tool"] + given) == arranged)
    }

    @Test(
        "are none before `help`: the verb behind it is what it is about",
        arguments: [["help"], ["help", "show"]]
    )
    func help(given: [String]) {
        #expect(order.arranged(["tool"] + given) == given)
    }
}

private struct Tool: ParsableCommand {
    static let configuration = CommandConfiguration(subcommands: [Show.self, List.self])
}

private struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show")
}

private struct List: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "ls")
}
