import ArgumentParser
import CommandLineKit
import Glibc
import Testing

/// Each in a process of its own, for what is lost is remembered until the program ends.
@Suite("Output that cannot be written")
struct TerminalTests {
    @Test("a program that did its work and could not say it ends with 74")
    func full() async {
        await #expect(processExitsWith: .exitCode(74)) {
            let full = open("/dev/full", O_WRONLY)
            dup2(full, STDOUT_FILENO)
            let status = await Program(Teller.self).run(["--text", "lost"])
            guard !Terminal.takesOutput, Terminal.lostOutput != nil else { exit(1) }
            exit(status.rawValue)
        }
    }

    @Test("so does one that was asked for help")
    func help() async {
        await #expect(processExitsWith: .exitCode(74)) {
            let full = open("/dev/full", O_WRONLY)
            dup2(full, STDOUT_FILENO)
            exit(await Program(Teller.self).run(["--help"]).rawValue)
        }
    }

    @Test("a failure of the work itself keeps its own status")
    func failure() async {
        await #expect(processExitsWith: .exitCode(2)) {
            let full = open("/dev/full", O_WRONLY)
            dup2(full, STDOUT_FILENO)
            Terminal.write("lost\n", to: .output)
            exit(await Program(Teller.self).run(["--no-such-flag"]).rawValue)
        }
    }

    @Test("what nobody reads any more is no fault")
    func unread() async {
        await #expect(processExitsWith: .exitCode(0)) {
            signal(SIGPIPE, SIG_IGN)
            var ends: [Int32] = [0, 0]
            pipe(&ends)
            close(ends[0])
            dup2(ends[1], STDOUT_FILENO)
            let status = await Program(Teller.self).run(["--text", "unread"])
            guard !Terminal.takesOutput, Terminal.lostOutput == nil else { exit(1) }
            exit(status.rawValue)
        }
    }
}

private struct Teller: ParsableCommand {
    @Option(help: "What to say.")
    var text: String

    func run() { Terminal.write("\(text)\n", to: .output) }
}
