import CommitLog
import Engine
import Folding
import Primitives
import RecordFormat

extension Snapshot {
    /// The log that every simulated snapshot is of.
    private static let engine = UUID128(high: 1, low: 2)

    /// The bytes of its file; nil: it cannot be written down.
    func fileBytes() -> [UInt8]? {
        final class Body { var bytes: [UInt8] = [] }
        let body = Body()
        let end = encodeBody {
            body.bytes += $0
            return true
        }
        guard let end else { return nil }
        let header = SnapshotHeader(
            engine: Self.engine,
            next: start.next,
            lastTime: start.lastTime,
            records: records,
            bodyLength: UInt64(end.byteCount),
            bodyChecksum: end.checksum
        )
        var file = [UInt8](repeating: 0, count: Layout.page)
        file.withUnsafeMutableBytes { header.write(to: $0) }
        return file + body.bytes
    }

    /// The snapshot that a file gives back; nil: none.
    init?(file: [UInt8], _ settings: Settings) {
        let snapshot = file.withUnsafeBytes { Snapshot($0, of: Self.engine, settings) }
        guard let snapshot else { return nil }
        self = snapshot
    }
}
