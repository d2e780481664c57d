package import ArgumentParser

/// Lets the options that every verb of a program has be named before the verb as well as behind it.
package struct VerbFirst {
    private let verbs: Set<String>
    private let options: Set<String>

    /// `root` is the command that the verbs are subcommands of; each of `options` has a value.
    package init(_ root: any ParsableCommand.Type, options: Set<String>) {
        verbs = Set(root.configuration.subcommands.compactMap { $0.configuration.commandName })
        self.options = options
    }

    /// The arguments of a command line, which begins with the program's name: `-D DIR show 12` as
    /// `show 12 -D DIR`.
    package func arranged(_ commandLine: [String]) -> [String] {
        let arguments = Array(commandLine.dropFirst())
        // Behind `help` stands what it is about.
        if arguments.first == "help" { return arguments }
        var place = 0
        while place < arguments.count {
            if options.contains(arguments[place]) {
                place += 2
            } else if verbs.contains(arguments[place]) {
                break
            } else {
                place += 1
            }
        }
        if place >= arguments.count {
            // No verb at all: the word that stands for one is told of as such.
            place = 0
            while place < arguments.count, options.contains(arguments[place]) { place += 2 }
        }
        guard place < arguments.count else { return arguments }
        let before = arguments[..<place]
        let verb = arguments[place...]
        let end = verb.firstIndex(of: "--") ?? verb.endIndex
        return Array(verb[..<end] + before + verb[end...])
    }
}
