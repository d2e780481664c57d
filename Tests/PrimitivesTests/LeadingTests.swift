import Primitives
import Testing

@Suite("The first of an order")
struct LeadingTests {
    @Test("the first ones are kept in their order, however many come and in whatever order")
    func first() {
        for start in 0..<100 {
            var leading = Leading<Int>(7, by: <)
            // Every number below 101 once.
            for step in 0..<101 { leading.add((start + 37 * step) % 101) }
            #expect(leading.sorted == Array(0..<7))
        }
    }

    @Test("of fewer all are kept, and of equals no more than are wanted")
    func few() {
        var leading = Leading<String>(3) { $0.count < $1.count }
        #expect(leading.sorted.isEmpty)
        leading.add("bb")
        leading.add("a")
        #expect(leading.sorted == ["a", "bb"])
        for _ in 0..<20 { leading.add("c") }
        #expect(leading.sorted.map(\.count) == [1, 1, 1])
    }
}
