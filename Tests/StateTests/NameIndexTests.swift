import JSON
import Primitives
import Testing

@testable import State

@Suite("The index of names")
struct NameIndexTests {
    @Test("pages are those of the sorted names, whatever comes and goes", arguments: UInt64(1)...6)
    func model(seed: UInt64) {
        var entropy = SeededEntropy(seed: seed)
        func name() -> Name {
            let letters = ["a", "b", "é", "e\u{301}", ""]
            let letter = letters[Int.random(in: 0..<letters.count, using: &entropy)]
            return Name("\(letter)\(Int.random(in: 0..<2500, using: &entropy))")
        }
        var names = Set((0..<1500).map { _ in name() })
        var index = NameIndex(of: Array(names))
        for step in 0..<6000 {
            let other = name()
            if Int.random(in: 0..<5, using: &entropy) < 3 {
                if names.insert(other).inserted { index.insert(other) }
            } else if names.remove(other) != nil {
                index.remove(other)
            }
            if !index.isWhole { index.grow(by: 3) { names.contains($0) } }
            guard step % 400 == 399 else { continue }
            index.checkInvariants()
            guard index.isWhole else { continue }
            let prefix = [Name(""), Name("a"), Name("b1"), Name("é")].randomElement(using: &entropy)
            let cursor = [nil, name(), names.randomElement(using: &entropy)]
                .randomElement(using: &entropy)
            let limit = Int.random(in: 1...1200, using: &entropy)
            let all = names.sorted().filter { name in
                name.text.utf8.starts(with: (prefix?.text ?? "").utf8)
                    && ((cursor ?? nil).map { $0 < name } ?? true)
            }
            let page = index.page(
                prefix: prefix ?? Name(""),
                after: cursor ?? nil,
                limit: limit
            )
            #expect(page == Array(all.prefix(limit)), "seed \(seed), step \(step)")
        }
        #expect(index.isWhole)
        #expect(index.count == names.count)
    }

    /// The same calls on a view that is never prepared, which looks at every key.
    @Test("entries are the same with an index, half an index and none", arguments: UInt64(1)...4)
    func entries(seed: UInt64) throws {
        var entropy = SeededEntropy(seed: seed)
        var state = StateHarness()
        func key() -> String { "k\(Int.random(in: 0..<30_000, using: &entropy))" }
        for _ in 0..<9000 { try state.call(.set, #"{"scope":"s","key":"\#(key())","value":1}"#) }
        var cursor = ""
        var pages = 0
        for step in 0..<60 {
            for _ in 0..<20 {
                let place = #""scope":"s","key":"\#(key())""#
                if Bool.random(using: &entropy) {
                    try state.call(.set, #"{\#(place),"value":\#(step)}"#)
                } else {
                    try state.call(.delete, "{\(place)}")
                }
            }
            let limit = Int.random(in: 1...1000, using: &entropy)
            let prefix = ["", "k1", "k22"].randomElement(using: &entropy) ?? ""
            let input = #"{"scope":"s","limit":\#(limit),"prefix":"\#(prefix)"\#(cursor)}"#
            state.view.prepareEntries(try JSONText(validating: Array(input.utf8)))
            state.view.checkIndexes()
            let answer = try #require(try state.call(.entries, input))
            var other = StateHarness()
            other.view = state.replayed()
            #expect(other.view.scopes[Name("s")]?.index == nil)
            #expect(
                try other.view.decide(
                    .entries,
                    input: JSONText(trusted: Array(input.utf8)),
                    at: other.moment,
                    read: state.value(at:)
                ).reply.result(state.value(at:)).text == answer
            )
            let next = JSONText(trusted: Array(answer.utf8)).member("cursor")?.stringValue
            cursor = next.map { #","cursor":"\#($0)""# } ?? ""
            pages += next == nil ? 0 : 1
        }
        #expect(state.view.scopes[Name("s")]?.index?.isWhole == true)
        #expect(pages > 0)
        #expect(state.replayed().digest() == state.view.digest())
    }

    @Test("a scope that is emptied takes its index along, and other scopes keep theirs")
    func emptied() throws {
        var state = StateHarness()
        for scope in ["s", "t"] {
            try state.call(.set, #"{"scope":"\#(scope)","key":"k","value":1}"#)
            state.view.prepareEntries(JSONText(trusted: Array(#"{"scope":"\#(scope)"}"#.utf8)))
        }
        try state.call(.delete, #"{"scope":"s","key":"k"}"#)
        try state.call(.set, #"{"scope":"s","key":"l","value":1}"#)
        #expect(state.view.scopes[Name("s")]?.index == nil)
        #expect(state.view.scopes[Name("t")]?.index?.count == 1)
        // Neither a scope that is not there nor an input that is none makes one.
        state.view.prepareEntries(JSONText(trusted: Array(#"{"scope":"none"}"#.utf8)))
        state.view.prepareEntries(JSONText(trusted: Array("[]".utf8)))
        #expect(state.view.indexed.inOrder == [Name("t")])
        state.view.checkIndexes()
    }

    @Test("of many scopes those that were read last have an index")
    func manyScopes() throws {
        var state = StateHarness()
        func page(_ number: Int) {
            let input = #"{"scope":"s\#(number)"}"#
            state.view.prepareEntries(JSONText(trusted: Array(input.utf8)))
        }
        let extra = 10
        for number in 0..<Limits.stateIndexedScopes + extra {
            try state.call(.set, #"{"scope":"s\#(number)","key":"k","value":1}"#)
            page(number)
            page(0)
        }
        state.view.checkIndexes()
        #expect(state.view.indexed.count == Limits.stateIndexedScopes)
        #expect(state.view.scopes[Name("s0")]?.index?.count == 1)
        for number in 1...extra {
            #expect(state.view.scopes[Name("s\(number)")]?.index == nil)
        }
        #expect(state.view.scopes[Name("s\(extra + 1)")]?.index?.count == 1)
    }

    @Test("which scopes have an index is known in the order of reading", arguments: UInt64(1)...4)
    func indexedScopes(seed: UInt64) {
        var entropy = SeededEntropy(seed: seed)
        var indexed = IndexedScopes()
        var model: [(scope: Name, names: Int)] = []
        for _ in 0..<2000 {
            let scope = Name("s\(Int.random(in: 0..<20, using: &entropy))")
            switch Int.random(in: 0..<8, using: &entropy) {
            case 0:
                indexed.remove(scope)
                model.removeAll { $0.scope == scope }
            case 1:
                let oldest: Name? = model.isEmpty ? nil : model.removeFirst().scope
                #expect(indexed.takeOldest() == oldest, "seed \(seed)")
            default:
                let names = Int.random(in: 0..<100, using: &entropy)
                indexed.read(scope, names: names)
                model.removeAll { $0.scope == scope }
                model.append((scope, names))
            }
            indexed.checkInvariants()
            #expect(indexed.inOrder == model.map(\.scope), "seed \(seed)")
            #expect(indexed.names == model.reduce(0) { $0 + $1.names }, "seed \(seed)")
        }
    }
}
