import Disk
import Engine
import Glibc
import LogTools
import Primitives
import RecordFormat

/// Looks at a configuration and at this machine as an engine would that starts with them. It leaves
/// everything as it is: takes no lock, makes no file, and listens for a moment only.
package struct Doctor {
    /// What came of one check.
    package struct Finding: Equatable, Sendable {
        package enum Outcome: Equatable, Sendable {
            case ok
            /// An engine starts, and whoever runs it should know.
            case warning
            /// No engine starts: of what kind, and with which code.
            case fault(ServeError.Kind, code: String)
        }

        /// What was looked at.
        package let subject: String
        package let outcome: Outcome
        /// One line: what is so and, where that is not well, the way out.
        package let text: String

        init(_ subject: String, _ outcome: Outcome, _ text: String) {
            self.subject = subject
            self.outcome = outcome
            self.text = Self.line(text)
        }

        /// Several lines as one: each is a sentence of its own.
        private static func line(_ text: String) -> String {
            text.split(separator: "\n").reduce(into: "") { line, next in
                if let end = line.last { line += end.isPunctuation ? " " : ". " }
                line += next
            }
        }

        init(_ subject: String, _ error: ServeError) {
            self.init(subject, .fault(error.kind, code: error.code), error.message)
        }
    }

    let configuration: Configuration

    var path: String { configuration.engine.data }

    /// Tells what is found, one check after the other, in the order in which a start would come to
    /// them: the first fault is what would end it. `progress` is told how much of the log was read,
    /// from 0 to 1.
    package static func examine(
        _ sources: Configuration.Sources,
        progress: @escaping (Double) -> Void,
        tell: (Finding) -> Void
    ) async {
        let loaded: Configuration.Loaded
        do throws(ConfigurationErrors) {
            loaded = try Configuration.load(from: sources, version: Server.version)
        } catch {
            for one in error.errors {
                let fault = Finding.Outcome.fault(.configuration, code: one.code.rawValue)
                tell(Finding("configuration", fault, one.description))
            }
            return tell(kernel())
        }
        for warning in loaded.warnings {
            tell(Finding("configuration", .warning, warning.description))
        }
        let name = loaded.file.map { "\($0) can be used" } ?? "no file: all settings are defaults"
        tell(Finding("configuration", .ok, name))
        let doctor = Doctor(configuration: loaded.configuration)
        tell(kernel())
        tell(doctor.device())
        let (directory, condition) = doctor.directory()
        tell(directory)
        if let condition {
            tell(doctor.fileSystem())
            tell(doctor.room(condition))
            tell(doctor.log(condition, progress: progress))
        }
        tell(doctor.clock())
        tell(timeZones())
        tell(doctor.descriptors())
        for finding in doctor.namedFiles() { tell(finding) }
        for finding in doctor.processes(sources.environment) { tell(finding) }
        if let collector = doctor.collector(sources.environment) { tell(collector) }
        tell(doctor.encryption())
        for finding in await doctor.ports() { tell(finding) }
    }
}

extension Doctor {
    /// Where telemetry would be sent, and how; nil: nowhere. Nothing is sent.
    private func collector(_ environment: [String: String]) -> Finding? {
        TelemetryExporter.Settings(configuration.observability, environment).map { settings in
            let form = settings.isJSON ? Configuration.OTLPProtocol.json : .protobuf
            return Finding("collector", .ok, "\(settings.base) by \(form.rawValue)")
        }
    }
}

// MARK: The machine

extension Doctor {
    /// The first kernel whose io_uring has all that is used of it (`IORING_FEAT_EXT_ARG`).
    private static let oldestKernel = [5, 11]

    private static func kernel() -> Finding {
        let release: String
        do throws(ConfigurationFile.ReadError) {
            release = try ConfigurationFile.read("/proc/sys/kernel/osrelease")
        } catch {
            return Finding("kernel", .warning, "its version cannot be read from /proc: \(error)")
        }
        let version = release.prefix { !$0.isWhitespace }
        let numbers = version.split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
        if numbers.lexicographicallyPrecedes(oldestKernel) {
            let text =
                "Linux \(version) is older than 5.11: plain system calls take io_uring's place, "
                + "which is slower; use a newer kernel"
            return Finding("kernel", .warning, text)
        }
        return Finding("kernel", .ok, "Linux \(version)")
    }

    /// How the log would reach the disk.
    private func device() -> Finding {
        let subject = "log device"
        guard configuration.log.io != .plain else {
            return Finding(subject, .ok, "plain system calls, as log.io says")
        }
        do throws(StorageError) {
            let storage = try UringStorage(path: path, waker: try Waker())
            return Finding(subject, .ok, storage.backend)
        } catch {
            guard configuration.log.io == .auto, case .ringUnavailable = error else {
                return Finding(subject, ServeError(error))
            }
            let text =
                "\(error): plain system calls are used, which are slower; in a container its "
                + "seccomp profile may forbid it, set log.io to \"plain\" where that is meant"
            return Finding(subject, .warning, text)
        }
    }

    /// Before this there was no engine: 2025-01-01.
    private static let earliest = Timestamp(seconds: 1_735_689_600)

    /// Records, delays, cron slots and retention go by the clock; in a log time never goes back.
    private func clock() -> Finding {
        let now = SystemClock().now().wall
        guard now >= Self.earliest else {
            return Finding(
                "clock",
                .warning,
                "it says \(now.rfc3339()), which cannot be: set it (timedatectl), or records get "
                    + "that time, and cron jobs and retention go by it"
            )
        }
        if let notice = endOfLog().flatMap({ ClockWatch.notice(end: $0, wall: now) }) {
            let text = "\(notice.text); if the clock is wrong, set it (timedatectl)"
            return Finding("clock", .warning, text)
        }
        return Finding("clock", .ok, now.rfc3339())
    }

    /// The time at the log's end, for which its newest segment is enough; nil: nothing tells. What
    /// cannot be read was told of by then.
    private func endOfLog() -> Timestamp? {
        guard let log = try? LogPass(.directory(path)), let pages = try? log.segments() else {
            return nil
        }
        let headers = pages.compactMap { page -> SegmentHeader? in
            guard case .valid(let header) = page.reading else { return nil }
            return header
        }
        guard let newest = headers.last else { return nil }
        var end = newest.created
        _ = try? log.read(from: newest.base) { record in
            end = max(end, record.time)
            return true
        }
        return end
    }

    private static func timeZones() -> Finding {
        let (subject, place) = ("time zones", ZoneDatabase.directory)
        guard ZoneDatabase.isMissing else { return Finding(subject, .ok, "as \(place) has them") }
        return Finding(
            subject,
            .warning,
            "\(place) is missing or empty: cron triggers can name none but UTC; install tzdata"
        )
    }

    /// The engine raises its own limit as far as it may (`Server/prepareProcess`).
    private func descriptors() -> Finding {
        let subject = "open files"
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return Finding(subject, .warning, "the limit cannot be asked: \(Self.reason)")
        }
        let most = Int(clamping: limit.rlim_max)
        do throws(ServeError) {
            let budget = try DescriptorBudget(configuration, limit: most, loops: Server.loops)
            let notice = budget.notice.map { Finding(subject, .warning, $0) }
            return notice ?? Finding(subject, .ok, "up to \(most)")
        } catch {
            return Finding(subject, error)
        }
    }

    /// Why the last system call failed.
    static var reason: String { String(cString: strerror(errno)) }
}
