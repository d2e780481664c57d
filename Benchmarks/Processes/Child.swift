import Glibc

/// A server process. The kernel kills it when this program ends, however that ends: `setpriv` asks
/// for that, and then becomes the server.
final class Child {
    let pid: pid_t
    private let log: String
    private var isRunning = true

    /// - Parameters:
    ///   - command: an absolute path or a name to look up, and its arguments.
    ///   - log: a file that gets what the process says.
    /// - Throws: when it cannot be started.
    init(_ command: [String], log: String) throws(Failure) {
        self.log = log
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        let line = ["setpriv", "--pdeathsig", "KILL", "--"] + command
        var arguments: [UnsafeMutablePointer<CChar>?] = line.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var pid: pid_t = 0
        let status = posix_spawnp(&pid, "setpriv", &actions, nil, &arguments, environ)
        guard status == 0 else {
            throw Failure("cannot start \(command[0]): \(String(cString: strerror(status)))")
        }
        self.pid = pid
    }

    deinit { stop() }

    /// Throws once the process has ended by itself.
    func check() throws(Failure) {
        var status: Int32 = 0
        guard isRunning, waitpid(pid, &status, WNOHANG) == pid else { return }
        isRunning = false
        let signal = status & 0x7f
        let end = signal == 0 ? "exit \(status >> 8 & 0xff)" : "signal \(signal)"
        let lines = File.text(log).suffix(500).split(separator: "\n").joined(separator: "; ")
        throw Failure("the server ended (\(end)): \(lines)")
    }

    /// Kills it and waits for its end.
    func stop() {
        guard isRunning else { return }
        isRunning = false
        kill(pid, SIGKILL)
        var status: Int32 = 0
        waitpid(pid, &status, 0)
    }

    /// Runs a point against this server.
    ///
    /// - Returns: what was measured, and what a completion cost the server, as a note.
    func serve(_ run: () throws(Failure) -> Meter) throws(Failure) -> (Meter, note: String) {
        let before = try processorNanoseconds()
        let meter = try run()
        let each = (try processorNanoseconds() - before) / Double(max(1, meter.total)) / 1000
        return (meter, "\((each * 10).rounded() / 10) µs of processor each")
    }

    /// Nanoseconds that all its threads ran.
    private func processorNanoseconds() throws(Failure) -> Double {
        var clock = clockid_t()
        var time = timespec()
        guard clock_getcpuclockid(pid, &clock) == 0, clock_gettime(clock, &time) == 0 else {
            throw Failure("the processor time of process \(pid) cannot be read")
        }
        return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
    }

    /// Bytes of memory that are resident now.
    func residentBytes() throws(Failure) -> Int {
        for line in File.text("/proc/\(pid)/status").split(separator: "\n")
        where line.hasPrefix("VmRSS:") {
            if let kibibytes = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) {
                return kibibytes << 10
            }
        }
        throw Failure("/proc/\(pid)/status does not tell VmRSS")
    }
}
