import CPlatform
import CommitLog
import Disk
import Engine
import LogTools
import Primitives
import Synchronization

/// Makes a snapshot whenever enough of the log was sealed since the last one, on a thread of its
/// own: it folds the sealed segments on top of the snapshot before, and the core never stops. Then
/// it removes what retention lets go.
final class SnapshotKeeper: Sendable {
    private struct State {
        /// The offset of the newest snapshot, and the segment that began there.
        var made: UInt64
        var isRunning = false
    }

    private let path: String
    private let engine: UUID128
    private let segmentBytes: Int
    /// Bytes of the log between two snapshots.
    private let spacing: Int
    private let retention: Compaction.Policy
    private let report: Report
    private let state: Mutex<State>

    /// A keeper that knows the newest snapshot to reach up to `segment`.
    init(_ configuration: Configuration, engine: UUID128, segment: UInt64, report: Report) {
        path = configuration.engine.data
        self.engine = engine
        segmentBytes = configuration.log.segmentBytes
        spacing = configuration.log.snapshotBytes
        retention = Compaction.Policy(
            age: configuration.log.retention,
            bytes: configuration.log.retentionBytes
        )
        self.report = report
        state = Mutex(State(made: segment))
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
        CoreThread.start {
            self.make(until: base)
            self.state.withLock {
                $0.isRunning = false
                $0.made = number
            }
        }
    }

    private func make(until base: Offset) {
        platform_name_thread("iii-snapshot")
        platform_lower_priority()
        let folder = SnapshotFolder(dataDirectory: path)
        let previous = Snapshot.newest(in: folder, of: engine, .folding) { _ in }
        var snapshot = previous ?? Snapshot(.folding)
        let end = previous?.start.next ?? .zero
        var reader = LogReader(directory: path)
        do throws(LogError) {
            try snapshot.fold(&reader, until: base)
            do throws(StorageError) {
                try snapshot.write(to: folder, of: engine)
            } catch {
                throw .storage(error)
            }
        } catch {
            return warn("no snapshot was made up to \(base): \(error)")
        }
        // A start that cannot read the snapshot made now goes on from the one before.
        compact(snapshot, below: end)
    }

    private func compact(_ snapshot: consuming Snapshot, below end: Offset) {
        guard !retention.keepsAll else { return }
        let files = DirectoryFiles(path: path)
        do throws(ToolError) {
            let compaction = try Compaction(files, views: snapshot.views, limit: end)
            let done = try compaction.run(retention, now: SystemClock().now().wall)
            guard done.segments > 0 else { return }
            let text =
                "retention removed \(done.records) records of \(done.segments) segments, "
                + "\(done.bytes >> 20) MiB"
            report.notice(Notice(severity: .info, text: text))
        } catch {
            warn("retention removed nothing more: \(error.message)")
        }
    }

    private func warn(_ text: String) {
        report.notice(Notice(severity: .warning, text: text))
    }
}
