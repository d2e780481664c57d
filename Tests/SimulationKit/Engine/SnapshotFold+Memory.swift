import Engine
import Folding
import Primitives
import RecordFormat

extension SnapshotFold {
    /// The snapshot that it makes, in memory; nil: what it was made of cannot be read.
    consuming func image() -> SnapshotImage? { imageAndNeeds()?.image }

    /// The same, and the records that it needs.
    consuming func imageAndNeeds() -> (image: SnapshotImage, needs: NeededRecords)? {
        final class Body { var bytes: [UInt8] = [] }
        let body = Body()
        let engine = UUID128(high: 1, low: 2)
        let end = encode(of: engine) {
            body.bytes += $0
            return true
        }
        guard let (header, needs) = end else { return nil }
        var file = [UInt8](repeating: 0, count: Layout.page)
        file.withUnsafeMutableBytes { header.write(to: $0) }
        file += body.bytes
        let image = SnapshotImage(size: file.count, of: engine) { [file] position, memory in
            memory.copyBytes(from: file[position..<position + memory.count])
            return true
        }
        return image.map { ($0, needs) }
    }
}
