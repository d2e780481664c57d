import Primitives
import RecordFormat
import Testing

@Suite("Gaps")
struct GapTests {
    private func written(_ body: GapBody, base: Offset) -> [UInt8] {
        let page = AlignedMemory(capacity: Layout.page)
        let header = BatchHeader(
            kind: .gap,
            segment: 3,
            salt: 7,
            position: 8192,
            base: base,
            durable: base
        )
        body.write(header, to: page.bytes)
        return [UInt8](page.bytes)
    }

    @Test("a gap is read as it was written, with the zero sectors that it has by right")
    func roundTrip() throws {
        let body = GapBody(time: Timestamp(seconds: 5), count: 1 << 33, reason: .removed)
        let bytes = written(body, base: Offset(40))
        try bytes.withUnsafeBytes { page in
            guard case .header(let header) = BatchHeader.read(page) else {
                Issue.record("no header")
                return
            }
            #expect(header.kind == .gap)
            #expect(header.recordCount == 0)
            #expect(header.extent == Layout.page)
            #expect(Int(header.zeroSectors) == zeroSectors(page))
            let end = Layout.batchHeader + Int(header.bodyLength)
            let stored = UnsafeRawBufferPointer(rebasing: page[Layout.batchHeader..<end])
            #expect(Checksum.crc32c(stored) == header.bodyChecksum)
            let read = try #require(GapBody(stored))
            #expect(read == body)
            #expect(read.end(from: header.base) == Offset(40 + (1 << 33)))
        }
    }

    @Test("a gap that no log can have is none")
    func limits() {
        let endless = GapBody(time: Timestamp(seconds: 5), count: .max, reason: .lost)
        #expect(endless.end(from: .zero) == nil)
        #expect(endless.end(from: Offset(2)) == nil)
        let short: [UInt8] = Array(repeating: 0, count: 15)
        let isGap = short.withUnsafeBytes { GapBody($0) != nil }
        #expect(!isGap)
    }
}
