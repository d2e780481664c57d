import Foundation
import Glibc

/// A real engine on loopback with a data directory of its own.
final class EngineProcess {
    let scratch: Scratch
    let data: String
    /// Further arguments of `iii serve`, after the usual ones.
    let arguments: [String]
    /// Variables of the engine's process, over the test's own.
    var environment: [String: String] = [:]
    /// A command that starts the engine, its own arguments in front: `prlimit …`.
    let launcher: [String]
    /// The command that runs the engine: `serve` or `dev`.
    let verb: String
    private var child: ChildProcess?
    private var starts = 0
    /// Its ports, while it is down: other tests run beside this one.
    private var held: [HeldPort] = []
    private(set) var workerPort = 0
    private(set) var httpPort = 0
    private(set) var streamPort = 0
    private(set) var dashboardPort = 0
    /// Of further listeners for workers.
    private(set) var listenerPorts: [Int] = []

    init(
        in scratch: Scratch,
        _ arguments: [String] = [],
        launcher: [String] = [],
        verb: String = "serve"
    ) {
        self.verb = verb
        self.scratch = scratch
        self.arguments = arguments
        self.launcher = launcher
        data = scratch("data")
    }

    deinit {
        // Before its files go.
        child?.kill9()
    }

    /// Starts an engine in a directory of its own.
    static func started(_ arguments: [String] = []) throws -> EngineProcess {
        let engine = EngineProcess(in: try Scratch(), arguments)
        try engine.start()
        return engine
    }

    var url: String { "ws://127.0.0.1:\(workerPort)" }
    var pid: pid_t { child?.pid ?? 0 }
    var errors: String { child?.errors ?? "" }

    /// Starts it and waits until it listens: on free ports first, on the same ones afterwards.
    func start() throws {
        let isFirst = workerPort == 0
        try eventually("the ports of \(data) are free again") { () -> Void? in
            do {
                return try startOnce()
            } catch  where !isFirst && errors.contains("error[listen.failed]") {
                // Meanwhile the kernel may have given one to another test that connects somewhere.
                return nil
            }
        }
    }

    private func startOnce() throws {
        try launch()
        guard let started = child else { throw Failure("the engine was not started") }
        try eventually("the engine writes \(portsFile)") { () -> Void? in
            if let ports = EngineProcess.ports(in: portsFile) {
                (workerPort, httpPort, streamPort, dashboardPort, listenerPorts) = ports
                return ()
            }
            guard started.isRunning else {
                let ending = started.ending.map(\.description) ?? "ended"
                throw Failure("the engine did not start, \(ending):\n\(started.errors)")
            }
            return nil
        }
    }

    /// Starts it and does not wait.
    func launch() throws {
        starts += 1
        child = try ChildProcess(
            serve(["--ports-file", portsFile]),
            label: label,
            in: scratch,
            environment: environment
        )
    }

    /// Starts it where it should refuse to run, and waits for its end.
    func refused() throws -> Outcome {
        try run(serve(), in: scratch)
    }

    private var label: String { "engine-\(starts)" }
    private var portsFile: String { scratch("ports-\(starts).json") }
    private func serve(_ more: [String] = []) -> [String] {
        launcher + [Project.engine, verb] + more + [
            "--data", data,
            "--set", "engine.address=127.0.0.1:\(workerPort)",
            "--set", "http.address=127.0.0.1:\(httpPort)",
            "--set", "stream.address=127.0.0.1:\(streamPort)",
            "--set", "observability.dashboard_address=127.0.0.1:\(dashboardPort)",
        ] + arguments
    }

    private static func ports(
        in file: String
    ) -> (worker: Int, http: Int, stream: Int, dashboard: Int, listeners: [Int])? {
        let ports = JSON.object(text(of: file))
        guard let worker = ports["worker"] as? Int, let http = ports["http"] as? Int,
            let stream = ports["stream"] as? Int
        else {
            return nil
        }
        let dashboard = ports["dashboard"] as? Int ?? 0
        return (worker, http, stream, dashboard, ports["worker_listeners"] as? [Int] ?? [])
    }

    /// SIGTERM, and waits for the end.
    @discardableResult
    func stop() throws -> Ending {
        guard let child else { throw Failure("the engine was never started") }
        child.send(SIGTERM)
        return try ended(child)
    }

    func terminate() {
        child?.send(SIGTERM)
    }

    @discardableResult
    func wait() throws -> Ending {
        guard let child else { throw Failure("the engine was never started") }
        return try ended(child)
    }

    func kill9() {
        child?.kill9()
        hold()
    }

    private func ended(_ child: ChildProcess) throws -> Ending {
        let ending = try child.wait()
        hold()
        return ending
    }

    private func hold() {
        guard held.isEmpty else { return }
        let ports = [workerPort, httpPort, streamPort, dashboardPort] + listenerPorts
        held = ports.filter { $0 > 0 }.compactMap { try? HeldPort(of: $0) }
    }

    /// Runs `iii-log` on the data directory.
    func log(_ arguments: String..., within seconds: Double = 60) throws -> Outcome {
        try run([Project.log, "-D", data] + arguments, in: scratch, within: seconds)
    }
}
