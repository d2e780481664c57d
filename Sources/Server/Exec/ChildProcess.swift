import CPlatform
import Glibc

/// A process that leads a group of its own, and what it writes. It does not outlive the thread that
/// started it.
struct ChildProcess {
    let number: Int32
    /// Readable once it has ended.
    let ending: Int32
    let output: Int32
    let errors: Int32

    /// How a process has ended.
    enum End: Equatable, CustomStringConvertible {
        case exit(Int32)
        case signal(Int32)

        var description: String {
            switch self {
            case .exit(let status): "exited with status \(status)"
            case .signal(let number): "was ended by signal \(number) (\(Self.name(number)))"
            }
        }

        private static func name(_ number: Int32) -> String { String(cString: strsignal(number)) }
    }

    struct StartError: Error, Equatable, CustomStringConvertible {
        let description: String

        init(_ description: String) { self.description = description }

        init(_ what: String, _ number: Int32) {
            self.init("\(what): \(String(cString: strerror(number)))")
        }
    }

    /// What the engine has changed of its own that a process of others should have as it was.
    struct Surroundings {
        /// File mode creation mask.
        let mask: mode_t
        /// Soft limit of descriptors.
        let descriptors: UInt64
    }

    /// Starts the first of `command`, looked for as a shell does.
    ///
    /// - Throws: what was not there, or what the system refused.
    init(
        _ command: [String],
        in directory: String,
        _ environment: ChildEnvironment,
        _ surroundings: Surroundings
    ) throws(StartError) {
        let path = try Self.find(command[0], in: directory, path: environment.path)
        let output = try Self.pipe()
        let errors: (read: Int32, write: Int32)
        do throws(StartError) {
            errors = try Self.pipe()
        } catch {
            for end in [output.read, output.write] { close(end) }
            throw error
        }
        defer { for end in [output.write, errors.write] { close(end) } }
        do throws(StartError) {
            let pipes = (output: output.write, errors: errors.write)
            number = try Self.start(path, command, directory, environment, surroundings, pipes)
            let ending = platform_process_descriptor(number)
            if ending < 0 {
                platform_signal_group(number, SIGKILL)
                platform_reap(number)
                throw StartError("it cannot be watched", -ending)
            }
            self.ending = ending
            self.output = output.read
            self.errors = errors.read
        } catch {
            for end in [output.read, errors.read] { close(end) }
            throw error
        }
    }

    private static func pipe() throws(StartError) -> (read: Int32, write: Int32) {
        var ends: (Int32, Int32) = (-1, -1)
        let result = withUnsafeMutableBytes(of: &ends) { bytes in
            platform_pipe(bytes.baseAddress?.assumingMemoryBound(to: Int32.self))
        }
        guard result == 0 else { throw StartError("no pipe for what it writes", -result) }
        return ends
    }

    private static func start(
        _ path: String,
        _ command: [String],
        _ directory: String,
        _ environment: ChildEnvironment,
        _ surroundings: Surroundings,
        _ pipes: (output: Int32, errors: Int32)
    ) throws(StartError) -> Int32 {
        let started = withStrings(command) { arguments in
            withStrings(environment.entries) { variables in
                path.withCString { path in
                    directory.withCString { directory in
                        var program = platform_program(
                            path: path,
                            arguments: arguments,
                            environment: variables,
                            directory: directory,
                            output: pipes.output,
                            errors: pipes.errors,
                            umask: surroundings.mask,
                            descriptors: surroundings.descriptors
                        )
                        return platform_start(&program)
                    }
                }
            }
        }
        guard started > 0 else { throw StartError("\(path), in \(directory)", -started) }
        return started
    }

    private static func withStrings<Result>(
        _ strings: [String],
        _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        let copies: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) } + [nil]
        defer { for copy in copies { free(copy) } }
        return copies.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { preconditionFailure("it ends with nil") }
            return body(base)
        }
    }

    /// The file that `program` names: within `directory` where there is a slash in it, else in the
    /// first directory of `path` that has it.
    static func find(
        _ program: String,
        in directory: String,
        path: String
    ) throws(StartError) -> String {
        if program.utf8.contains(UInt8(ascii: "/")) {
            let file = Configuration.absolute(program, from: directory)
            guard access(file, F_OK) == 0 else { throw StartError(file, errno) }
            guard isProgram(file) else { throw StartError("\(file) is not a program") }
            return file
        }
        for place in path.split(separator: ":", omittingEmptySubsequences: false) {
            let place = place.isEmpty ? directory : String(place)
            let file = Configuration.absolute(program, from: place)
            if isProgram(file) { return file }
        }
        throw StartError("there is no program \"\(program)\" in PATH, which is \(path)")
    }

    private static func isProgram(_ file: String) -> Bool {
        var status = stat()
        return stat(file, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
            && access(file, X_OK) == 0
    }

    func send(_ signal: Int32) { platform_signal_group(number, signal) }

    /// How it has ended; nil: it has not. What it leaves of its group ends with it, and then
    /// its number is another's.
    func takeEnd() -> End? {
        let end = platform_end_of(number)
        guard end >= 0 else { return nil }
        send(SIGKILL)
        platform_reap(number)
        close(ending)
        return end & 0x100 == 0 ? .exit(end) : .signal(end & 0xff)
    }
}
