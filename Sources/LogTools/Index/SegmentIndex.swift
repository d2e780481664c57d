import CommitLog
import Disk
import Primitives
import RecordFormat

/// The index of one sealed segment, opened. Its directory is in memory, of its tables only what was
/// asked for in the segment that is being passed.
final class SegmentIndex {
    /// Why an index is not used.
    enum Fault: Error {
        /// There is none, or it is of another segment, damaged, or not to be read.
        case unusable
    }

    private let folder: IndexFolder
    private let header: IndexHeader
    private let directory: IndexDirectory
    private var pieces: [IndexDirectory.Piece: [IndexEntry]] = [:]
    /// Bytes that were read of the file.
    private(set) var byteCount = 0

    /// Opens the index of the segment with `segment` for its header, the one behind which begins
    /// at `end`.
    init(_ folder: IndexFolder, of segment: SegmentHeader, end: Offset) throws(Fault) {
        self.folder = folder
        let number = segment.number
        let page = try Self.read(folder, number, at: 0, count: Layout.page)
        guard let header = page.withUnsafeBytes({ IndexHeader.read($0) }),
            header.segment == number, header.salt == segment.salt, header.size == segment.size,
            header.offsets.lowerBound == segment.base, header.offsets.upperBound == end,
            header.directoryLength < Self.directoryLimit
        else { throw .unusable }
        let count = Int(header.directoryLength)
        let bytes = try Self.read(folder, number, at: Layout.page, count: count)
        self.header = header
        directory = try Self.decoding(bytes) { (bytes) throws(DecodeError) in
            try IndexDirectory(header, decoding: bytes)
        }
        byteCount = page.count + bytes.count
    }

    /// A segment of 64 MiB has some 10 KB.
    private static let directoryLimit: UInt32 = 64 << 20

    private static func read(
        _ folder: IndexFolder,
        _ number: UInt64,
        at position: Int,
        count: Int
    ) throws(Fault) -> [UInt8] {
        do throws(StorageError) {
            return try folder.read(number, at: position, count: count)
        } catch {
            throw .unusable
        }
    }

    private static func decoding<Value>(
        _ bytes: [UInt8],
        _ decode: (UnsafeRawBufferPointer) throws(DecodeError) -> Value
    ) throws(Fault) -> Value {
        let value: Value? = bytes.withUnsafeBytes { bytes in
            do throws(DecodeError) { return try decode(bytes) } catch { return nil }
        }
        guard let value else { throw .unusable }
        return value
    }

    private func entries(_ piece: IndexDirectory.Piece) throws(Fault) -> [IndexEntry] {
        if let known = pieces[piece] { return known }
        let number = header.segment
        let bytes = try Self.read(folder, number, at: piece.position, count: piece.length)
        byteCount += bytes.count
        let entries = try Self.decoding(bytes) { (bytes) throws(DecodeError) in
            try piece.entries(bytes)
        }
        pieces[piece] = entries
        return entries
    }

    /// Gives up what was read of the tables.
    func forget() { pieces = [:] }

    // MARK: Looking up

    /// Where the batches start that hold what `key` asks for, in bytes; each once or more often.
    func positions(_ key: Search.Key) throws(Fault) -> [Int] {
        var positions: [Int] = []
        for piece in directory.pieces(of: key.table, for: key.range) {
            for entry in try entries(piece) where key.range.contains(entry.key) {
                positions.append(try Self.position(entry.value))
            }
        }
        return positions
    }

    /// A page's number, as far as a file can have so many.
    private static func position(_ page: UInt64) throws(Fault) -> Int {
        guard page <= UInt64(Int.max) / UInt64(Layout.page) else { throw .unusable }
        return Int(page) * Layout.page
    }

    /// Where to begin looking for the record at `offset`; nil: at the beginning.
    func entrance(to offset: Offset) throws(Fault) -> ScanStart? {
        guard offset < .max,
            let entry = try last(.offsets, below: offset.rawValue + 1)
        else { return nil }
        return ScanStart(
            segment: header.segment,
            salt: header.salt,
            base: Offset(entry.key),
            position: try Self.position(entry.value)
        )
    }

    /// A record of this segment that is older than `time`, with none of that age behind it for
    /// long; nil: all are as young.
    func offset(before time: Timestamp) throws(Fault) -> Offset? {
        guard let entry = try last(.times, below: UInt64(max(0, time.nanoseconds))) else {
            return nil
        }
        let (offset, overflows) = header.offsets.lowerBound.rawValue
            .addingReportingOverflow(entry.value)
        guard !overflows, header.offsets.contains(Offset(offset)) else { throw .unusable }
        return Offset(offset)
    }

    private func last(_ table: IndexTable, below key: UInt64) throws(Fault) -> IndexEntry? {
        guard let piece = directory.last(of: table, below: key) else { return nil }
        return try entries(piece).last { $0.key < key }
    }
}
