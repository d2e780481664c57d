package import Primitives

/// What an index file answers, each in a table of its own; the order is that of the file.
package enum IndexTable: Int, CaseIterable, Sendable {
    /// The offset of a batch's first record -> the batch, for one batch in every 64 KiB.
    case offsets
    /// Nanoseconds since 1970 -> the number of records before that time in the segment, now and
    /// then.
    case times
    /// A trace id -> the batches that hold a record of it.
    case traces
    /// An invocation or a receipt -> the batches that name it.
    case ids
    /// The offset of a record -> the batches with its effects, where these do not have its trace.
    case links
    /// A worker -> the batches that say who it is, and that it left.
    case workers
    /// A scope and a key of the state -> the batches that write it.
    case places
}

/// The first page of an index file: which segment it is of, and what proves that the directory
/// behind it is whole. An index can always be made again from its segment.
package struct IndexHeader: Equatable, Sendable {
    package var segment: UInt64
    /// Of the segment that was indexed. One that was written anew has another.
    package var salt: UInt64
    /// Bytes of that segment.
    package var size: UInt64
    package var offsets: Range<Offset>
    /// Bytes of the directory, which begins on the second page.
    package var directoryLength: UInt32
    package var directoryChecksum: UInt32

    package init(
        segment: UInt64,
        salt: UInt64,
        size: UInt64,
        offsets: Range<Offset>,
        directoryLength: UInt32 = 0,
        directoryChecksum: UInt32 = 0
    ) {
        self.segment = segment
        self.salt = salt
        self.size = size
        self.offsets = offsets
        self.directoryLength = directoryLength
        self.directoryChecksum = directoryChecksum
    }

    private static let mark: StaticString = "iii-idx\n"
    /// How tables and keys are made; a reader goes without an index of another version.
    private static let version: UInt32 = 2

    /// Fills the page that `memory` is.
    package func write(to memory: UnsafeMutableRawBufferPointer) {
        Page.write(mark: Self.mark, to: memory) { writer in
            writer.u32(Self.version)
            writer.u64(segment)
            writer.u64(salt)
            writer.u64(size)
            writer.u64(offsets.lowerBound.rawValue)
            writer.u64(offsets.upperBound.rawValue)
            writer.u32(directoryLength)
            writer.u32(directoryChecksum)
        }
    }

    /// Reads an index's first page; nil for anything that this version cannot use.
    package static func read(_ page: UnsafeRawBufferPointer) -> IndexHeader? {
        guard page.count == Layout.page else { return nil }
        let reading = Page.read(mark: mark, page) { reader throws(DecodeError) in
            let version = try reader.u32()
            let segment = try reader.u64()
            let salt = try reader.u64()
            let size = try reader.u64()
            let first = try reader.u64()
            let end = try reader.u64()
            let header = IndexHeader(
                segment: segment,
                salt: salt,
                size: size,
                offsets: Offset(min(first, end))..<Offset(end),
                directoryLength: try reader.u32(),
                directoryChecksum: try reader.u32()
            )
            return (version == Self.version && first <= end ? header : nil, 0)
        }
        guard case .valid(let header) = reading else { return nil }
        return header
    }
}
