/// Where in an index file the pieces of its tables are: with it a look-up reads one piece of a few
/// thousand bytes, however large the table is.
package struct IndexDirectory: Equatable, Sendable {
    /// A part of a table, as it lies in the file.
    package struct Piece: Hashable, Sendable {
        /// The key of its first entry.
        let first: UInt64
        /// In the file, in bytes.
        package let position: Int
        package let length: Int
        let checksum: UInt32

        package init(first: UInt64, position: Int, length: Int, checksum: UInt32) {
            self.first = first
            self.position = position
            self.length = length
            self.checksum = checksum
        }
    }

    /// By the number of the table, each ascending by key.
    private let tables: [[Piece]]

    /// The most bytes that a piece has: what a reader is prepared to read for a look-up.
    static let pieceLimit = 4096

    fileprivate init(_ tables: [[Piece]]) { self.tables = tables }

    /// The pieces that may hold a key of `range`.
    package func pieces(of table: IndexTable, for range: ClosedRange<UInt64>) -> ArraySlice<Piece> {
        let pieces = tables[table.rawValue]
        // The entries of one key may begin in the piece before that which begins with it.
        let start = max(0, Self.count(pieces) { $0.first < range.lowerBound } - 1)
        let end = Self.count(pieces) { $0.first <= range.upperBound }
        return pieces[min(start, end)..<end]
    }

    /// The piece that holds the last entry whose key is below `key`; nil when none is.
    package func last(of table: IndexTable, below key: UInt64) -> Piece? {
        let pieces = tables[table.rawValue]
        let count = Self.count(pieces) { $0.first < key }
        return count == 0 ? nil : pieces[count - 1]
    }

    /// How many pieces, from the first on, fulfil a condition that only the first ones do.
    private static func count(_ pieces: [Piece], _ holds: (Piece) -> Bool) -> Int {
        var low = 0
        var high = pieces.count
        while low < high {
            let middle = (low + high) / 2
            if holds(pieces[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// One line of a table.
package struct IndexEntry: Hashable, Comparable, Sendable {
    package let key: UInt64
    package let value: UInt64

    package init(key: UInt64, value: UInt64) {
        self.key = key
        self.value = value
    }

    package static func < (left: IndexEntry, right: IndexEntry) -> Bool {
        (left.key, left.value) < (right.key, right.value)
    }
}

// MARK: Reading

extension IndexDirectory {
    /// Reads the bytes behind an index's first page; every number in them is checked.
    package init(
        _ header: IndexHeader,
        decoding bytes: UnsafeRawBufferPointer
    ) throws(DecodeError) {
        guard bytes.count == Int(header.directoryLength),
            Checksum.crc32c(bytes) == header.directoryChecksum
        else { throw DecodeError(position: 0, expected: "the directory's checksum") }
        var reader = ByteReader(bytes)
        var position = Layout.page + bytes.count
        var tables: [[Piece]] = []
        for _ in IndexTable.allCases {
            var pieces: [Piece] = []
            var first: UInt64 = 0
            for _ in 0..<(try reader.varint()) {
                first = try reader.ascending(from: first)
                let length = try reader.varint()
                guard length <= UInt64(Self.pieceLimit) else {
                    throw DecodeError(position: reader.position, expected: "the length of a piece")
                }
                let checksum = try reader.u32()
                pieces.append(
                    Piece(
                        first: first,
                        position: position,
                        length: Int(length),
                        checksum: checksum
                    )
                )
                position += Int(length)
            }
            tables.append(pieces)
        }
        guard reader.isAtEnd else {
            throw DecodeError(position: reader.position, expected: "the end of the directory")
        }
        self.init(tables)
    }
}

extension IndexDirectory.Piece {
    /// The entries in the bytes of this piece, ascending.
    package func entries(_ bytes: UnsafeRawBufferPointer) throws(DecodeError) -> [IndexEntry] {
        guard bytes.count == length, Checksum.crc32c(bytes) == checksum else {
            throw DecodeError(position: 0, expected: "the piece's checksum")
        }
        var reader = ByteReader(bytes)
        var entries: [IndexEntry] = []
        var last = IndexEntry(key: first, value: 0)
        while !reader.isAtEnd {
            let key = try reader.ascending(from: last.key)
            // Of one key, values ascend.
            let value = try reader.ascending(from: key == last.key ? last.value : 0)
            last = IndexEntry(key: key, value: value)
            entries.append(last)
        }
        return entries
    }
}

extension ByteReader {
    /// A number that is written as what it has more than the one before.
    fileprivate mutating func ascending(from start: UInt64) throws(DecodeError) -> UInt64 {
        let (sum, overflows) = start.addingReportingOverflow(try varint())
        guard !overflows else { throw DecodeError(position: position, expected: "64 bits") }
        return sum
    }
}

// MARK: Writing

/// Makes the bytes of an index file.
package struct IndexWriter {
    private var directory = GrowingBytes()
    private var body: [UInt8] = []

    package init() {}

    /// Adds the next table, whose entries ascend.
    package mutating func add(_ entries: [IndexEntry]) {
        var pieces: [(first: UInt64, bytes: Range<Int>)] = []
        var next = 0
        while next < entries.count {
            let start = body.count
            let first = entries[next].key
            next = addPiece(entries, from: next)
            pieces.append((first, start..<body.count))
        }
        directory.append { $0.varint(UInt64(pieces.count)) }
        var last: UInt64 = 0
        for piece in pieces {
            let checksum = body.withUnsafeBytes {
                Checksum.crc32c(UnsafeRawBufferPointer(rebasing: $0[piece.bytes]))
            }
            directory.append {
                $0.varint(piece.first - last)
                $0.varint(UInt64(piece.bytes.count))
                $0.u32(checksum)
            }
            last = piece.first
        }
    }

    /// Adds as many entries as a piece takes.
    ///
    /// - Returns: the first entry behind them.
    private mutating func addPiece(_ entries: [IndexEntry], from start: Int) -> Int {
        var piece = GrowingBytes()
        var last = IndexEntry(key: entries[start].key, value: 0)
        var next = start
        while next < entries.count, piece.bytes.count + 20 <= IndexDirectory.pieceLimit {
            let entry = entries[next]
            precondition(entry >= last, "the entries of a table ascend")
            piece.append {
                $0.varint(entry.key - last.key)
                $0.varint(entry.value - (entry.key == last.key ? last.value : 0))
            }
            last = entry
            next += 1
        }
        body += piece.bytes
        return next
    }

    /// The whole file.
    package consuming func finish(_ header: IndexHeader) -> [UInt8] {
        var header = header
        header.directoryLength = UInt32(directory.bytes.count)
        header.directoryChecksum = directory.bytes.withUnsafeBytes { Checksum.crc32c($0) }
        var page = [UInt8](repeating: 0, count: Layout.page)
        page.withUnsafeMutableBytes { header.write(to: $0) }
        return page + directory.bytes + body
    }
}

/// Bytes that grow by small fields.
private struct GrowingBytes {
    private(set) var bytes: [UInt8] = []

    /// Appends what `encode` writes, at most 32 bytes.
    mutating func append(_ encode: (inout ByteWriter) -> Void) {
        withUnsafeTemporaryAllocation(byteCount: 32, alignment: 8) { memory in
            var writer = ByteWriter(memory)
            encode(&writer)
            precondition(!writer.overflowed)
            bytes.append(contentsOf: memory[..<writer.count])
        }
    }
}
