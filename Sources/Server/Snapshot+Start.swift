import CommitLog
import Disk
import Engine
import LogTools
import Primitives
import RecordFormat

extension Snapshot {
    /// What a start with this configuration need not read again; without a usable snapshot that is
    /// nothing, but for how far the log has to go. `skipped` is told of those that cannot be used.
    static func newest(
        for configuration: Configuration,
        skipped: (String) -> Void
    ) -> Snapshot {
        let settings = Snapshot.Settings(
            maxValueBytes: configuration.state.maxValueBytes,
            cacheBytes: configuration.log.cacheBytes
        )
        let path = configuration.engine.data
        var reader = LogReader(directory: path)
        var snapshot = Snapshot(settings)
        let engine: UUID128?
        do throws(LogError) {
            engine = try reader.identity()
        } catch {
            // A directory that is none yet, or cannot be read, is the log's own business.
            return snapshot
        }
        let folder = SnapshotFolder(dataDirectory: path)
        if let engine {
            let newest = Snapshot.newest(in: folder, of: engine, skipped: skipped) {
                image throws(DecodeError) in
                try Snapshot(image, settings)
            }
            snapshot = newest ?? snapshot
        }
        snapshot.start.reach = max(snapshot.start.reach, folder.reach(of: engine))
        return snapshot
    }

    /// Puts the snapshots aside that say that the log in the directory `path` goes on, which ends
    /// at `end`: where they were evidence of a loss the start was refused, so they cannot be read,
    /// or are of another log. Once the log has come past them nothing would tell them from its own.
    static func setAside(above end: Offset, in path: String, tell: (String) -> Void) {
        let files = DirectoryFiles(path: path)
        let names: [String]
        do throws(ToolError) {
            names = try files.snapshots(above: end)
        } catch {
            return tell(
                "whether snapshots in \(path)/snap reach beyond the end of the log, offset \(end), "
                    + "is not known: \(error.message)"
            )
        }
        guard !names.isEmpty else { return }
        do throws(ToolError) {
            try files.setAside(snapshots: names)
            tell(
                "\(path)/snap: \(names.joined(separator: ", ")) cannot be used for this log, which "
                    + "ends at offset \(end), and was moved to \(path)/quarantine"
            )
        } catch {
            tell(
                "snapshots that reach beyond the end of the log, offset \(end), could not be moved "
                    + "from \(path)/snap to \(path)/quarantine: \(error.message)"
            )
        }
    }
}
