import Testing

@testable import Engine

@Suite("Names in the order in which they came")
struct OrderedNameSetTests {
    @Test("a name keeps its place until it is taken out, and comes back behind all others")
    func order() {
        var roster = OrderedNameSet<Int>()
        for name in 0..<200 { roster.append(name) }
        roster.append(0)
        #expect(roster.names == Array(0..<200))
        for name in 0..<198 {
            roster.remove(name)
            #expect(roster.names == Array((name + 1)..<200))
        }
        roster.remove(0)
        roster.append(0)
        roster.remove(198)
        #expect(roster.names == [199, 0])
        #expect(roster.count == 2)
        #expect(roster.contains(0))
        #expect(!roster.contains(198))
    }
}
