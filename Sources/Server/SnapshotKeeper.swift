import CPlatform
import CommitLog
import Disk
import Engine
import Folding
import LogTools
import Primitives
import RecordFormat
import Synchronization

/// Makes a snapshot whenever enough of the log was sealed since the last one, on a thread of its
/// own: it folds the sealed segments on top of the snapshot before, and the core never stops. Then
/// it compresses those below, and removes what retention lets go.
final class SnapshotKeeper: Sendable {
    private struct State {
        /// The segment that begins where the newest snapshot ends, or did where damage kept one
        /// from being made.
        var made: UInt64
        var isRunning = false
        /// The damage that no snapshot reaches beyond.
        var obstacle: LogError?
    }

    private let path: String
    private let engine: UUID128
    private let segmentBytes: Int
    /// Bytes of the log between two snapshots.
    private let spacing: Int
    private let policy: Compaction.Policy
    private let notify: @Sendable (Notice) -> Void
    /// Told when old segments were written anew.
    private let rewritten: @Sendable () -> Void
    private let start: Start
    private let state: Mutex<State>

    /// Runs what it is given on a thread of its own; false: there is no room for one, and nothing
    /// runs.
    typealias Start = @Sendable (@escaping @Sendable () -> Void) -> Bool

    /// A keeper that knows the newest snapshot to reach up to `segment`.
    init(
        _ configuration: Configuration,
        engine: UUID128,
        segment: UInt64,
        notify: @escaping @Sendable (Notice) -> Void,
        rewritten: @escaping @Sendable () -> Void,
        start: @escaping Start = { CoreThread.tryStart($0) }
    ) {
        self.rewritten = rewritten
        self.start = start
        path = configuration.engine.data
        self.engine = engine
        segmentBytes = configuration.log.segmentBytes
        spacing = configuration.log.snapshotBytes
        policy = Compaction.Policy(
            age: configuration.log.retention,
            bytes: configuration.log.retentionBytes,
            compression: configuration.log.compression.stored
        )
        self.notify = notify
        state = Mutex(State(made: segment))
        do throws(StorageError) {
            try SnapshotFolder(dataDirectory: path).removeUnfinished()
        } catch {
            warn("what is left of an unfinished snapshot stays where it is: \(error)")
        }
    }

    /// The log goes on in segment `number`, which begins at `base`. Called on the core thread.
    func rolled(to number: UInt64, base: Offset) {
        let isDue = state.withLock { state in
            let sealed = Int(number - state.made) * segmentBytes
            guard !state.isRunning, sealed >= spacing else { return false }
            state.isRunning = true
            return true
        }
        guard isDue else { return }
        let isStarted = start {
            platform_name_thread("iii-snapshot")
            platform_lower_priority()
            let isMade = self.make(until: base)
            self.state.withLock {
                $0.isRunning = false
                // What failed is tried again when the log goes on in yet another segment; what
                // damage stopped later: each time the log is read from there on.
                if isMade || $0.obstacle != nil { $0.made = number }
            }
        }
        guard !isStarted else { return }
        state.withLock { $0.isRunning = false }
        warn("no snapshot was made up to \(base): the system has no room for one more thread")
    }

    /// Makes a snapshot of the log up to `base`, in steps where much of it is not in the one
    /// before: memory is that of a step.
    ///
    /// - Returns: whether there is one.
    func make(until base: Offset) -> Bool {
        let folder = SnapshotFolder(dataDirectory: path)
        var last: Offset?
        do throws(LogError) {
            var reader = LogReader(directory: path)
            // One that cannot be read stops the fold where it needs it, and not before.
            let segments = try reader.frames().frames
            while true {
                var fold = try Self.fold(in: folder, of: engine)
                let begin = fold.next
                if let last, begin <= last {
                    warn("no snapshot was made up to \(base): the one before it cannot be read")
                    return false
                }
                last = begin
                let end = step(from: begin, until: base, segments)
                try fold.fold(&reader, until: end)
                let isLast = end >= base || fold.next == begin
                let needed: NeededRecords
                do throws(StorageError) {
                    needed = try fold.write(to: folder, of: engine, isLast: isLast)
                } catch {
                    warn("no snapshot was made up to \(base): \(error)")
                    return false
                }
                guard isLast else { continue }
                state.withLock { $0.obstacle = nil }
                // A start that cannot read the snapshot made now goes on from the one before.
                compact(needed, below: begin)
                return true
            }
        } catch {
            tell(error, of: base)
            return false
        }
    }

    /// Says why there is no snapshot; of damage loudly, and once: it stays.
    private func tell(_ error: LogError, of base: Offset) {
        let known = state.withLock { state in
            defer { state.obstacle = error.isOfMedium ? error : nil }
            return state.obstacle
        }
        guard error.isOfMedium else {
            return warn("no snapshot was made up to \(base): \(error)")
        }
        guard known != error else { return }
        let text =
            "no snapshot can be made beyond the last one: \(error)\nThe engine goes on, but until "
            + "this is put in order its next start is refused, and the log grows: nothing is "
            + "compressed or removed. Make a backup of what is intact now (`iii-log -D \(path) "
            + "recover --to DIRECTORY`). \(wayOut)"
        notify(Notice(severity: .error, text: text))
    }

    private static func fold(
        in folder: SnapshotFolder,
        of engine: UUID128
    ) throws(LogError) -> SnapshotFold {
        let next = Snapshot.newest(in: folder, of: engine) { image throws(DecodeError) in
            try SnapshotFold(on: image)
        }
        return next ?? SnapshotFold()
    }

    /// Where the step that begins at `begin` ends: behind the segments that fill it.
    private func step(
        from begin: Offset,
        until base: Offset,
        _ segments: [SegmentFrame]
    ) -> Offset {
        var bytes = 0
        for (segment, next) in zip(segments, segments.dropFirst())
        where begin < next.header.base {
            bytes += segment.fileBytes
            if bytes >= spacing { return min(base, next.header.base) }
        }
        return base
    }

    private func compact(_ needed: NeededRecords, below end: Offset) {
        guard !policy.keepsAll else { return }
        let files = DirectoryFiles(path: path)
        do throws(ToolError) {
            let compaction = try Compaction(files, views: needed, limit: end)
            let done = try compaction.run(policy, now: SystemClock().now().wall)
            if let failure = done.failure {
                warn("not all sealed segments were written anew: \(told(failure))")
            }
            guard done.segments > 0 else { return }
            rewritten()
            for number in done.restored { tellRestored(number) }
            var text = "\(done.segments) sealed segments written anew, \(done.bytes >> 20) MiB less"
            if done.records > 0 { text += "; retention removed \(done.records) records" }
            notify(Notice(severity: .info, text: text))
        } catch {
            warn("no more sealed segments were written anew: \(told(error))")
        }
    }

    private func tellRestored(_ segment: UInt64) {
        let name = DataDirectory.segmentName(segment)
        let text =
            "\(path)/log/\(name): its first page was damaged on disk. No record is lost: the "
            + "segment was written anew from the rest, and the file that was there is kept in "
            + "\(path)/quarantine. A disk that lost this may lose more: make a backup (`iii-log -D "
            + "\(path) backup DIRECTORY`), and replace it."
        notify(Notice(severity: .error, text: text))
    }

    private func told(_ error: ToolError) -> String {
        switch error.code {
        case .damaged, .unreadable: "\(error.message)\n\(wayOut)"
        default: error.message
        }
    }

    /// Where a message that names a segment leads on.
    private var wayOut: String {
        "`iii-log -D \(path) verify` lists every damage; with the engine stopped, "
            + "`iii-log -D \(path) repair` puts the log in order."
    }

    private func warn(_ text: String) {
        notify(Notice(severity: .warning, text: text))
    }
}
