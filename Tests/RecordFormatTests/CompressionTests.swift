import Primitives
import RecordFormat
import Testing

/// A closed batch as the builder leaves it, its records' payloads, and how it is made.
private struct Plain {
    let bytes: [UInt8]
    let payloads: [[UInt8]]

    /// Records until the body has `size` bytes; `variety` of the 256 values a byte may have.
    init(size: Int, variety: UInt64, seed: UInt64) {
        var entropy = SeededEntropy(seed: seed)
        var builder = BatchBuilder(base: Offset(1000), capacity: 4096)
        var payloads: [[UInt8]] = []
        repeat {
            let count = Int(entropy.next() % 500)
            var payload: [UInt8] = []
            for _ in 0..<count { payload.append(UInt8(entropy.next() % variety)) }
            let time = Timestamp(nanoseconds: Int64(payloads.count))
            _ = builder.append(kind: 3, time: time, trace: nil, cause: nil) { writer in
                payload.withUnsafeBytes { writer.raw($0) }
            }
            payloads.append(payload)
        } while builder.byteCount < Layout.batchHeader + size
        let header = BatchHeader(
            kind: .data,
            segment: 3,
            salt: 0x5A17,
            position: 8192,
            base: builder.base,
            durable: builder.base
        )
        bytes = [UInt8](builder.close(header))
        self.payloads = payloads
    }

    var compressed: [UInt8]? {
        var compressor = BatchCompressor()
        return bytes.withUnsafeBytes { compressor.compress($0).map { [UInt8]($0) } }
    }
}

private func header(_ bytes: [UInt8]) throws -> BatchHeader {
    guard case .header(let header) = bytes.withUnsafeBytes({ BatchHeader.read($0) }) else {
        throw DecodeError(position: 0, expected: "a header")
    }
    return header
}

/// The payloads of a batch by the one way to them; nil where it has no plain body.
private func payloads(_ bytes: [UInt8], _ header: BatchHeader) throws -> [[UInt8]]? {
    var bodies = BatchDecompressor()
    return try bytes.withUnsafeBytes { memory -> [[UInt8]]? in
        guard let body = bodies.body(of: header, in: memory) else { return nil }
        guard var reader = BatchReader(header, body: body) else { return nil }
        var found: [[UInt8]] = []
        while let record = try reader.record() { found.append([UInt8](record.payload)) }
        return found
    }
}

@Suite("Compressed batches")
struct CompressionTests {
    @Test("random batches come back as they were, smaller or as they are", arguments: 1...40)
    func roundTrip(seed: UInt64) throws {
        var entropy = SeededEntropy(seed: seed)
        let size = Int(entropy.next() % 200_000)
        let variety = 1 + entropy.next() % 256
        let plain = Plain(size: size, variety: variety, seed: seed)
        let before = try header(plain.bytes)
        #expect(try payloads(plain.bytes, before) == plain.payloads, "seed \(seed)")
        guard let bytes = plain.compressed else {
            #expect(before.rawLength < Compression.bytesMin || variety > 100, "seed \(seed)")
            return
        }
        let after = try header(bytes)
        #expect(after.compression == .zstd)
        #expect(after.rawLength == before.rawLength)
        #expect(Int(after.bodyLength) <= Int(before.bodyLength) * Compression.share / 100)
        #expect(bytes.count == after.extent)
        #expect(after.base == before.base)
        #expect(after.recordCount == before.recordCount)
        #expect(try payloads(bytes, after) == plain.payloads, "seed \(seed)")
    }

    @Test("what gains too little is left as it is")
    func gain() {
        #expect(Plain(size: 60_000, variety: 256, seed: 1).compressed == nil)
        #expect(Plain(size: 60_000, variety: 2, seed: 1).compressed != nil)
        // However well it would compress: it has a page of its own in any case.
        #expect(Plain(size: 2000, variety: 1, seed: 1).compressed == nil)
    }

    @Test("a changed bit of a compressed body never gets to the decompressor")
    func flips() throws {
        let plain = Plain(size: 6000, variety: 4, seed: 2)
        let bytes = try #require(plain.compressed)
        let header = try header(bytes)
        let body = Layout.batchHeader..<Layout.batchHeader + Int(header.bodyLength)
        for bit in body.lowerBound * 8..<body.upperBound * 8 {
            var damaged = bytes
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(try payloads(damaged, header) == nil, "bit \(bit)")
        }
    }

    /// `bytes` with another body and stated length, checksums made to hold.
    private func forged(
        _ bytes: [UInt8],
        rawLength: UInt32,
        body: [UInt8]? = nil
    ) throws -> [UInt8] {
        var header = try header(bytes)
        header.rawLength = rawLength
        var forged = bytes
        if let body {
            header.bodyLength = UInt32(body.count)
            header.bodyChecksum = body.withUnsafeBytes { Checksum.crc32c($0) }
            forged = [UInt8](repeating: 0, count: header.extent)
            forged.replaceSubrange(Layout.batchHeader..<Layout.batchHeader + body.count, with: body)
        }
        forged.withUnsafeMutableBytes { header.write(to: $0) }
        return forged
    }

    @Test("a body that makes another length than stated is damage, whatever its checksum says")
    func lengths() throws {
        let plain = Plain(size: 6000, variety: 4, seed: 3)
        let bytes = try #require(plain.compressed)
        let right = try header(bytes).rawLength
        for wrong in [0, 1, 8, right - 1, right + 1, right * 2, 64 << 20, (64 << 20) + 1, .max] {
            let batch = try forged(bytes, rawLength: wrong)
            #expect(try payloads(batch, header(batch)) == nil, "\(wrong)")
        }
        // Of a plain batch the two lengths are one.
        let longer = try forged(plain.bytes, rawLength: right + 1)
        #expect(try payloads(longer, header(longer)) == nil)
        let same = try forged(bytes, rawLength: right)
        #expect(try payloads(same, header(same)) == plain.payloads)
    }

    @Test("a bomb is not decompressed, and what is no zstd frame is damage")
    func bombs() throws {
        let plain = Plain(size: 6000, variety: 4, seed: 4)
        let bytes = try #require(plain.compressed)
        let length = try header(bytes).rawLength
        // A frame of one repeated byte that states 128 MiB: magic number, single segment with a
        // length of 4 bytes, then blocks of 128 KiB that take 4 bytes each (RFC 8878, 3.1.1).
        let blocks = 1024
        var bomb: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0xA0]
        bomb += withUnsafeBytes(of: UInt32(blocks << 17).littleEndian) { [UInt8]($0) }
        for block in 1...blocks {
            let head = UInt32(1 << 17) << 3 | 1 << 1 | (block == blocks ? 1 : 0)
            bomb += withUnsafeBytes(of: head.littleEndian) { [UInt8]($0.prefix(3)) } + [0]
        }
        for stated in [length, UInt32(64 << 20), UInt32(blocks << 17)] {
            let batch = try forged(bytes, rawLength: stated, body: bomb)
            #expect(try payloads(batch, header(batch)) == nil, "\(stated)")
        }
        // The same frame within bounds is taken, so it is the bound that refused it.
        var small = Array(bomb.prefix(5))
        small += withUnsafeBytes(of: UInt32(1 << 17).littleEndian) { [UInt8]($0) }
        let head = UInt32(1 << 17) << 3 | 1 << 1 | 1
        small += withUnsafeBytes(of: head.littleEndian) { [UInt8]($0.prefix(3)) } + [0]
        let batch = try forged(bytes, rawLength: 1 << 17, body: small)
        let smallHeader = try header(batch)
        var bodies = BatchDecompressor()
        let count = batch.withUnsafeBytes { bodies.body(of: smallHeader, in: $0)?.count }
        #expect(count == 1 << 17)
        var entropy = SeededEntropy(seed: 5)
        for size in [8, 9, 100, 5000] {
            let noise = (0..<size).map { _ in UInt8(truncatingIfNeeded: entropy.next()) }
            let batch = try forged(bytes, rawLength: length, body: noise)
            #expect(try payloads(batch, header(batch)) == nil, "\(size)")
            // With the magic number and a length, and noise behind.
            let framed = try forged(bytes, rawLength: 1 << 17, body: Array(small.prefix(9)) + noise)
            #expect(try payloads(framed, header(framed)) == nil, "\(size)")
        }
    }

    @Test("one batch after another, large and small, in the same memory")
    func reuse() throws {
        var bodies = BatchDecompressor()
        for (index, size) in [5000, 3_000_000, 6000, 5000, 90_000].enumerated() {
            let plain = Plain(size: size, variety: 5, seed: UInt64(index))
            let bytes = try #require(plain.compressed)
            let header = try header(bytes)
            for _ in 0..<2 {
                let same = bytes.withUnsafeBytes { memory in
                    bodies.body(of: header, in: memory)?.elementsEqual(
                        plain.bytes[Layout.batchHeader...].prefix(Int(header.rawLength))
                    )
                }
                #expect(same == true, "\(size)")
            }
        }
    }
}

@Suite("Footers")
struct FooterTests {
    private func footer() -> SegmentFooter {
        var tally = SegmentTally()
        let plain = Plain(size: 3000, variety: 9, seed: 1)
        plain.bytes.withUnsafeBytes { memory in
            guard case .header(let header) = BatchHeader.read(memory) else { return }
            tally.add(header, memory)
            tally.add(header, memory)
        }
        return tally.footer(number: 7, salt: 9, end: Offset(1234), compression: .zstd)
    }

    private func page(_ footer: SegmentFooter) -> [UInt8] {
        var bytes = [UInt8](repeating: 0xEE, count: Layout.page)
        bytes.withUnsafeMutableBytes { footer.write(to: $0) }
        return bytes
    }

    @Test("a footer comes back as it was, and a changed bit of it is seen")
    func roundTrip() {
        let footer = footer()
        #expect(footer.batches == 2)
        #expect(footer.records > 4)
        let bytes = page(footer)
        #expect(bytes.withUnsafeBytes { SegmentFooter.read($0) } == .valid(footer))
        for bit in 0..<bytes.count * 8 {
            var damaged = bytes
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(damaged.withUnsafeBytes { SegmentFooter.read($0) } == .damaged, "bit \(bit)")
        }
        let zeros = [UInt8](repeating: 0, count: Layout.page)
        #expect(zeros.withUnsafeBytes { SegmentFooter.read($0) } == .zero)
    }

    @Test("the hash of a file is XXH3 of 128 bits")
    func hash() {
        var hash = FileHash()
        // The reference implementation's own value for no bytes at all.
        let empty = FileHash.Value(high: 0x99AA_06D3_0147_98D8, low: 0x6001_C324_468D_497F)
        #expect(hash.value == empty)
        let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }
        bytes.withUnsafeBytes { hash.add($0) }
        var pieces = FileHash()
        for start in stride(from: 0, to: 1000, by: 100) {
            bytes[start..<start + 100].withUnsafeBytes { pieces.add($0) }
        }
        #expect(hash.value == pieces.value)
    }
}
