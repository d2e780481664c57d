package import ArgumentParser
import Glibc
import Primitives

/// Runs a command line program: arguments in, the project's exit status out.
///
/// What was asked for (help, a version) goes to standard output and is 0. Arguments that make no
/// sense are told on standard error, with how it is meant, and are 2; ArgumentParser alone would
/// say 64. A ``Failure`` ends with its own status. Anything else thrown is a fault of the program.
/// A command that did all that it was asked and could not say it is 74.
package struct Program: Sendable {
    private let root: any ParsableCommand.Type
    private let prepare: @Sendable (any ParsableCommand) throws -> Void

    /// `root` is the command that all the others are subcommands of. `prepare` gets the one that is
    /// about to run where that is an asynchronous one, while the process still has one thread.
    package init(
        _ root: any ParsableCommand.Type,
        prepare: @escaping @Sendable (any ParsableCommand) throws -> Void = { _ in }
    ) {
        self.root = root
        self.prepare = prepare
    }

    /// Parses `arguments` (nil means the process's own) and runs the command that they name. A
    /// synchronous command has the main thread to itself.
    @MainActor
    package func run(_ arguments: [String]? = nil) async -> ExitStatus {
        Self.openStandardStreams()
        do {
            let arguments = arguments ?? Array(CommandLine.arguments.dropFirst())
            if let failure = unknownCommand(arguments) { throw failure }
            var command = try root.parseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand {
                try prepare(command)
                try await command.run()
            } else {
                try command.run()
            }
            return finished(.success)
        } catch {
            let ending = ending(of: error)
            if !ending.text.isEmpty { Terminal.write(ending.text, to: ending.stream) }
            return finished(ending.status)
        }
    }

    /// That a word of `arguments` stands where a command's name should, and is none: ArgumentParser
    /// takes it for an argument too many of another command. A command that has others below it has
    /// no arguments of its own, nor has the one that it stands for by itself.
    func unknownCommand(_ arguments: [String]) -> Failure? {
        var command: any ParsableCommand.Type = root
        let words = arguments.first == "help" ? arguments.dropFirst() : arguments[...]
        for word in words {
            let commands = command.configuration.subcommands
            guard !commands.isEmpty, !word.hasPrefix("-") else { return nil }
            let named = commands.first { one in
                one._commandName == word || one.configuration.aliases.contains(word)
            }
            guard let named else {
                let phrase = Suggestion.phrase(for: word, in: commands.map { $0._commandName })
                return Failure(.usage, code: "usage", "unknown command \"\(word)\"\(phrase)")
            }
            command = named
        }
        return nil
    }

    /// What a status says of the work goes before what became of the text.
    private func finished(_ status: ExitStatus) -> ExitStatus {
        Terminal.clearStatus()
        guard status == .success, let failure = Terminal.lostOutput else { return status }
        Terminal.write(ending(of: failure).text, to: .error)
        return failure.status
    }

    /// Gives the standard streams that the caller has closed an end: else the next file to be
    /// opened gets the number of one, and what is meant for a reader is written into it.
    private static func openStandardStreams() {
        // For reading: what is written there fails, and is told of as lost.
        var file = open("/dev/null", O_RDONLY)
        while (STDIN_FILENO...STDERR_FILENO).contains(file) { file = open("/dev/null", O_RDONLY) }
        if file >= 0 { close(file) }
    }

    /// What a program that stopped with `error` says, where, and how it ends.
    package func ending(
        of error: any Error
    ) -> (status: ExitStatus, stream: Terminal.Stream, text: String) {
        if let failure = error as? Failure {
            let lines = failure.problems.map { "\(Self.label($0.code))\(Self.told($0.message))\n" }
            return (failure.status, .error, lines.joined())
        }
        // An exit that was asked for by number, after everything was said.
        if let exit = error as? ExitCode {
            return (ExitStatus(rawValue: exit.rawValue) ?? .internalFault, .error, "")
        }
        let text = root.fullMessage(for: error)
        switch root.exitCode(for: error) {
        case .success: return (.success, .output, "\(text)\n")
        case .validationFailure:
            let prefix = Self.errorPrefix
            guard text.hasPrefix(prefix) else { return (.usage, .error, "\(text)\n") }
            return (.usage, .error, "\(Self.label("usage"))\(text.dropFirst(prefix.count))\n")
        default: return (.internalFault, .error, "\(Self.label("internal"))\(error)\n")
        }
    }

    /// What ArgumentParser begins an error's text with.
    private static let errorPrefix = "Error: "

    /// What an error begins with: its code, which ``Explanation`` has.
    private static func label(_ code: String) -> String {
        Palette.error.red("error[\(told(code))]") + ": "
    }

    /// An error's text: much of it may be somebody else's, who is not to have the terminal.
    private static func told(_ text: String) -> String {
        Terminal.isTerminal(.error) ? text.visibleLines : text
    }
}
