import CommitLog
import Disk
import Engine
import Folding
import Glibc
import LogTools
import Primitives
import RecordFormat

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
            // Where no log is, this is no place for one.
            return (Finding(subject, ServeError(error)), condition == .fresh ? nil : condition)
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

    /// What a start would find that reads it; `progress` is told how much of it was read, from 0 to
    /// 1. It takes as long as a start, and as much memory.
    func log(
        _ condition: DataDirectory.Condition,
        progress: @escaping (Double) -> Void
    ) -> Finding {
        let subject = "log"
        guard condition != .fresh else { return Finding(subject, .ok, "none yet") }
        var faults: [String] = []
        var facts: [String] = []
        // Where an engine has it no start comes as far as that.
        if condition == .free {
            do throws(LogError) {
                facts.append(try replay(&faults, progress))
            } catch {
                return Finding(subject, ServeError(error, data: path))
            }
        }
        do throws(ToolError) {
            let found = try Verification(LogPass(.directory(path)), depth: .quick)
            let count = found.segments == 1 ? "1 segment" : "\(found.segments) segments"
            facts.insert("\(found.records) records in \(count)", at: 0)
            if let torn = found.torn { facts.append(torn) }
            // A start goes without what it need not read.
            if !found.damages.isEmpty { faults.append(told(found)) }
        } catch {
            faults.append(error.message)
        }
        let text = (faults + facts).joined(separator: "; ")
        return Finding(subject, faults.isEmpty ? .ok : .warning, text)
    }

    /// Folds the log as a start does, from the newest snapshot on that can be used; `skipped` gets
    /// why others cannot.
    private func replay(
        _ skipped: inout [String],
        _ progress: @escaping (Double) -> Void
    ) throws(LogError) -> String {
        let snapshot = Snapshot.newest(for: configuration) { skipped.append($0) }
        let (start, reach) = (snapshot.start.next, snapshot.start.reach)
        var views = (consume snapshot).views
        let recovery = RecoveryProgress(path: path, from: start, tell: progress)
        var reader = LogReader(directory: path)
        let scan = try reader.read(from: start, reaching: reach) { record throws(DecodeError) in
            recovery.passed(record.offset)
            try views.apply(record)
        }
        let place = start > .zero ? " behind the snapshot of offset \(start)" : ""
        return "\(scan.records) read\(place)" + unread(before: scan)
    }

    /// Which segments are all below the snapshot, so that a start may go on beside a damage there.
    private func unread(before scan: LogScan) -> String {
        let oldest = scan.manifest?.oldestSegment ?? 0
        guard let first = scan.spans.first?.header.number, oldest < first else { return "" }
        let names =
            oldest + 1 == first ? "segment \(oldest)" : "segments \(oldest) to \(first - 1)"
        let verify = ToolCommand.text("verify", on: path)
        return "; a start does not read \(names): `\(verify)` reads every byte"
    }

    private func told(_ found: Verification) -> String {
        if found.isOnlyManifestLost { return found.damages[0] }
        let first = found.damages.prefix(3).joined(separator: "; ")
        let text = "\(found.damages.count) damaged: \(first). "
        if let misplacement = found.misplacement {
            return "\(text)To repair it: \(misplacement.advice)"
        }
        return text + "`\(ToolCommand.text("verify", on: path))` lists every damage; "
            + "`\(ToolCommand.text("recover --to DIRECTORY", on: path))` takes what is intact"
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

    static func size(_ bytes: Int) -> String {
        switch bytes {
        case ..<(10 << 20): "\(bytes >> 10) KiB"
        case ..<(10 << 30): "\(bytes >> 20) MiB"
        default: "\(bytes >> 30) GiB"
        }
    }
}
