/// The frame that segment headers and MANIFEST slots share: mark, version, length and identity in
/// front, CRC-32C in the last four bytes.
enum Page {
    static let checksumPosition = Layout.page - 4

    /// Fills a page: `body` writes behind mark, version and length, the rest becomes zero.
    static func write(
        mark: StaticString,
        to memory: UnsafeMutableRawBufferPointer,
        _ body: (inout ByteWriter) -> Void
    ) {
        precondition(mark.utf8CodeUnitCount == 8)
        precondition(memory.count == Layout.page)
        memory.initializeMemory(as: UInt8.self, repeating: 0)
        var writer = ByteWriter(memory)
        writer.raw(UnsafeRawBufferPointer(start: mark.utf8Start, count: 8))
        writer.u16(Layout.major)
        writer.u16(Layout.minor)
        writer.u32(UInt32(Layout.page))
        body(&writer)
        precondition(writer.count <= checksumPosition)
        let covered = UnsafeRawBufferPointer(rebasing: memory[..<checksumPosition])
        let checksum = Checksum.crc32c(covered).littleEndian
        memory.storeBytes(of: checksum, toByteOffset: checksumPosition, as: UInt32.self)
    }

    /// Checks the frame, then reads what stands in it. `features` lists the incompatible ones that
    /// this engine knows; `decode` gets a reader behind the frame's own fields.
    static func read<Content>(
        mark: StaticString,
        _ page: UnsafeRawBufferPointer,
        _ decode: (inout ByteReader) throws(DecodeError) -> (Content, incompatible: UInt32)
    ) -> PageReading<Content> {
        precondition(page.count == Layout.page)
        if isZero(page) { return .zero }
        let covered = UnsafeRawBufferPointer(rebasing: page[..<checksumPosition])
        let stored = page.loadUnaligned(fromByteOffset: checksumPosition, as: UInt32.self)
        let isMarked = page[..<8].elementsEqual(
            UnsafeRawBufferPointer(start: mark.utf8Start, count: 8)
        )
        guard Checksum.crc32c(covered) == UInt32(littleEndian: stored) else { return .damaged }
        guard isMarked else { return .refused(.foreign) }
        var reader = ByteReader(covered)
        do throws(DecodeError) {
            _ = try reader.u64()
            let major = try reader.u16()
            guard major <= Layout.major else { return .refused(.newer(major: major)) }
            _ = try reader.u16()
            _ = try reader.u32()
            let (content, incompatible) = try decode(&reader)
            guard incompatible == 0 else { return .refused(.features(incompatible)) }
            return .valid(content)
        } catch {
            return .damaged
        }
    }
}
