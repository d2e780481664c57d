import Primitives
import RecordFormat
import Testing

/// The bytes of an index file: what is looked up is found, and nothing that changed is believed.
@Suite struct IndexTests {
    private func tables(seed: UInt64, entries: UInt64) -> [[IndexEntry]] {
        var dice = SeededEntropy(seed: seed)
        return IndexTable.allCases.map { table in
            // Keys that repeat, keys far apart, and a table of nothing.
            let spread = [1, 40, UInt64.max / 2, 1 << 48][table.rawValue % 4]
            let count = table == .workers ? 0 : entries
            let entries = (0..<count).map { _ in
                IndexEntry(key: dice.next() % spread, value: dice.next() % 20_000)
            }
            return Set(entries).sorted()
        }
    }

    private func file(_ tables: [[IndexEntry]]) -> [UInt8] {
        var writer = IndexWriter()
        for table in tables { writer.add(table) }
        return writer.finish(
            IndexHeader(segment: 7, salt: 8, size: 9, offsets: Offset(10)..<Offset(11))
        )
    }

    private func slice(_ bytes: [UInt8], _ range: Range<Int>) -> [UInt8] {
        Array(bytes[range.clamped(to: 0..<bytes.count)])
    }

    private func directory(_ bytes: [UInt8]) throws -> IndexDirectory? {
        guard
            let header = slice(bytes, 0..<Layout.page).withUnsafeBytes({ IndexHeader.read($0) })
        else { return nil }
        let end = Layout.page + Int(header.directoryLength)
        return try slice(bytes, Layout.page..<end).withUnsafeBytes {
            try IndexDirectory(header, decoding: $0)
        }
    }

    private func entries(
        _ bytes: [UInt8],
        _ directory: IndexDirectory,
        _ table: IndexTable,
        _ range: ClosedRange<UInt64> = 0...UInt64.max
    ) throws -> [IndexEntry] {
        try directory.pieces(of: table, for: range).flatMap { piece in
            try slice(bytes, piece.position..<piece.position + piece.length)
                .withUnsafeBytes { try piece.entries($0) }
        }
    }

    @Test("every key is found, with all that belongs to it", arguments: [0, 3, 3000])
    func lookups(count: UInt64) throws {
        let tables = tables(seed: count, entries: count)
        let bytes = file(tables)
        let directory = try #require(try directory(bytes))
        for (table, all) in zip(IndexTable.allCases, tables) {
            #expect(try entries(bytes, directory, table) == all)
            for entry in all.enumerated().filter({ $0.offset % 97 == 0 }).map(\.element) {
                let found = try entries(bytes, directory, table, entry.key...entry.key)
                #expect(found.count < 5000)
                #expect(found.filter { $0.key == entry.key } == all.filter { $0.key == entry.key })
                let last = all.last { $0.key < entry.key }
                let piece = directory.last(of: table, below: entry.key)
                let inside = try piece.map { piece in
                    try slice(bytes, piece.position..<piece.position + piece.length)
                        .withUnsafeBytes { try piece.entries($0) }
                }
                #expect(inside?.last { $0.key < entry.key } == last)
            }
        }
    }

    @Test("no bit can change unseen")
    func flips() throws {
        let whole = file(tables(seed: 5, entries: 60))
        for bit in 0..<8 * whole.count {
            var bytes = whole
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            let isSeen: Bool
            do {
                if let directory = try directory(bytes) {
                    for table in IndexTable.allCases { _ = try entries(bytes, directory, table) }
                    isSeen = false
                } else {
                    isSeen = true
                }
            } catch {
                isSeen = true
            }
            #expect(isSeen, "bit \(bit)")
        }
    }

    @Test("any bytes are decoded or refused", arguments: 1...20)
    func noise(seed: UInt64) throws {
        var dice = SeededEntropy(seed: seed)
        for _ in 0..<200 {
            let count = Int(dice.next() % 400)
            // Small bytes make varints that go on being read.
            let noise = (0..<count).map { _ in UInt8(truncatingIfNeeded: dice.next()) & 0x9F }
            _ = noise.withUnsafeBytes { IndexHeader.read($0) }
            let header = IndexHeader(
                segment: 0,
                salt: 0,
                size: 0,
                offsets: .zero..<Offset(1),
                directoryLength: UInt32(count),
                directoryChecksum: noise.withUnsafeBytes { Checksum.crc32c($0) }
            )
            let directory = try? noise.withUnsafeBytes { try IndexDirectory(header, decoding: $0) }
            guard let directory else { continue }
            for table in IndexTable.allCases {
                _ = try? entries([UInt8](repeating: 0, count: 4096) + noise, directory, table)
            }
        }
    }
}
