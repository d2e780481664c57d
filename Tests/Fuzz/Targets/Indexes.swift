import Primitives
import RecordFormat

extension FuzzTarget {
    static let indexes = [
        FuzzTarget("index-directory", directory),
        FuzzTarget("index-piece", piece),
    ]

    private static func directory(_ bytes: UnsafeRawBufferPointer) -> String? {
        let header = IndexHeader(
            segment: 1,
            salt: 2,
            size: 3,
            offsets: .zero..<Offset(4),
            directoryLength: UInt32(bytes.count),
            directoryChecksum: Checksum.crc32c(bytes)
        )
        _ = try? IndexDirectory(header, decoding: bytes)
        return nil
    }

    /// Eight bytes: the first key; then the entries.
    private static func piece(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard bytes.count >= 8 else { return nil }
        let body = dropping(8, of: bytes)
        let piece = IndexDirectory.Piece(
            first: number(bytes),
            position: 0,
            length: body.count,
            checksum: Checksum.crc32c(body)
        )
        guard let entries = try? piece.entries(body) else { return nil }
        return entries == entries.sorted() ? nil : "entries do not ascend: \(entries)"
    }
}
