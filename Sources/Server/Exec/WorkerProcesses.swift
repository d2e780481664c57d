import CPlatform
import Dashboard
import Engine
import Glibc
import Primitives
import Synchronization

/// Starts the worker processes of the configuration, and keeps them running, on a thread of its
/// own. That thread lives as long as they shall: the kernel kills them when it ends, however the
/// engine ended. What they have started itself ends with them wherever the engine has its say in
/// that (`platform_end_groups`): not where it is killed.
final class WorkerProcesses: Sendable {
    /// What every one of them has of the engine.
    struct Host {
        /// Where workers connect.
        let url: String
        /// The engine's own.
        let environment: [String: String]
        let surroundings: ChildProcess.Surroundings
        /// The data directory: what happens in there is no edit.
        let data: String
        /// Whether edits of sources start those anew that say nothing of files (`iii dev`).
        let watchesSources: Bool
        /// Where others see how they are.
        let board: ProcessBoard
        let report: Report

        func tell(_ severity: Notice.Severity, _ exec: Configuration.Exec, _ text: String) {
            let text = "worker process \"\(exec.name)\" \(text)"
            report.notice(Notice(severity: severity, text: text))
        }
    }

    private struct Orders {
        var wanted: [Configuration.Exec] = []
        /// Who waits for the end of all.
        var stopping: [CheckedContinuation<Void, Never>] = []
        var isStopped = false
        var hasThread = false
    }

    private let host: Host
    private let start: ServerThread.Start
    private let orders = Mutex(Orders())
    /// Readable when there are new orders; not open where the system has no descriptor left.
    private let bell: Int32

    init(_ host: Host, start: @escaping ServerThread.Start = ServerThread.tryStart) {
        self.host = host
        self.start = start
        bell = platform_eventfd()
    }

    deinit { if bell >= 0 { platform_close(bell) } }

    /// Starts those of `wanted` that do not run, and ends those that run and are not wanted so. Any
    /// thread. Where there is no thread for them that is told, and the next call tries again.
    func want(_ wanted: [Configuration.Exec]) {
        let starts = orders.withLock { orders in
            guard !orders.isStopped else { return false }
            orders.wanted = wanted
            guard !orders.hasThread, !wanted.isEmpty else { return false }
            orders.hasThread = true
            return true
        }
        platform_eventfd_ring(bell)
        guard starts, !start({ self.run() }) else { return }
        abandon()
    }

    /// There is no thread: nothing runs, and who waits for the end of all need not. Others may have
    /// given orders meanwhile, which counted on that thread.
    private func abandon() {
        let (stopping, wanted) = orders.withLock { orders in
            orders.hasThread = false
            defer { orders.stopping = [] }
            return (orders.stopping, orders.wanted)
        }
        for waiting in stopping { waiting.resume() }
        for exec in wanted {
            host.tell(
                .error,
                exec,
                "was not started: the system has no room for one more thread. It will be tried "
                    + "again when the configuration is edited"
            )
        }
    }

    /// Ends all of them, each within its `stop_timeout`.
    ///
    /// - Returns: when none is left.
    func stop() async {
        await withCheckedContinuation { continuation in
            let isIdle = orders.withLock { orders in
                orders.isStopped = true
                orders.wanted = []
                guard orders.hasThread else { return true }
                orders.stopping.append(continuation)
                return false
            }
            if isIdle { return continuation.resume() }
            platform_eventfd_ring(bell)
        }
    }

    private func run() {
        platform_name_thread("iii-exec")
        var processes: [WorkerProcess] = []
        while true {
            platform_eventfd_clear(bell)
            let now = SystemClock().now().monotonic
            settle(&processes, now)
            for process in processes { process.act(at: now) }
            let count = processes.count
            processes.removeAll { $0.isOver }
            host.board.tell(processes.map(\.row))
            if processes.isEmpty, isDone() { return }
            // Another may have waited for the name of one that is gone.
            if processes.count == count { wait(for: processes) }
        }
    }

    /// Tells those to end that are not wanted, and adds those that are missing, but for one whose
    /// name another still has.
    private func settle(_ processes: inout [WorkerProcess], _ now: UInt64) {
        let wanted = orders.withLock { $0.wanted }
        for process in processes where !wanted.contains(process.exec) { process.stop() }
        for exec in wanted where !processes.contains(where: { $0.exec.name == exec.name }) {
            processes.append(WorkerProcess(exec, host, now: now))
        }
    }

    private func isDone() -> Bool {
        orders.withLock { orders in
            guard orders.isStopped else { return false }
            for waiting in orders.stopping { waiting.resume() }
            orders = Orders()
            orders.isStopped = true
            return true
        }
    }

    private func wait(for processes: [WorkerProcess]) {
        let descriptors = [bell] + processes.flatMap(\.descriptors)
        var polls = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        let now = SystemClock().now().monotonic
        var limit: Int32 = -1
        if let due = processes.compactMap(\.due).min() {
            // Rounded up: a millisecond too early would be one more turn.
            limit = due <= now ? 0 : Int32(clamping: (due - now + 999_999) / 1_000_000)
        }
        _ = poll(&polls, nfds_t(polls.count), limit)
    }
}
