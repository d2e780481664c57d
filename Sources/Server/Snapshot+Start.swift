import CommitLog
import Disk
import Engine
import Primitives
import RecordFormat

extension Snapshot {
    /// What a start with this configuration need not read again; without a usable snapshot that is
    /// nothing. `skipped` is told of those that cannot be used.
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
        // A directory that is none yet, or cannot be read, is the log's own business.
        guard let engine = try? reader.identity() else { return Snapshot(settings) }
        let folder = SnapshotFolder(dataDirectory: path)
        let newest = Snapshot.newest(in: folder, of: engine, skipped: skipped) {
            image throws(DecodeError) in
            try Snapshot(image, settings)
        }
        return newest ?? Snapshot(settings)
    }
}
