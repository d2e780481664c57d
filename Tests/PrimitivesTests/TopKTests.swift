import Primitives
import Testing

@Suite("The first of an order")
struct TopKTests {
    @Test("the first ones are kept in their order, however many come and in whatever order")
    func first() {
        for start in 0..<100 {
            var top = TopK<Int>(7, by: <)
            // Every number below 101 once.
            for step in 0..<101 { top.add((start + 37 * step) % 101) }
            #expect(top.sorted == Array(0..<7))
        }
    }

    @Test("of fewer all are kept, and of equals no more than are wanted")
    func few() {
        var top = TopK<String>(3) { $0.count < $1.count }
        #expect(top.sorted.isEmpty)
        top.add("bb")
        top.add("a")
        #expect(top.sorted == ["a", "bb"])
        for _ in 0..<20 { top.add("c") }
        #expect(top.sorted.map(\.count) == [1, 1, 1])
    }
}
