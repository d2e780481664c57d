import CPlatform
import Engine
import Glibc
import Primitives
import Synchronization

/// Watches the directory of the configuration file on a thread of its own, and takes edits while
/// the engine runs.
///
/// It looks once as it begins, and then whenever the directory has changed and been quiet for a
/// while. A file that is wrong in any way, or gone, changes nothing, and is told of.
final class ConfigurationWatch: Sendable {
    private let sources: Configuration.Sources
    private let started: Configuration.Loaded
    private let report: Report
    private let apply: @Sendable (Configuration) -> Void
    private let isStopped = Atomic(false)

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
        guard Self.isFile(path) else {
            // What was read of a pipe is gone: another look would find it empty.
            return tell(.info, "\(name) is no file: edits of it do not count")
        }
        do throws(DirectoryWatch.SystemError) {
            let watch = try DirectoryWatch()
            try watch.add(directory)
            if CoreThread.tryStart({ self.run(watch, name, path) }) { return }
            tellUnwatched(directory, of: name, "the system has no room for one more thread")
        } catch {
            tellUnwatched(directory, of: name, "\(error)")
        }
    }

    private func tellUnwatched(_ directory: String, of name: String, _ reason: String) {
        tell(
            .warning,
            "\(directory) cannot be watched (\(reason)): edits of \(name) count from the next "
                + "start on"
        )
    }

    private static func isFile(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }

    /// Edits count no more. The thread ends with the process.
    func stop() { isStopped.store(true, ordering: .relaxed) }

    private func run(_ watch: DirectoryWatch, _ name: String, _ path: String) {
        platform_name_thread("iii-config")
        var last = Result<Configuration.Loaded, ConfigurationErrors>.success(started)
        var inForce = started
        // At once: the start read the file before there was a watch to see it edited.
        repeat {
            if isStopped.load(ordering: .relaxed) { return }
            watchTarget(of: path, watch)
            let found = load(name)
            guard found != last else { continue }
            last = found
            switch found {
            case .failure(let errors): refuse(errors, name)
            case .success(let loaded): take(loaded, &inForce, name)
            }
        } while watch.waitForChange()
    }

    /// Where the file is a link, what it leads to may be edited without the link's directory
    /// noticing; and it may lead elsewhere after an edit.
    private func watchTarget(of path: String, _ watch: DirectoryWatch) {
        guard let resolved = realpath(path, nil) else { return }
        defer { free(resolved) }
        let directory = Configuration.directory(of: String(cString: resolved))
        // Where it cannot be watched, the link's own directory still is.
        try? watch.add(directory)
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
            apply(started.configuration.takingLiveKeys(of: loaded.configuration))
            tell(.info, "\(name) was read again, and is in force: \(edit.live.text)")
        }
        guard !edit.pending.isEmpty else { return }
        // Whatever files have said since, it is what the engine was started with that is in force.
        let pending = ConfigurationEdit(from: started, to: loaded).pending
        if pending.isEmpty {
            tell(.info, "\(name) was read again: nothing needs a restart any more")
        } else {
            tell(.warning, "\(name) was read again; this needs a restart: \(pending.text)")
        }
    }

    private func tell(_ severity: Notice.Severity, _ text: String) {
        report.notice(Notice(severity: severity, paragraph: text))
    }
}

extension [String] {
    fileprivate var text: String { joined(separator: ", ") }
}
