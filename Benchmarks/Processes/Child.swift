import Glibc

/// A server process, in a process group of its own. The kernel kills it when this program ends,
/// however that ends: `setpriv` asks for that, and then becomes the server.
final class Child {
    let pid: pid_t
    private let log: String
    private let stopSignal: Int32
    private var isRunning = true

    /// - Parameters:
    ///   - command: an absolute path or a name to look up, and its arguments.
    ///   - user: whom it runs as, if not as this program's user.
    ///   - log: a file that gets what the process says.
    ///   - stopSignal: asks it to end; what is still there 5 s later is killed.
    /// - Throws: when it cannot be started.
    init(
        _ command: [String],
        as user: String? = nil,
        log: String,
        stopSignal: Int32 = SIGKILL
    ) throws(Failure) {
        self.log = log
        self.stopSignal = stopSignal
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        // Another user first: that would clear what the kernel is to do at this program's end.
        let change = user.map {
            ["setpriv", "--reuid", $0, "--regid", $0, "--init-groups", "--"]
        }
        let line = (change ?? []) + ["setpriv", "--pdeathsig", "KILL", "--"] + command
        var arguments: [UnsafeMutablePointer<CChar>?] = line.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var pid: pid_t = 0
        let status = posix_spawnp(&pid, "setpriv", &actions, &attributes, &arguments, environ)
        guard status == 0 else {
            throw Failure("cannot start \(command[0]): \(String(cString: strerror(status)))")
        }
        self.pid = pid
    }

    deinit { stop() }

    /// The path of a program that is built with this one.
    static func neighbour(_ name: String) -> String {
        var path = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &path, path.count)
        let own = String(
            decoding: path[..<max(0, count)].map(UInt8.init(bitPattern:)),
            as: UTF8.self
        )
        return own.prefix(through: own.lastIndex(of: "/") ?? own.startIndex) + name
    }

    /// The Python that scripts/bench has put into a variable of the environment.
    static func python(_ variable: String) throws(Failure) -> String {
        guard let python = getenv(variable).map({ String(cString: $0) }), !python.isEmpty else {
            throw Failure("\(variable) names no Python; scripts/bench makes one and sets it")
        }
        return python
    }

    /// Throws once the process has ended by itself.
    func check() throws(Failure) {
        guard let status = ended() else { return }
        throw failure(status)
    }

    /// Waits for a process that ends by itself when it has done what it was started for.
    func finish(within seconds: Double) throws(Failure) {
        let deadline = Monotonic.now() + UInt64(seconds * 1e9)
        while Monotonic.now() < deadline {
            if let status = ended() {
                if status != 0 { throw failure(status) }
                return
            }
            usleep(1000)
        }
        throw Failure("process \(pid) has not ended after \(Int(seconds)) s")
    }

    /// Waits until it has said a line, in the file that gets what it says.
    func awaitLine(_ line: String, in file: String, within seconds: Double) throws(Failure) {
        let deadline = Monotonic.now() + UInt64(seconds * 1e9)
        while !File.text(file).split(separator: "\n").contains(line[...]) {
            try check()
            if Monotonic.now() > deadline { throw Failure("process \(pid) does not say \(line)") }
            usleep(1000)
        }
    }

    /// Waits until something listens on a port of this machine.
    func awaitPort(_ port: UInt16, within seconds: Double) throws(Failure) {
        let deadline = Monotonic.now() + UInt64(seconds * 1e9)
        while true {
            try check()
            do throws(Failure) {
                _ = try Link(port: port)
                return
            } catch {
                if Monotonic.now() > deadline {
                    throw Failure("process \(pid) does not listen: \(error)")
                }
            }
            usleep(1000)
        }
    }

    /// How the process ended; nil while it runs.
    private func ended() -> Int32? {
        var status: Int32 = 0
        guard isRunning, waitpid(pid, &status, WNOHANG) == pid else { return nil }
        isRunning = false
        return status
    }

    private func failure(_ status: Int32) -> Failure {
        let signal = status & 0x7f
        let end = signal == 0 ? "exit \(status >> 8 & 0xff)" : "signal \(signal)"
        let lines = File.text(log).suffix(500).split(separator: "\n").joined(separator: "; ")
        return Failure("the server ended (\(end)): \(lines)")
    }

    /// Ends it and what it started in its process group, and waits for its end.
    func stop() {
        guard isRunning else { return }
        isRunning = false
        var status: Int32 = 0
        if stopSignal != SIGKILL {
            kill(pid, stopSignal)
            let deadline = Monotonic.now() + 5_000_000_000
            while Monotonic.now() < deadline {
                if waitpid(pid, &status, WNOHANG) == pid { return }
                usleep(1000)
            }
        }
        kill(-pid, SIGKILL)
        waitpid(pid, &status, 0)
    }

    /// Runs a point against this server.
    func serve(_ run: () throws(Failure) -> Meter) throws(Failure) -> Served {
        try Self.serve([self], run)
    }

    /// Runs a point against what these processes are together.
    static func serve(
        _ children: [Child],
        _ run: () throws(Failure) -> Meter
    ) throws(Failure) -> Served {
        let time = { children.reduce(0) { $0 + $1.processorNanoseconds() } }
        let before = time()
        let meter = try run()
        let all = time() - before
        return Served(meter: meter, processor: all / Double(max(1, meter.total)) / 1000)
    }

    /// Nanoseconds that all threads of it and of its children ran. Children that come or go during
    /// a point are not counted right; servers that work with processes keep one a connection.
    private func processorNanoseconds() -> Double {
        let children = File.text("/proc/\(pid)/task/\(pid)/children").split(separator: " ")
        return ([pid] + children.compactMap { pid_t($0) }).reduce(0) { sum, process in
            var clock = clockid_t()
            var time = timespec()
            guard clock_getcpuclockid(process, &clock) == 0, clock_gettime(clock, &time) == 0
            else { return sum }
            return sum + Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
        }
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

/// A measured point, and what a completion cost the server.
struct Served {
    let meter: Meter
    /// Microseconds of processor time.
    let processor: Double

    var note: String { "\((processor * 10).rounded() / 10) µs of processor each" }
}
