import ArgumentParser
import CommandLineKit
import Glibc
import JSON

struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Write a starting point: a configuration, and a worker in Python.",
        discussion: """
            Writes iii.toml, worker.py, requirements.txt and .gitignore, and overwrites nothing: \
            exits 1, having written nothing, where one of them is there already.
            """
    )

    @Argument(
        help: "The directory, which is made if need be; . for this one.",
        completion: .directory
    )
    var directory: String

    @Flag(help: "One JSON object a line; so it is where the output is no terminal.")
    var json = false

    func run() throws {
        let files = Starter.files.map { (path: "\(directory)/\($0.name)", text: $0.text) }
        let taken = files.map(\.path).filter(Self.isThere)
        guard taken.isEmpty else {
            let problems = taken.map { path in
                Failure.Problem(
                    code: "init.exists",
                    message: "\(path) is there already, and nothing was written: name another "
                        + "directory, or move it away"
                )
            }
            throw Failure(.failed, problems)
        }
        try Self.make(directory)
        let format = ReportFormat.choose(json: json)
        for (path, text) in files {
            try Self.write(text, to: path)
            format.write(text: "wrote \(path)", json: Self.line("wrote", path))
        }
        tellNext(format)
    }

    private func tellNext(_ format: ReportFormat) {
        let heading = "next: the first two in one shell, the rest in another"
        if format == .text { Terminal.write("\n\(heading)\n", to: .output) }
        for command in Starter.commands(in: directory) {
            format.write(text: "  \(command)", json: Self.line("next", command))
        }
    }

    private static func line(_ key: String, _ text: String) -> JSONText {
        JSONValue.object([key: .string(text)]).text
    }

    /// Whether anything has that name, be it a link to nowhere.
    private static func isThere(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// Makes a directory and those above it, as far as they are not there.
    private static func make(_ path: String) throws(Failure) {
        if mkdir(path, 0o777) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
            throw notWritten(path)
        }
        try make(String(path[..<slash]))
        guard mkdir(path, 0o777) == 0 || errno == EEXIST else { throw notWritten(path) }
    }

    private static func write(_ text: String, to path: String) throws(Failure) {
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw notWritten(path) }
        defer { close(file) }
        let bytes = Array(text.utf8)
        guard Glibc.write(file, bytes, bytes.count) == bytes.count else { throw notWritten(path) }
    }

    private static func notWritten(_ path: String) -> Failure {
        let reason = String(cString: strerror(errno))
        return Failure(
            .storageFault,
            code: "init.not_written",
            "cannot write \(path): \(reason); look after its directory, or name another one"
        )
    }
}
