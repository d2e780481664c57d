import CPlatform
import Engine
import Glibc
import Primitives
import Synchronization

/// Watches the directory of the configuration file on a thread of its own, and takes edits while
/// the engine runs.
///
/// The directory and not the file: editors write another file and rename it, and a volume of an
/// orchestrator swaps a link. Nothing is done before the directory has been quiet for ``quiet``.
/// A file that is wrong in any way, or gone, changes nothing, and is told of.
final class ConfigurationWatch: Sendable {
    private let sources: Configuration.Sources
    private let started: Configuration.Loaded
    private let report: Report
    private let apply: @Sendable (Configuration) -> Void
    private let isStopped = Atomic(false)

    /// In milliseconds.
    private static let quiet: Int32 = 500
    /// In nanoseconds: a directory in which something always happens is looked at, too.
    private static let patience: UInt64 = 5_000_000_000

    /// `apply` is called on the watch's thread.
    init(
        _ loaded: Configuration.Loaded,
        from sources: Configuration.Sources,
        report: Report,
        apply: @escaping @Sendable (Configuration) -> Void
    ) {
        started = loaded
        self.sources = sources
        self.report = report
        self.apply = apply
    }

    /// Begins to watch; without a file there is nothing to watch.
    func start() {
        guard let name = started.file else { return }
        let path = Configuration.absolute(name, from: sources.workingDirectory)
        let directory = Configuration.directory(of: path)
        let watch = inotify_init1(Int32(IN_CLOEXEC))
        let events = IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_MOVED_FROM
        guard watch >= 0, inotify_add_watch(watch, directory, UInt32(events)) >= 0 else {
            let reason = String(cString: strerror(errno))
            if watch >= 0 { close(watch) }
            return tell(
                .warning,
                "\(directory) cannot be watched (\(reason)): edits of \(name) count from the next "
                    + "start on"
            )
        }
        CoreThread.start { self.run(watch, name) }
    }

    /// Edits count no more. The thread ends with the process.
    func stop() { isStopped.store(true, ordering: .relaxed) }

    private func run(_ watch: Int32, _ name: String) {
        platform_name_thread("iii-config")
        var last = Result<Configuration.Loaded, ConfigurationErrors>.success(started)
        var inForce = started
        while Self.wait(watch, for: -1) {
            let limit = SystemClock().now().monotonic + Self.patience
            while Self.wait(watch, for: Self.quiet), SystemClock().now().monotonic < limit {}
            if isStopped.load(ordering: .relaxed) { return }
            let found = load(name)
            guard found != last else { continue }
            last = found
            switch found {
            case .failure(let errors): refuse(errors, name)
            case .success(let loaded): take(loaded, &inForce, name)
            }
        }
    }

    /// - Returns: whether something happened, all of which has been read then.
    private static func wait(_ watch: Int32, for milliseconds: Int32) -> Bool {
        var poll = pollfd(fd: watch, events: Int16(POLLIN), revents: 0)
        while true {
            let count = Glibc.poll(&poll, 1, milliseconds)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            var bytes = [UInt8](repeating: 0, count: 16 << 10)
            return read(watch, &bytes, bytes.count) > 0
        }
    }

    private func load(_ name: String) -> Result<Configuration.Loaded, ConfigurationErrors> {
        // The same file, and not whatever else would be found without it.
        var sources = sources
        sources.file = name
        do throws(ConfigurationErrors) {
            return .success(try Configuration.load(from: sources, version: Server.version))
        } catch {
            return .failure(error)
        }
    }

    private func refuse(_ errors: ConfigurationErrors, _ name: String) {
        tell(
            .error,
            "\(name) was edited and is not taken; what was read before stays in force:\n\(errors)"
        )
    }

    private func take(
        _ loaded: Configuration.Loaded,
        _ inForce: inout Configuration.Loaded,
        _ name: String
    ) {
        for warning in loaded.warnings where !inForce.warnings.contains(warning) {
            tell(.warning, "\(warning)")
        }
        let edit = ConfigurationEdit(from: inForce, to: loaded)
        inForce = loaded
        guard !edit.isEmpty else {
            return tell(.info, "\(name) was read again: what was read before is in force")
        }
        if !edit.live.isEmpty {
            apply(loaded.configuration)
            tell(.info, "\(name) was read again, and is in force: \(edit.live.text)")
        }
        if !edit.pending.isEmpty {
            tell(.warning, "\(name) was read again; this needs a restart: \(edit.pending.text)")
        }
    }

    private func tell(_ severity: Notice.Severity, _ text: String) {
        report.notice(Notice(severity: severity, text: text))
    }
}

extension [String] {
    fileprivate var text: String { joined(separator: ", ") }
}
