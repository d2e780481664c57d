import CPlatform
import Disk
import Engine
import Glibc
import Primitives
import Synchronization

/// Reads the configuration again while the engine runs: when its file is edited, which a thread of
/// its own watches for, and when it is told to.
///
/// It looks once as it begins, and then whenever something on the way to the file has changed and
/// been quiet for a while. A file that is wrong in any way, or gone, changes nothing, and is told
/// of.
final class ConfigurationWatch: Sendable {
    /// What came of reading the file again.
    struct Outcome {
        /// What is in force now.
        let inForce: Configuration
        /// What waits for a restart, as it is told.
        let pending: [String]
        /// Whether the file could be taken as it is.
        let isTaken: Bool
    }

    private struct State {
        var last: Result<Configuration.Loaded, ConfigurationErrors>
        /// The newest that could be taken.
        var taken: Configuration.Loaded
    }

    private let sources: Configuration.Sources
    private let started: Configuration.Loaded
    private let report: Report
    private let apply: @Sendable (Outcome) -> Void
    /// Held while the file is read, which may take as long as its disk does.
    private let state: Mutex<State>
    private let isStopped = Atomic(false)

    /// `apply` is called for everything new that was read, one call after the other, on any thread.
    init(
        _ loaded: Configuration.Loaded,
        from sources: Configuration.Sources,
        report: Report,
        apply: @escaping @Sendable (Outcome) -> Void
    ) {
        started = loaded
        self.sources = sources
        self.report = report
        self.apply = apply
        state = Mutex(State(last: .success(loaded), taken: loaded))
    }

    /// Begins to watch; without a file there is nothing to watch.
    func start() {
        guard let (name, path) = file else { return }
        guard Self.isFile(path) else {
            return tell(.info, "\(name) is no file: edits of it do not count")
        }
        do throws(SystemError) {
            let watch = try DirectoryWatch()
            try watch.attend(path)
            if ServerThread.tryStart({ self.run(watch, name, path) }) { return }
            tellUnwatched(name, "the system has no room for one more thread")
        } catch {
            tellUnwatched(name, "\(error)")
        }
    }

    private func tellUnwatched(_ name: String, _ reason: String) {
        tell(
            .warning,
            "\(name) cannot be watched (\(reason)): edits of it count from the next SIGHUP or start on"
        )
    }

    /// Reads the file now, edited or not, and says what came of it. Any thread.
    func readAgain() {
        guard let (name, path) = file else {
            return tell(.info, "there is no configuration file to read again")
        }
        guard Self.isReadAgain(path) else {
            return tell(.info, "\(name) is no file, and is not read again")
        }
        look(name, path, isAsked: true)
    }

    /// Edits count no more, but for one that is being taken. Waits for nobody: not for a read that
    /// does not end. The thread ends with the process.
    func stop() { isStopped.store(true, ordering: .releasing) }

    /// As the user would name it, and where it is.
    private var file: (name: String, path: String)? {
        guard let name = started.file, let path = started.path else { return nil }
        return (name, path)
    }

    /// What was read of a pipe is gone: another look would find it empty.
    private static func isFile(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }

    private static func isThere(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// That a file has gone is told by the attempt to read it.
    private static func isReadAgain(_ path: String) -> Bool { isFile(path) || !isThere(path) }

    private func run(_ watch: DirectoryWatch, _ name: String, _ path: String) {
        platform_name_thread("iii-config")
        // At once: the start read the file before there was a watch to see it edited.
        repeat {
            do throws(SystemError) { try watch.attend(path) } catch {
                tellUnwatched(name, "\(error)")
                return look(name, path)
            }
            look(name, path)
        } while watch.waitForChange()
    }

    /// Reads the file, and takes what is new of it; who asked is told that nothing is, too.
    private func look(_ name: String, _ path: String, isAsked: Bool = false) {
        state.withLock { state in
            guard !isStopped.load(ordering: .acquiring), Self.isReadAgain(path) else { return }
            let found = load(name)
            guard !isStopped.load(ordering: .acquiring) else { return }
            guard isAsked || found != state.last else { return }
            state.last = found
            switch found {
            case .failure(let errors): refuse(errors, state.taken, name)
            case .success(let loaded):
                take(loaded, after: state.taken, name)
                state.taken = loaded
            }
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

    private func refuse(
        _ errors: ConfigurationErrors,
        _ taken: Configuration.Loaded,
        _ name: String
    ) {
        tell(
            .error,
            "\(name) was edited and is not taken; what was read before stays in force:\n\(errors)"
        )
        apply(outcome(of: taken, isTaken: false))
    }

    private func take(
        _ loaded: Configuration.Loaded,
        after before: Configuration.Loaded,
        _ name: String
    ) {
        for warning in loaded.warnings where !before.warnings.contains(warning) {
            tell(.warning, "\(warning)")
        }
        let edit = ConfigurationEdit(from: before, to: loaded)
        let outcome = outcome(of: loaded, isTaken: true)
        apply(outcome)
        guard !edit.isEmpty else {
            return tell(.info, "\(name) was read again: what was read before is in force")
        }
        if !edit.live.isEmpty {
            tell(.info, "\(name) was read again, and is in force: \(edit.live.text)")
        }
        guard !edit.pending.isEmpty else { return }
        if outcome.pending.isEmpty {
            tell(.info, "\(name) was read again: nothing needs a restart any more")
        } else {
            tell(.warning, "\(name) was read again; this needs a restart: \(outcome.pending.text)")
        }
    }

    /// Whatever files have said since, it is what the engine was started with that is in force of
    /// what needs a restart.
    private func outcome(of loaded: Configuration.Loaded, isTaken: Bool) -> Outcome {
        Outcome(
            inForce: started.configuration.takingLiveKeys(of: loaded.configuration),
            pending: ConfigurationEdit(from: started, to: loaded).pending,
            isTaken: isTaken
        )
    }

    private func tell(_ severity: Notice.Severity, _ text: String) {
        report.notice(Notice(severity: severity, paragraph: text))
    }
}

extension [String] {
    fileprivate var text: String { joined(separator: ", ") }
}
