import RecordFormat

extension FuzzTarget {
    /// Pages with a checksum as a whole. It is put right, or nothing behind it would be met.
    static let pages = [
        FuzzTarget("segment-header") { bytes in
            page(bytes, SegmentHeader.read) { $0.write(to: $1) }
        },
        FuzzTarget("manifest") { bytes in
            page(bytes, Manifest.read) { $0.write(to: $1) }
        },
        FuzzTarget("snapshot-header") { bytes in
            let read: (UnsafeRawBufferPointer) -> PageReading<SnapshotHeader> = { page in
                SnapshotHeader.read(page).map { .valid($0) } ?? .damaged
            }
            return page(bytes, read) { $0.write(to: $1) }
        },
        FuzzTarget("segment-footer") { bytes in
            page(bytes, SegmentFooter.read) { $0.write(to: $1) }
        },
        FuzzTarget("index-header") { bytes in
            let read: (UnsafeRawBufferPointer) -> PageReading<IndexHeader> = { page in
                IndexHeader.read(page).map { .valid($0) } ?? .damaged
            }
            return page(bytes, read) { $0.write(to: $1) }
        },
    ]

    private static func page<Content>(
        _ bytes: UnsafeRawBufferPointer,
        _ read: (UnsafeRawBufferPointer) -> PageReading<Content>,
        write: (Content, UnsafeMutableRawBufferPointer) -> Void
    ) -> String? {
        let memory = AlignedMemory(capacity: Layout.page)
        memory.bytes.initializeMemory(as: UInt8.self, repeating: 0)
        memory.bytes.copyBytes(from: bytes.prefix(Layout.page))
        seal(memory.bytes)
        guard case .valid(let content) = read(memory.prefix(Layout.page)) else { return nil }
        let again = AlignedMemory(capacity: Layout.page)
        write(content, again.bytes)
        let reading = read(again.prefix(Layout.page))
        return reading == .valid(content) ? nil : "\(content) is read again as \(reading)"
    }

    /// Puts the checksum of a page right.
    static func seal(_ page: UnsafeMutableRawBufferPointer) {
        let end = Layout.page - 4
        let covered = UnsafeRawBufferPointer(rebasing: page[..<end])
        let checksum = Checksum.crc32c(covered).littleEndian
        page.storeBytes(of: checksum, toByteOffset: end, as: UInt32.self)
    }
}
