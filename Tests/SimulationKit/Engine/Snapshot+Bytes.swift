import CommitLog
import Engine
import Folding
import Primitives
import RecordFormat

extension Snapshot {
    /// The snapshot that the file of this one gives back; nil: none.
    func reread(_ settings: Settings) -> Snapshot? {
        final class Body { var bytes: [UInt8] = [] }
        let body = Body()
        let end = encodeBody {
            body.bytes += $0
            return true
        }
        guard let end else { return nil }
        let engine = UUID128(high: 1, low: 2)
        let header = SnapshotHeader(
            engine: engine,
            next: start.next,
            lastTime: start.lastTime,
            records: records,
            bodyLength: UInt64(end.byteCount),
            bodyChecksum: end.checksum
        )
        var file = [UInt8](repeating: 0, count: Layout.page)
        file.withUnsafeMutableBytes { header.write(to: $0) }
        file += body.bytes
        return file.withUnsafeBytes { Snapshot($0, of: engine, settings) }
    }
}
