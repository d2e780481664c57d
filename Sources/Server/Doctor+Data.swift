import CommitLog
import Disk
import Glibc
import LogTools

// What an engine would find of its data directory.

extension Doctor {
    /// The directory itself, or where it is to be made.
    private var place: String {
        access(path, F_OK) == 0 ? path : Configuration.directory(of: path)
    }

    /// - Returns: nil in place of a condition where nothing more can be said of the directory.
    func directory() -> (Finding, DataDirectory.Condition?) {
        let subject = "data directory"
        let condition: DataDirectory.Condition
        do throws(StorageError) {
            condition = try DataDirectory.condition(of: path)
        } catch {
            return (Finding(subject, ServeError(error)), nil)
        }
        if let error = DataDirectory.refusal(of: path) {
            return (Finding(subject, ServeError(error)), condition)
        }
        if case .held(let holder) = condition {
            let error = StorageError.locked(path: path, holder: holder)
            return (Finding(subject, ServeError(error)), condition)
        }
        let place = place
        guard access(place, F_OK) == 0 else {
            let text = "\(path) cannot be made, as \(place) is not there: mkdir -p \(place)"
            return (Finding(subject, Self.unusable(text)), nil)
        }
        guard access(place, W_OK | X_OK) == 0 else {
            let text =
                "\(place) cannot be written to: \(Self.reason); give the engine's user the right "
                + "to, or name another directory with --data"
            return (Finding(subject, Self.unusable(text)), condition)
        }
        let state =
            switch condition {
            case .free: "holds a log, and no engine has it"
            case .fresh where place == path: "is empty: the first start makes a log in it"
            case .fresh, .held: "is not there: the first start makes it"
            }
        return (Finding(subject, .ok, "\(path) \(state)"), condition)
    }

    func fileSystem() -> Finding {
        let place = place
        do throws(StorageError) {
            guard let warning = try FileSystem(of: place).warning(path: place) else {
                return Finding("file system", .ok, "\(place) is on a disk of this machine")
            }
            return Finding("file system", .warning, warning)
        } catch {
            return Finding("file system", .warning, "\(error)")
        }
    }

    /// Whether the segments that come next find room.
    func room(_ condition: DataDirectory.Condition) -> Finding {
        let subject = "room"
        let place = place
        var space = statvfs()
        guard statvfs(place, &space) == 0 else {
            return Finding(subject, .warning, "\(place) cannot be asked: \(Self.reason)")
        }
        let free = Int(clamping: UInt64(space.f_bavail) * UInt64(space.f_frsize))
        let options = LogOptions(segmentBytes: configuration.log.segmentBytes)
        let first = condition == .fresh ? options.firstSegmentBytes : 0
        guard free >= first else {
            let text =
                "\(Self.size(free)) free at \(place), and the first segment takes "
                + "\(Self.size(first)): free some space, or name another directory with --data"
            return Finding(subject, Self.unusable(text))
        }
        let text = "\(Self.size(free)) free at \(place)"
        let next = options.segmentBytes
        guard free < first + next else { return Finding(subject, .ok, text) }
        return Finding(
            subject,
            .warning,
            "\(text), and the next segment takes \(Self.size(next)): without room for it no new "
                + "work is taken (STORAGE_FULL) once the last \(Self.size(options.reserveBytes)) "
                + "of a segment are reached; free some space, or lower log.segment_bytes"
        )
    }

    /// What `iii-log verify --quick` says of it.
    func log(_ condition: DataDirectory.Condition) -> Finding {
        guard condition != .fresh else { return Finding("log", .ok, "none yet") }
        do throws(ToolError) {
            let found = try Verification(LogPass(.directory(path)), depth: .quick)
            if found.verdict == .damaged {
                let damages = found.damages.prefix(3).joined(separator: "; ")
                let text =
                    "\(found.damages.count) damaged: \(damages). `iii-log -D \(path) verify` lists "
                    + "every damage; restore a backup, or see `iii-log recover`"
                let code = ToolError.Code.damaged.rawValue
                return Finding("log", .fault(.dataDamaged, code: code), text)
            }
            let torn = found.torn.map { "; \($0)" } ?? ""
            let count = found.segments == 1 ? "1 segment" : "\(found.segments) segments"
            let text = "sound in structure: \(found.records) records in \(count)"
            return Finding("log", .ok, text + torn)
        } catch {
            let kind: ServeError.Kind = error.code == .foreignDirectory ? .configuration : .storage
            return Finding("log", .fault(kind, code: error.code.rawValue), error.message)
        }
    }

    /// Whether the programs of worker processes are there. An engine starts without them, too.
    func processes(_ environment: [String: String]) -> [Finding] {
        configuration.exec.map { exec in
            let subject = "worker process \"\(exec.name)\""
            let environment = ChildEnvironment(of: exec, environment, url: "")
            do throws(ChildProcess.StartError) {
                let program = exec.command[0]
                return Finding(
                    subject,
                    .ok,
                    try ChildProcess.find(program, in: exec.directory, path: environment.path)
                )
            } catch {
                return Finding(subject, .warning, "\(error): it is tried again and again")
            }
        }
    }

    /// As a start would say that can make or write nothing.
    private static func unusable(_ text: String) -> ServeError {
        ServeError(.storage, code: "log.storage", message: text)
    }

    private static func size(_ bytes: Int) -> String {
        bytes >= 10 << 30 ? "\(bytes >> 30) GiB" : "\(bytes >> 20) MiB"
    }
}
