import RecordFormat
import SimulationKit

extension FuzzTarget {
    /// A whole log, edited by somebody who can compute checksums: a backup from elsewhere is input
    /// like any other. An edit is eleven bytes: segment, page and place, then what is put there.
    static let log = FuzzTarget("log") { bytes in
        ForgedLog.shared.run { files in
            var rest = bytes
            while rest.count >= 11, rest.startIndex < 11 * 64 {
                let segment = UInt64(rest[0] % 4)
                let page = Int(rest[1])
                let place = Int(rest[2]) * 2
                edit(&files, segment, page * Layout.page + place, dropping(3, of: rest).prefix(8))
                rest = dropping(11, of: rest)
            }
            for file in files.keys { files[file]?.withUnsafeMutableBytes(sealAll) }
        }
    }

    /// Segment 3 stands for MANIFEST.
    private static func edit(
        _ files: inout [UInt64: [UInt8]],
        _ segment: UInt64,
        _ position: Int,
        _ bytes: Slice<UnsafeRawBufferPointer>
    ) {
        guard let count = files[segment]?.count, position + 8 <= count else { return }
        files[segment]?.replaceSubrange(position..<position + 8, with: bytes)
    }

    private static func sealAll(_ bytes: UnsafeMutableRawBufferPointer) {
        for start in stride(from: 0, to: bytes.count, by: Layout.page) {
            let page = UnsafeMutableRawBufferPointer(rebasing: bytes[start..<start + Layout.page])
            if page.starts(with: "iii-".utf8) { seal(page) }
            guard page.starts(with: "iiiB".utf8) else { continue }
            sealHeader(page)
            guard case .header(let header) = BatchHeader.read(UnsafeRawBufferPointer(page)) else {
                continue
            }
            let body = start + Layout.batchHeader
            let end = body + Int(header.bodyLength)
            guard end <= bytes.count else { continue }
            let content = UnsafeMutableRawBufferPointer(rebasing: bytes[body..<end])
            if header.kind == .data { sealRecords(content, base: header.base) }
            let checksum = Checksum.crc32c(UnsafeRawBufferPointer(content)).littleEndian
            page.storeBytes(of: checksum, toByteOffset: 48, as: UInt32.self)
            sealHeader(page)
        }
    }
}
