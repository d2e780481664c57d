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
        var folded = Snapshot(.folding)
        var reader = LogReader(SimulatedStorage(disk))
        try folded.fold(&reader, until: end)
        let settings = Snapshot.Settings(cacheBytes: cacheBytes)
        let bytes = folded.bytes
        guard let snapshot = bytes.withUnsafeBytes({ Snapshot($0, of: Self.identity, settings) })
        else { preconditionFailure("what was written can be read") }
        precondition(snapshot.bytes == bytes, "what was read is written in the same way")
        return snapshot
    }

    private static let identity = UUID128(high: 1, low: 2)
}

extension Snapshot {
    /// The file that it makes.
    fileprivate var bytes: [UInt8] {
        final class Body { var bytes: [UInt8] = [] }
        let body = Body()
        guard
            let end = encodeBody({
                body.bytes += $0
                return true
            })
        else { preconditionFailure("memory takes everything") }
        let header = SnapshotHeader(
            engine: UUID128(high: 1, low: 2),
            next: start.next,
            lastTime: start.lastTime,
            records: records,
            bodyLength: UInt64(end.byteCount),
            bodyChecksum: end.checksum
        )
        var page = [UInt8](repeating: 0, count: Layout.page)
        page.withUnsafeMutableBytes { header.write(to: $0) }
        return page + body.bytes
    }
}
