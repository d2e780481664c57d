import Foundation
import Glibc

/// How a process ended.
enum Ending: Equatable, CustomStringConvertible {
    case exit(Int32)
    case signal(Int32)

    var description: String {
        switch self {
        case .exit(let code): "exit \(code)"
        case .signal(let number): "signal \(number)"
        }
    }
}

/// A process that this test started, its output in files; stopped by its pid, never by name.
final class ChildProcess {
    let pid: pid_t
    let name: String
    private let outputFile: String
    private let errorFile: String
    private(set) var ending: Ending?

    /// Starts it. What `environment` sets goes over this process's own variables, an empty value
    /// removes one; the output goes to `LABEL.out` and `LABEL.err` in `scratch`.
    init(
        _ arguments: [String],
        label: String,
        in scratch: Scratch,
        environment: [String: String] = [:]
    ) throws {
        name = label
        outputFile = scratch("\(label).out")
        errorFile = scratch("\(label).err")
        pid = try ChildProcess.spawn(
            arguments,
            directory: scratch.path,
            output: outputFile,
            errors: errorFile,
            environment: environment
        )
    }

    deinit {
        kill9()
    }

    var output: String { text(of: outputFile) }
    var errors: String { text(of: errorFile) }

    /// Whether it still runs; collects its ending once it does not.
    var isRunning: Bool {
        if ending != nil { return false }
        var status: Int32 = 0
        guard waitpid(pid, &status, WNOHANG) == pid else { return true }
        let signal = status & 0x7F
        ending = signal == 0 ? .exit((status >> 8) & 0xFF) : .signal(signal)
        return false
    }

    func send(_ signal: Int32) {
        if isRunning { kill(pid, signal) }
    }

    func kill9() {
        guard isRunning else { return }
        kill(pid, SIGKILL)
        var status: Int32 = 0
        waitpid(pid, &status, 0)
        ending = .signal(SIGKILL)
    }

    /// - Throws: `Failure` with the process's own errors when it still runs after `seconds`.
    @discardableResult
    func wait(within seconds: Double = 60) throws -> Ending {
        let deadline = Deadline(in: seconds)
        while isRunning {
            if deadline.passed {
                let errors = errors
                kill9()
                throw Failure("\(name) did not end within \(seconds) s; its errors:\n\(errors)")
            }
            usleep(2_000)
        }
        guard let ending else { throw Failure("\(name) ended without an ending") }
        return ending
    }

    private static func spawn(
        _ arguments: [String],
        directory: String,
        output: String,
        errors: String,
        environment: [String: String]
    ) throws -> pid_t {
        guard FileManager.default.isExecutableFile(atPath: arguments[0]) else {
            throw Failure("no program at \(arguments[0])")
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let create = O_WRONLY | O_CREAT | O_TRUNC
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, create, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, errors, create, 0o600)

        // The threads of this process may block signals, and a child would inherit that.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        let flags = Int32(POSIX_SPAWN_SETSIGMASK) | Int32(POSIX_SPAWN_SETSIGDEF)
        posix_spawnattr_setflags(&attributes, Int16(flags))

        // `env -C` changes the directory and becomes the program: the pid stays the same.
        var argv = (["/usr/bin/env", "-C", directory] + arguments).map { strdup($0) } + [nil]
        var envp = variables(with: environment).map { strdup($0) } + [nil]
        defer { (argv + envp).forEach { free($0) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, "/usr/bin/env", &actions, &attributes, &argv, &envp)
        guard code == 0 else {
            throw Failure("cannot start \(arguments[0]): \(String(cString: strerror(code)))")
        }
        return pid
    }

    private static func variables(with changes: [String: String]) -> [String] {
        ProcessInfo.processInfo.environment.merging(changes) { $1 }
            .filter { !$0.value.isEmpty }
            .map { "\($0.key)=\($0.value)" }
    }
}

/// What a program that ran to its end left.
struct Outcome {
    let ending: Ending
    let output: String
    let errors: String

    /// Both, for messages.
    var all: String { "\(ending)\nstdout: \(output)\nstderr: \(errors)" }
}

/// Runs a program to its end.
func run(
    _ arguments: [String],
    in scratch: Scratch,
    environment: [String: String] = [:],
    within seconds: Double = 60
) throws -> Outcome {
    let child = try ChildProcess(
        arguments,
        label: "run-\(Deadline.now)",
        in: scratch,
        environment: environment
    )
    let ending = try child.wait(within: seconds)
    return Outcome(ending: ending, output: child.output, errors: child.errors)
}
