import Events
import JSON
import Primitives
import Testing

@testable import State

@Suite("The state view against a naive model")
struct StatePropertyTests {
    @Test("answers, content and replay agree over random calls", arguments: UInt64(1)...24)
    func model(seed: UInt64) throws {
        var entropy = SeededEntropy(seed: seed)
        // None, a few, or all of the values are in memory.
        var state = StateHarness(cacheBytes: [0, 1500, .max][Int(seed % 3)])
        var model = StateModel()
        for step in 0..<400 {
            let scope = "s\(Int.random(in: 0..<4, using: &entropy))"
            let key = "k\(Int.random(in: 0..<12, using: &entropy))"
            let place = #""scope":"\#(scope)","key":"\#(key)""#
            let context: Comment = "seed \(seed), step \(step)"
            switch Int.random(in: 0..<10, using: &entropy) {
            case 0..<4:
                let value = "\(Int.random(in: 0..<1000, using: &entropy))"
                let old = model.set(scope, key, value) ?? "null"
                let answer = try state.call(.set, #"{\#(place),"value":\#(value)}"#)
                #expect(answer == #"{"old_value":\#(old),"new_value":\#(value)}"#, context)
            case 4, 5:
                #expect(try state.call(.get, "{\(place)}") == model.get(scope, key), context)
            case 6, 7:
                #expect(try state.call(.delete, "{\(place)}") == model.delete(scope, key), context)
            case 8:
                let answer = try state.call(.list, #"{"scope":"\#(scope)"}"#)
                #expect(answer == model.list(scope), context)
            default:
                let by = Int.random(in: -5...5, using: &entropy)
                let old = model.get(scope, key)
                let new = String((old.flatMap { Int($0) } ?? 0) + by)
                _ = model.set(scope, key, new)
                let ops = #"[{"type":"increment","path":"","by":\#(by)}]"#
                let answer = try state.call(.update, #"{\#(place),"ops":\#(ops)}"#)
                let expected = #"{"old_value":\#(old ?? "null"),"new_value":\#(new)}"#
                #expect(answer == expected, context)
            }
            #expect(try state.call(.listGroups, "{}") == model.groups, context)
            #expect(state.view.keyCount == model.keyCount, context)
            state.view.checkCache()
        }
        #expect(state.replayed().digest() == state.view.digest(), "seed \(seed)")
    }

    @Test("each event changes the digest, and the same content has the same one")
    func digest() throws {
        var state = StateHarness()
        var seen: Set<UInt64> = [state.view.digest()]
        for input in [
            #"{"scope":"s","key":"k","value":1}"#, #"{"scope":"s","key":"k","value":1}"#,
            #"{"scope":"s","key":"k","value":2}"#, #"{"scope":"s","key":"l","value":2}"#,
            #"{"scope":"sk","key":"l","value":2}"#, #"{"scope":"s","key":"kl","value":2}"#,
        ] {
            try state.call(.set, input)
            #expect(seen.insert(state.view.digest()).inserted)
            #expect(state.replayed().digest() == state.view.digest())
        }
    }

    @Test("the digest is that of the content, not of how it came about")
    func history() {
        let set = { (key: String, value: String) in
            StateEvent.set(
                StateSet(scope: "s", key: key, value: Array(value.utf8), function: "state::set")
            )
        }
        var direct = StateView()
        direct.apply(set("a", "1"), at: Offset(5))
        direct.apply(set("b", "2"), at: Offset(6))
        var roundabout = StateView()
        roundabout.apply(set("a", "0"), at: Offset(0))
        roundabout.apply(set("x", "0"), at: Offset(1))
        roundabout.apply(set("b", "9"), at: Offset(2))
        roundabout.apply(.deleted(StateDeleted(scope: "s", key: "x")), at: Offset(3))
        roundabout.apply(set("a", "1"), at: Offset(5))
        roundabout.apply(set("b", "2"), at: Offset(6))
        #expect(direct.digest() == roundabout.digest())
        // The same values and versions in another order are another content.
        var reordered = StateView()
        reordered.apply(set("b", "9"), at: Offset(0))
        reordered.apply(set("a", "1"), at: Offset(5))
        reordered.apply(set("b", "2"), at: Offset(6))
        #expect(direct.digest() != reordered.digest())
    }

    @Test("the digest is the same in every process")
    func pinned() throws {
        var state = StateHarness()
        #expect(state.view.digest() == 0xcbf2_9ce4_8422_2325)
        try state.call(.set, #"{"scope":"orders","key":"1","value":{"n":1}}"#)
        try state.call(.set, #"{"scope":"é","key":"","value":null}"#)
        #expect(state.view.digest() == 0x95fc_2d62_80da_7543)
    }

    @Test("deleting what is not there changes no content")
    func absentDeletion() {
        var view = StateView()
        view.apply(.deleted(StateDeleted(scope: "s", key: "k")), at: Offset(0))
        #expect(view.scopeCount == 0)
        #expect(view.keyCount == 0)
        #expect(view.digest() == StateView().digest())
    }
}

/// Scopes as arrays of pairs: slow and plain.
private struct StateModel {
    private var scopes: [String: [(key: String, value: String)]] = [:]

    var keyCount: Int { scopes.values.reduce(0) { $0 + $1.count } }

    var groups: String {
        let names = scopes.filter { !$0.value.isEmpty }.keys.sorted().map { "\"\($0)\"" }
        return #"{"groups":[\#(names.joined(separator: ","))]}"#
    }

    func get(_ scope: String, _ key: String) -> String? {
        scopes[scope]?.first { $0.key == key }?.value
    }

    func list(_ scope: String) -> String {
        "[" + (scopes[scope] ?? []).map(\.value).joined(separator: ",") + "]"
    }

    mutating func set(_ scope: String, _ key: String, _ value: String) -> String? {
        let old = get(scope, key)
        if let index = scopes[scope]?.firstIndex(where: { $0.key == key }) {
            scopes[scope]?[index].value = value
        } else {
            scopes[scope, default: []].append((key, value))
        }
        return old
    }

    mutating func delete(_ scope: String, _ key: String) -> String? {
        let old = get(scope, key)
        scopes[scope]?.removeAll { $0.key == key }
        return old
    }
}
