import Glibc

/// A worker in Python with an iii-sdk as PyPI has it.
final class PythonWorker {
    private let child: ChildProcess

    /// Starts the file, with its arguments, that `arguments` begins with. Several of one test need
    /// labels of their own, which name the files of their output.
    init(
        sdk version: String,
        _ arguments: [String],
        label: String = "worker",
        environment: [String: String] = [:],
        engine: EngineProcess
    ) throws {
        let made = try run(
            ["\(Project.root)/scripts/venv", version],
            in: engine.scratch,
            within: 600
        )
        guard made.ending == .exit(0) else {
            throw Failure("scripts/venv \(version): \(made.all)")
        }
        let python = made.output.trimmingSuffix { $0.isNewline }
        child = try ChildProcess(
            [python] + arguments,
            label: label,
            in: engine.scratch,
            environment: [
                "III_URL": engine.url,
                // The SDK keeps a file about each process in the home directory.
                "HOME": engine.scratch.path,
                "NO_PROXY": "127.0.0.1,localhost",
                "PYTHONDONTWRITEBYTECODE": "1",
                "PYTHONUNBUFFERED": "1",
            ].merging(environment) { $1 }
        )
    }

    var output: String { child.output }
    var errors: String { child.errors }

    /// - Throws: `Failure` with the worker's own errors when it is gone.
    func check() throws {
        guard child.isRunning else { throw Failure("the worker ended:\n\(child.errors)") }
    }

    var pid: pid_t { child.pid }
    func kill9() { child.kill9() }

    func stop() throws {
        child.send(SIGTERM)
        try child.wait()
    }
}

extension String {
    fileprivate func trimmingSuffix(while drops: (Character) -> Bool) -> String {
        var text = Substring(self)
        while let last = text.last, drops(last) { text.removeLast() }
        return String(text)
    }
}
