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
        let python = try Project.python(with: version, in: engine.scratch)
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

extension Project {
    /// The interpreter of an environment with one package from PyPI, as `scripts/venv` makes and
    /// prints it: a version of iii-sdk, or `PACKAGE==VERSION`, with the module that is imported to
    /// see that it works, where the name does not say it.
    static func python(
        with package: String,
        module: String? = nil,
        in scratch: Scratch
    ) throws -> String {
        let words = ["\(root)/scripts/venv", package] + (module.map { [$0] } ?? [])
        let made = try run(words, in: scratch, within: 600)
        guard made.ending == .exit(0), let python = made.output.split(separator: "\n").last else {
            throw Failure("scripts/venv \(package): \(made.all)")
        }
        return String(python)
    }
}
