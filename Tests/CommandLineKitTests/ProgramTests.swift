import ArgumentParser
import Testing

@testable import CommandLineKit

// Testing has an ExitStatus of its own.
private typealias ExitStatus = CommandLineKit.ExitStatus

@Suite("How programs end")
@MainActor
struct ProgramTests {
    private let program = Program(Root.self)

    private func ending(
        _ arguments: String...
    ) throws -> (status: ExitStatus, stream: Terminal.Stream, text: String) {
        let error = #expect(throws: (any Error).self) {
            var command = try Root.parseAsRoot(arguments)
            try command.run()
        }
        return program.ending(of: try #require(error))
    }

    @Test(
        "the statuses are the numbers of the contract",
        arguments: [
            (ExitStatus.success, 0), (.failed, 1), (.usage, 2), (.unreachable, 3),
            (.unknownObject, 4), (.timedOut, 5), (.damaged, 65), (.internalFault, 70),
            (.storageFault, 74), (.inUse, 75), (.notPermitted, 77), (.configuration, 78),
        ] as [(ExitStatus, Int32)]
    )
    fileprivate func numbers(status: ExitStatus, number: Int32) {
        #expect(status.rawValue == number)
        #expect(ExitStatus.allCases.count == 12)
    }

    @Test("a command that runs to its end is 0")
    func success() async {
        #expect(await program.run(["work"]) == .success)
        #expect(await program.run(["later"]) == .success)
    }

    @Test("what has to be there for a command that makes threads is looked for before it runs")
    func prepared() async {
        let program = Program(Root.self) { _ in
            throw Failure(.configuration, code: "process.no_thread", "no room")
        }
        #expect(await program.run(["later"]) == .configuration)
        #expect(await program.run(["work"]) == .success)
    }

    @Test("arguments that make no sense are 2, with the usage, on standard error")
    func usage() throws {
        let cases = [
            ["--nonsense"], ["work", "--count"], ["work", "--count", "many"], ["work", "extra"],
            ["work", "--count", "-1"],
        ]
        for arguments in cases {
            let error = #expect(throws: (any Error).self, "\(arguments)") {
                _ = try Root.parseAsRoot(arguments)
            }
            let ending = program.ending(of: try #require(error))
            #expect(ending.status == .usage, "\(arguments)")
            #expect(ending.stream == .error, "\(arguments)")
            #expect(ending.text.hasPrefix("error[usage]: "), "\(arguments): \(ending.text)")
            #expect(ending.text.contains("Usage: root"), "\(arguments): \(ending.text)")
        }
    }

    @Test("the exit status of wrong arguments is 2 from end to end")
    func usageStatus() async {
        #expect(await program.run(["--nonsense"]) == .usage)
    }

    @Test(
        "a word that is no command is told with what is near, on every level",
        arguments: [
            (["wrok", "--count", "1"], "unknown command \"wrok\"; did you mean \"work\"?"),
            (["help", "wrok"], "unknown command \"wrok\"; did you mean \"work\"?"),
            (["many", "oen"], "unknown command \"oen\"; did you mean \"one\"?"),
            (["many", "x"], "unknown command \"x\"; allowed: one, other"),
        ]
    )
    func unknown(arguments: [String], message: String) async {
        let failure = program.unknownCommand(arguments)
        #expect(failure == Failure(.usage, code: "usage", message))
        #expect(await program.run(arguments) == .usage)
    }

    @Test(
        "a command, its other name and its own words are none",
        arguments: [
            [], ["work", "extra"], ["--nonsense", "wrok"], ["many", "one", "x"], ["many", "1"],
            ["help", "many", "one"],
        ]
    )
    func known(arguments: [String]) {
        #expect(program.unknownCommand(arguments) == nil)
    }

    @Test("help and version are 0, on standard output")
    func asked() throws {
        let help = try ending("work", "--help")
        #expect(help.status == .success)
        #expect(help.stream == .output)
        #expect(help.text.contains("--count"))
        let version = try ending("--version")
        #expect(version.status == .success)
        #expect(version.stream == .output)
        #expect(version.text == "9.8.7\n")
    }

    @Test("a failure ends with its own status, its code and its message on standard error")
    func failure() throws {
        let ending = try ending("fail")
        #expect(ending.status == .inUse)
        #expect(ending.stream == .error)
        #expect(ending.text == "error[lock.held]: another engine holds it\n")
    }

    @Test("every problem of a failure is told on a line of its own")
    func problems() {
        let failure = Failure(
            .configuration,
            [Failure.Problem(code: "a.b", message: "one"), .init(code: "c.d", message: "two")]
        )
        let ending = program.ending(of: failure)
        #expect(ending.status == .configuration)
        #expect(ending.text == "error[a.b]: one\nerror[c.d]: two\n")
    }

    @Test("an exit by number is that number, and says nothing")
    func exit() throws {
        let ending = try ending("exit")
        #expect(ending.status == .timedOut)
        #expect(ending.text.isEmpty)
    }

    @Test("any other error is a fault of the program")
    func fault() throws {
        let ending = try ending("fault")
        #expect(ending.status == .internalFault)
        #expect(ending.text == "error[internal]: Fault()\n")
    }
}

private struct Root: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "root",
        version: "9.8.7",
        subcommands: [Work.self, Later.self, Fail.self, Exit.self, Crash.self, Many.self]
    )
}

private struct Many: ParsableCommand {
    static let configuration = CommandConfiguration(subcommands: [One.self, Other.self])
}

private struct One: ParsableCommand {
    static let configuration = CommandConfiguration(aliases: ["1"])

    func run() throws {}
}

private struct Other: ParsableCommand {
    func run() throws {}
}

private struct Work: ParsableCommand {
    @Option(help: "How often.")
    var count = 0

    func validate() throws {
        guard count >= 0 else { throw ValidationError("--count must not be negative") }
    }

    func run() throws {}
}

private struct Later: AsyncParsableCommand {
    func run() async throws { await Task.yield() }
}

private struct Fail: ParsableCommand {
    func run() throws { throw Failure(.inUse, code: "lock.held", "another engine holds it") }
}

private struct Exit: ParsableCommand {
    func run() throws { throw ExitCode(ExitStatus.timedOut.rawValue) }
}

private struct Fault: Error {}

private struct Crash: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "fault")

    func run() throws { throw Fault() }
}
