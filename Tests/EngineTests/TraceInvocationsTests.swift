import Primitives
import Testing

@testable import Engine

@Suite("What a worker runs of one trace")
struct TraceInvocationsTests {
    private func id(_ number: UInt64) -> UUID128 { UUID128(high: 0, low: number) }

    @Test("the youngest are told in order, whatever has ended", arguments: UInt64(1)...8)
    func order(seed: UInt64) {
        var entropy = SeededEntropy(seed: seed)
        var expected = [id(0)]
        var siblings = TraceInvocations(id(0))
        for _ in 0..<2000 {
            // Ids come back: callers may use one again.
            let one = id(entropy.next() % 40)
            if let place = expected.firstIndex(of: one) {
                if expected.count == 1 { continue }
                expected.remove(at: place)
                let isAnyLeft = siblings.remove(one)
                #expect(isAnyLeft)
            } else {
                expected.append(one)
                siblings.append(one)
            }
            let count = Int(entropy.next() % 12) + 1
            let youngest = siblings.youngest(count)
            #expect(youngest == Array(expected.suffix(count)))
        }
        while expected.count > 1 {
            let one = expected.remove(at: Int(entropy.next() % UInt64(expected.count)))
            let isAnyLeft = siblings.remove(one)
            let all = siblings.youngest(40)
            #expect(isAnyLeft && all == expected)
        }
        let isAnyLeft = siblings.remove(expected[0])
        #expect(!isAnyLeft)
    }

    @Test("many of one trace end without a search for each", .timeLimit(.minutes(1)))
    func many() {
        let count: UInt64 = 300_000
        var siblings = TraceInvocations(id(0))
        for number in 1..<count { siblings.append(id(number)) }
        // From both ends, but for the youngest: the one in the middle is left.
        for number in 0..<count / 2 - 1 {
            _ = siblings.remove(id(number))
            _ = siblings.remove(id(count - 2 - number))
        }
        let left = siblings.youngest(Worker.siblings)
        #expect(left == [id(count / 2 - 1), id(count - 1)])
    }
}
