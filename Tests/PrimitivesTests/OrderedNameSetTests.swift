import Testing

@testable import Primitives

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

    @Test("names come, go, and are taken out from the front as from an array", arguments: 1...4)
    func model(seed: Int) {
        var entropy = SeededEntropy(seed: UInt64(seed))
        var set = OrderedNameSet<Int>()
        var model: [Int] = []
        for _ in 0..<4000 {
            let name = Int.random(in: 0..<300, using: &entropy)
            switch Int.random(in: 0..<8, using: &entropy) {
            case 0...1:
                set.remove(name)
                model.removeAll { $0 == name }
            case 2...3:
                let first: Int? = model.isEmpty ? nil : model.removeFirst()
                #expect(set.popFirst() == first, "seed \(seed)")
            default:
                set.append(name)
                if !model.contains(name) { model.append(name) }
            }
            set.checkInvariants()
            #expect(set.names == model, "seed \(seed)")
            #expect(set.count == model.count, "seed \(seed)")
        }
        for name in model { #expect(set.popFirst() == name, "seed \(seed)") }
        #expect(set.popFirst() == nil)
        #expect(set.isEmpty)
    }
}
