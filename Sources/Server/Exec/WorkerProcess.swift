import CPlatform
import Dashboard
import Disk
import Engine
import Glibc
import Primitives

/// One worker process of the configuration: keeps to its ``ProcessPlan``, passes on what it writes,
/// and says what becomes of it. For the thread of ``WorkerProcesses``.
final class WorkerProcess {
    let exec: Configuration.Exec
    /// How it is, for others.
    private(set) var row: ProcessRow
    private let host: WorkerProcesses.Host
    private var plan: ProcessPlan
    private var child: ChildProcess?
    private var outputs: [Output] = []
    private var startedAt: UInt64 = 0
    /// That of the last one that has ended.
    private var formerGroup: Int32?
    private let watch: FileWatch?

    private struct Output {
        let descriptor: Int32
        var lines: OutputLines
    }

    /// Reads of one stream before others have their turn, and of what an ended process has left.
    private static let readsAtOnce = 16

    init(_ exec: Configuration.Exec, _ host: WorkerProcesses.Host, now: UInt64) {
        self.exec = exec
        self.host = host
        row = ProcessRow(name: exec.name, since: SystemClock().now().wall)
        plan = ProcessPlan(exec, now: now)
        watch = Self.watch(exec, host)
    }

    private static func watch(
        _ exec: Configuration.Exec,
        _ host: WorkerProcesses.Host
    ) -> FileWatch? {
        var patterns = exec.watch.map { WatchPattern($0, in: exec.directory) }
        if patterns.isEmpty, host.watchesSources { patterns = [.sources(in: exec.directory)] }
        guard !patterns.isEmpty else { return nil }
        do throws(SystemError) {
            let watch = try FileWatch(patterns, ignoring: [host.data])
            for problem in watch.problems {
                host.tell(.warning, exec, "does not start anew for all changes: \(problem)")
            }
            return watch
        } catch {
            host.tell(.warning, exec, "does not start anew when files change: \(error)")
            return nil
        }
    }

    /// Whether it has ended for good.
    var isOver: Bool { plan.isOver }

    /// When ``act(at:)`` has something to do; nil: not before one of `descriptors` is readable.
    var due: UInt64? { plan.due }

    /// What is to be waited for.
    var descriptors: [Int32] {
        let own = [watch?.descriptor, child?.ending].compactMap { $0 }
        return own + outputs.map(\.descriptor)
    }

    /// It is to end.
    func stop() { plan.stop() }

    /// Takes what has happened since the last call, and does what is due.
    func act(at now: UInt64) {
        if watch?.takeChanges() == true { plan.change(at: now) }
        for index in outputs.indices { read(index, now) }
        outputs.removeAll { $0.descriptor < 0 }
        if let formerGroup { platform_reap_group(formerGroup) }
        if let end = child?.takeEnd() { ended(end, now) }
        switch plan.next(now) {
        case .start: start(now)
        case .terminate: child?.send(SIGTERM)
        case .kill:
            child?.send(SIGKILL)
            host.tell(.warning, exec, "did not end within \(Quantity.text(exec.stopTimeout))")
        case nil: break
        }
        if row.state != plan.state {
            row.state = plan.state
            row.since = SystemClock().now().wall
        }
    }

    private func start(_ now: UInt64) {
        do throws(ChildProcess.StartError) {
            let environment = ChildEnvironment(of: exec, host.environment, url: host.url)
            let new = try ChildProcess(
                exec.command,
                in: exec.directory,
                environment,
                host.surroundings
            )
            child = new
            formerGroup = nil
            outputs = [new.output, new.errors].map {
                Output(descriptor: $0, lines: OutputLines(now: now))
            }
            startedAt = now
            plan.started(at: now)
            row.pid = new.number
            row.starts += 1
            host.tell(.info, exec, "runs as process \(new.number)")
        } catch {
            let wait = plan.failed(at: now)
            let text = "cannot start: \(error)"
            row.lastEnding = ProcessRow.Ending(time: SystemClock().now().wall, text: text)
            host.tell(.error, exec, "\(text); \(Self.again(wait))")
        }
    }

    private func ended(_ end: ChildProcess.End, _ now: UInt64) {
        for index in outputs.indices {
            read(index, now)
            close(index)
        }
        outputs = []
        formerGroup = child?.number
        child = nil
        row.pid = nil
        row.lastEnding = ProcessRow.Ending(end, at: SystemClock().now().wall)
        let isGood = end == .exit(0)
        let wait = plan.ended(successfully: isGood, at: now)
        // Who was asked to end has done what it should.
        guard wait != 0, !plan.isOver else { return }
        let span = Timestamp.Span.milliseconds(Int64(clamping: (now - startedAt) / 1_000_000))
        let next = wait.map(Self.again) ?? "it is not started again (restart = \"\(restart)\")"
        let severity: Notice.Severity = isGood ? .info : wait == nil ? .error : .warning
        host.tell(severity, exec, "\(end) after \(Quantity.text(span)); \(next)")
    }

    private var restart: String { exec.restart.rawValue }

    private static func again(_ wait: UInt64) -> String {
        "it starts again in \(wait / 1_000_000_000) s"
    }

    private func read(_ index: Int, _ now: UInt64) {
        guard outputs[index].descriptor >= 0 else { return }
        var bytes = [UInt8](repeating: 0, count: 16 << 10)
        for _ in 0..<Self.readsAtOnce {
            let count = Glibc.read(outputs[index].descriptor, &bytes, bytes.count)
            if count > 0 {
                say(outputs[index].lines.take(bytes[..<count], now: now))
                continue
            }
            if count == 0 { close(index) }
            break
        }
        let dropped = outputs[index].lines.takeDropped()
        if dropped > 0 {
            host.tell(.warning, exec, "writes too fast: \(dropped) lines of it are not said here")
        }
    }

    private func close(_ index: Int) {
        guard outputs[index].descriptor >= 0 else { return }
        say(outputs[index].lines.finish())
        Glibc.close(outputs[index].descriptor)
        outputs[index] = Output(descriptor: -1, lines: outputs[index].lines)
    }

    private func say(_ lines: [String]) {
        for line in lines { host.report.output(of: exec.name, line) }
    }
}

extension ProcessRow.Ending {
    fileprivate init(_ end: ChildProcess.End, at time: Timestamp) {
        switch end {
        case .exit(let status): self.init(time: time, status: status, text: "\(end)")
        case .signal(let number): self.init(time: time, signal: number, text: "\(end)")
        }
    }
}
