import CommitLog
import Disk
import Primitives
import RecordFormat

@testable import Engine

extension Lab {
    /// What a snapshot of the sealed segments that begin before `end` gives back.
    static func snapshot(
        of disk: SimulatedDisk,
        until end: Offset,
        cacheBytes: Int
    ) throws(LogError) -> Snapshot {
        var fold = SnapshotFold()
        var reader = LogReader(SimulatedStorage(disk))
        try fold.fold(&reader, until: end)
        let settings = Snapshot.Settings(cacheBytes: cacheBytes)
        guard let snapshot = fold.image().flatMap({ try? Snapshot($0, settings) }) else {
            preconditionFailure("what was written can be read")
        }
        return snapshot
    }
}

extension SnapshotFold {
    /// The snapshot that it makes, in memory.
    fileprivate consuming func image() -> SnapshotImage? {
        final class Body { var bytes: [UInt8] = [] }
        let body = Body()
        let engine = UUID128(high: 1, low: 2)
        let end = encode(of: engine) {
            body.bytes += $0
            return true
        }
        guard let header = end?.0 else { return nil }
        var file = [UInt8](repeating: 0, count: Layout.page)
        file.withUnsafeMutableBytes { header.write(to: $0) }
        file += body.bytes
        return SnapshotImage(size: file.count, of: engine) { [file] position, memory in
            memory.copyBytes(from: file[position..<position + memory.count])
            return true
        }
    }
}
