import Engine
import Primitives
import RecordFormat

extension SnapshotFold {
    /// The snapshot that it makes, in memory; nil: what it was made of cannot be read.
    consuming func image() -> SnapshotImage? {
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
