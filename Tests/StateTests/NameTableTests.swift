import Primitives
import Testing

@testable import State

@Suite("The table of names")
struct NameTableTests {
    @Test("agrees with a dictionary while it grows and shrinks", arguments: UInt64(1)...4)
    func model(seed: UInt64) {
        var entropy = SeededEntropy(seed: seed)
        var table = NameTable<Int>()
        var model: [String: Int] = [:]
        for step in 0..<6000 {
            let name = "n\(Int.random(in: 0..<3000, using: &entropy))"
            let value = Int.random(in: 0..<3, using: &entropy) == 0 ? nil : step
            let old = table.change(Name(name)) { slot in
                let old = slot
                slot = value
                return old
            }
            #expect(old == model[name], "seed \(seed), step \(step)")
            model[name] = value
            if step % 500 == 0 { table.checkInvariants() }
        }
        table.checkInvariants()
        #expect(table.count == model.count, "seed \(seed)")
        for (name, value) in model { #expect(table[Name(name)] == value, "seed \(seed), \(name)") }
        #expect(table.sortedNames.map(\.text) == model.keys.sorted(), "seed \(seed)")
    }

    @Test("names are told apart and ordered by their bytes")
    func bytes() {
        let composed = Name("\u{e9}")
        let decomposed = Name("e\u{301}")
        #expect(composed.text == decomposed.text)
        #expect(composed != decomposed)
        #expect(decomposed < composed)
        #expect(Name("Z") < Name("a"))
        #expect(Name("") < Name("a"))
        #expect(Name("a") < Name("aa"))
    }
}
