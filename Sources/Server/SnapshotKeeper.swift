import CPlatform
import CommitLog
import Disk
import Engine
import Folding
import LogTools
import Primitives
import RecordFormat
import Synchronization

/// Makes a snapshot whenever one is due, on a thread of its own: it folds the sealed segments on
/// top of the snapshot before, and the core never stops. Then it compresses those below, and
/// removes what retention lets go.
final class SnapshotKeeper: Sendable {
    /// Where the log goes on.
    private struct Place {
        let segment: UInt64
        /// All before it is sealed.
        let base: Offset
    }

    private struct State {
        /// The segment that began where the newest snapshot ends, or did where damage kept one
        /// from being made.
        var made: UInt64
        /// When retention was seen to.
        var seen: Timestamp
        var place: Place?
        var isRunning = false
        /// The damage that no snapshot reaches beyond.
        var obstacle: LogError?
    }

    private let path: String
    private let engine: UUID128
    /// Bytes of the log that are folded in one step.
    private let stepBytes: Int
    private let pace: SnapshotPace
    private let policy: Compaction.Policy
    private let notify: @Sendable (Notice) -> Void
    /// Told when old segments were written anew.
    private let rewritten: @Sendable () -> Void
    private let now: @Sendable () -> Timestamp
    private let start: ServerThread.Start
    private let state: Mutex<State>

    /// A keeper that knows the newest snapshot to reach up to `segment`.
    init(
        _ configuration: Configuration,
        engine: UUID128,
        segment: UInt64,
        notify: @escaping @Sendable (Notice) -> Void,
        rewritten: @escaping @Sendable () -> Void,
        now: @escaping @Sendable () -> Timestamp = { SystemClock().now().wall },
        start: @escaping ServerThread.Start = { body in
            ServerThread.tryStart {
                platform_name_thread("iii-snapshot")
                platform_lower_priority(19)
                body()
            }
        }
    ) {
        self.rewritten = rewritten
        self.now = now
        self.start = start
        path = configuration.engine.data
        self.engine = engine
        stepBytes = configuration.log.snapshotBytes
        pace = SnapshotPace(configuration.log)
        policy = Compaction.Policy(
            age: configuration.log.retention,
            bytes: configuration.log.retentionBytes,
            compression: configuration.log.compression.stored
        )
        self.notify = notify
        let folder = SnapshotFolder(dataDirectory: configuration.engine.data)
        state = Mutex(State(made: segment, seen: Self.lastTime(in: folder)))
        do throws(StorageError) {
            try folder.removeUnfinished()
        } catch {
            warn("what is left of an unfinished snapshot stays where it is: \(error)")
        }
    }

    /// Retention is seen to with every snapshot; one that cannot be asked counts as not there.
    private static func lastTime(in folder: SnapshotFolder) -> Timestamp {
        do throws(StorageError) {
            guard let newest = try folder.numbers().first else { return .init(nanoseconds: 0) }
            return try folder.made(newest) ?? .init(nanoseconds: 0)
        } catch {
            return .init(nanoseconds: 0)
        }
    }

    /// The log goes on in segment `number`, which begins at `base`. Called on the core thread.
    func rolled(to number: UInt64, base: Offset) {
        state.withLock { $0.place = Place(segment: number, base: base) }
        look()
    }

    /// Does what is due by now; called now and then. Any thread.
    func look() {
        guard let place = begin() else { return }
        guard !start({ self.work(from: place) }) else { return }
        state.withLock { $0.isRunning = false }
        warn("no snapshot was made up to \(place.base): the system has no room for one more thread")
    }

    /// Takes up what is due, if anything is and nobody is at it; it is up to where the log goes on.
    private func begin() -> Place? {
        let now = now()
        return state.withLock { state in
            guard !state.isRunning, let place = state.place, place.segment >= state.made,
                pace.isDue(segments: place.segment - state.made, since: state.seen, now: now)
            else { return nil }
            state.isRunning = true
            return place
        }
    }

    private func work(from first: Place) {
        var next: Place? = first
        while let place = next {
            let isMade = make(until: place.base)
            let now = now()
            state.withLock {
                $0.isRunning = false
                // What failed is tried again when the log goes on in yet another segment; what
                // damage stopped later: each time the log is read from there on.
                guard isMade || $0.obstacle != nil else { return }
                $0.made = place.segment
                $0.seen = now
            }
            // The log may have gone on meanwhile.
            next = isMade ? begin() : nil
        }
    }

    /// Makes a snapshot of the log up to `base`, in steps where much of it is not in the one
    /// before: memory is that of a step. Then segments are written anew that want it; also where
    /// there is nothing to be added to the snapshot, because others have become old.
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
                var fold = try Self.fold(in: folder, of: engine, upTo: base)
                let begin = fold.next
                if let last, begin <= last {
                    warn("no snapshot was made up to \(base): the one before it cannot be read")
                    return false
                }
                guard begin < base else {
                    retain(fold, in: folder)
                    return true
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

    /// Writes segments anew with the snapshots that there are: `newest` knows what is needed, and a
    /// start that cannot read it goes on from the one before.
    private func retain(_ newest: consuming SnapshotFold, in folder: SnapshotFolder) {
        let before = Snapshot.newest(in: folder, of: engine, below: newest.next) {
            image throws(DecodeError) in
            try SnapshotFold(on: image).next
        }
        guard let before, let (_, needed) = newest.encode(of: engine, to: { _ in true }) else {
            return
        }
        compact(needed, below: before)
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
        let damages = if case .damaged(let damages) = error { damages } else { [Damage]() }
        let text =
            "no snapshot can be made beyond the last one: \(error)\nThe engine goes on, but until "
            + "this is put in order its next start is refused, and the log grows: nothing is "
            + "compressed or removed. \(DamageAdvice.text(of: damages, in: path))"
        notify(Notice(severity: .error, paragraph: text))
    }

    /// On top of the newest snapshot that does not reach beyond `base`: one that does is not of
    /// this log.
    private static func fold(
        in folder: SnapshotFolder,
        of engine: UUID128,
        upTo base: Offset
    ) throws(LogError) -> SnapshotFold {
        let bound = base.advanced(by: 1)
        let next = Snapshot.newest(in: folder, of: engine, below: bound) {
            image throws(DecodeError) in
            try SnapshotFold(on: image)
        }
        return next ?? SnapshotFold()
    }

    /// Where the step that begins at `begin` ends: behind the segments that fill it, or as far from
    /// `base` as the snapshot before the last one is to be.
    private func step(
        from begin: Offset,
        until base: Offset,
        _ segments: [SegmentFrame]
    ) -> Offset {
        let parts = zip(segments, segments.dropFirst()).filter { _, next in
            begin < next.header.base && next.header.base <= base
        }
        var left = parts.reduce(0) { $0 + $1.0.fileBytes }
        guard left > pace.bytes else { return base }
        var bytes = 0
        for (segment, next) in parts {
            bytes += segment.fileBytes
            left -= segment.fileBytes
            if bytes >= stepBytes || left <= pace.bytes { return next.header.base }
        }
        return base
    }

    private func compact(_ needed: NeededRecords, below end: Offset) {
        guard !policy.keepsAll else { return }
        let files = DirectoryFiles(path: path)
        do throws(ToolError) {
            let compaction = try Compaction(files, views: needed, limit: end)
            let done = try compaction.run(policy, now: now())
            if let failure = done.failure {
                warn("not all sealed segments were written anew: \(told(failure))")
            }
            guard done.segments > 0 else { return }
            rewritten()
            for number in done.restored { tellRestored(number) }
            tell(done)
        } catch {
            warn("no more sealed segments were written anew: \(told(error))")
        }
    }

    /// Not each little step: only what changed the log by a MiB or more.
    private func tell(_ done: Compaction.Outcome) {
        let difference = done.bytes.magnitude >> 20
        guard difference > 0 else { return }
        let change = "\(difference) MiB \(done.bytes < 0 ? "more" : "less")"
        var text = "\(Self.count(done.segments, "sealed segment")) written anew, \(change)"
        if done.records > 0 { text += "; retention removed \(Self.count(done.records, "record"))" }
        notify(Notice(severity: .info, text: text))
    }

    private static func count(_ number: Int, _ noun: String) -> String {
        number == 1 ? "1 \(noun)" : "\(number) \(noun)s"
    }

    private func tellRestored(_ segment: UInt64) {
        let name = DataDirectory.segmentName(segment)
        let backup = ToolCommand.text("backup DIRECTORY", on: path)
        let text =
            "\(path)/log/\(name): its first page was damaged on disk. No record is lost: the "
            + "segment was written anew from the rest, and the file that was there is kept in "
            + "\(path)/quarantine. A disk that lost this may lose more: make a backup "
            + "(`\(backup)`), and replace it."
        notify(Notice(severity: .error, text: text))
    }

    private func told(_ error: ToolError) -> String {
        switch error.code {
        case .damaged, .unreadable: "\(error.message)\n\(DamageAdvice.repair(path))"
        default: error.message
        }
    }

    private func warn(_ text: String) {
        notify(Notice(severity: .warning, paragraph: text))
    }
}
