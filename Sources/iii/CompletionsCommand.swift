import ArgumentParser
import CommandLineKit

struct CompletionsCommand: ParsableCommand {
    enum Shell: String, ExpressibleByArgument, CaseIterable {
        case bash, zsh, fish

        var completion: CompletionShell {
            switch self {
            case .bash: .bash
            case .zsh: .zsh
            case .fish: .fish
            }
        }
    }

    static let configuration = CommandConfiguration(
        commandName: "completions",
        abstract: "Print the script that completes commands and options in a shell.",
        discussion: """
            bash: iii completions bash > ~/.local/share/bash-completion/completions/iii
            zsh:  iii completions zsh > DIR/_iii, with DIR in $fpath before compinit
            fish: iii completions fish > ~/.config/fish/completions/iii.fish
            """
    )

    @Argument(help: "The shell: bash, zsh or fish.")
    var shell: Shell

    func run() {
        Terminal.write(EngineCommand.completionScript(for: shell.completion) + "\n", to: .output)
    }
}
