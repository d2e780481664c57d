import Primitives
import Testing

@testable import CommitLog

@Suite("The index of offsets")
struct OffsetIndexTests {
    private let page = 4096
    private let pagesOfSegment = 256

    /// An index of so many batches of one record and one page each.
    private func index(of batches: Int, most: Int) -> OffsetIndex {
        var index = OffsetIndex(spacing: page, most: most)
        for batch in 0..<batches {
            index.note(
                Offset(UInt64(batch)),
                segment: UInt64(batch / pagesOfSegment),
                position: batch % pagesOfSegment * page
            )
        }
        return index
    }

    private func count(_ index: OffsetIndex, below segments: UInt64) -> Int {
        (0..<segments).reduce(0) { $0 + index.places(in: $1).count }
    }

    @Test("however much is written, it has a bounded number of entries, and finds everything")
    func bounded() throws {
        let most = 1000
        for batches in [900, 5000, 100_000] {
            let index = index(of: batches, most: most)
            let segments = UInt64(batches / pagesOfSegment + 1)
            #expect(count(index, below: segments) <= most)
            for batch in stride(from: 0, to: batches, by: 7) {
                let entry = try #require(index.entry(for: Offset(UInt64(batch))))
                #expect(entry.segment == batch / pagesOfSegment)
                #expect(entry.base <= Offset(UInt64(batch)))
                #expect(entry.position == Int(entry.base.rawValue) % pagesOfSegment * page)
            }
            // What was written last is found without a walk.
            let last = try #require(index.entry(for: Offset(UInt64(batches - 1))))
            #expect(last.base.rawValue == UInt64(batches - 1))
        }
    }

    @Test("where segments are many, each keeps its first batch")
    func manySegments() {
        let index = index(of: 100_000, most: 50)
        for segment in 0..<UInt64(100_000 / pagesOfSegment) {
            #expect(index.places(in: segment).first?.position == 0)
        }
        #expect(count(index, below: 391) <= 3 * 391)
    }
}
