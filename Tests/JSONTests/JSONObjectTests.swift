import JSON
import Primitives
import Testing

@Suite("JSON objects")
struct JSONObjectTests {
    @Test("members keep their order when set again, and lose it when removed")
    func order() {
        var object: JSONObject = ["b": .integer(1), "a": .integer(2), "c": .null]
        object["b"] = .bool(true)
        #expect(object.members.map(\.name) == ["b", "a", "c"])
        #expect(object.removeValue(forName: "b") == .bool(true))
        #expect(object.removeValue(forName: "b") == nil)
        object["b"] = .null
        #expect(object.members.map(\.name) == ["a", "c", "b"])
        object["a"] = nil
        #expect(object["a"] == nil)
        #expect(object.count == 2)
    }

    @Test("equality ignores the order of members only")
    func equality() {
        let object: JSONObject = ["a": .integer(1), "b": .integer(2)]
        #expect(object == ["b": .integer(2), "a": .integer(1)])
        #expect(object != ["a": .integer(1)])
        #expect(object != ["a": .integer(1), "c": .integer(2)])
        #expect(object != ["a": .integer(1), "b": .number(.double(2))])
    }

    @Test("values are changed in place, and created when they are missing")
    func inPlace() {
        var object = JSONObject()
        for round in 1...12 {
            object.withValue(of: "n\(round % 10)", default: .array([])) { value in
                guard case .array(let elements) = value else { return }
                value = .array(elements + [.integer(Int64(round))])
            }
        }
        #expect(object.count == 10)
        #expect(object["n1"] == .array([.integer(1), .integer(11)]))
        #expect(object["n0"] == .array([.integer(10)]))
    }

    @Test("an object behaves as a dictionary across the index threshold", arguments: 0..<50)
    func model(seed: UInt64) {
        var entropy = SeededEntropy(seed: seed)
        var object = JSONObject()
        var model: [String: Int64] = [:]
        for step in 0..<300 {
            let name = "k\(Int.random(in: 0..<16, using: &entropy))"
            if Int.random(in: 0..<5, using: &entropy) < 2 {
                let expected = model.removeValue(forKey: name)
                #expect(object.removeValue(forName: name) == expected.map(JSONValue.integer))
            } else {
                model[name] = Int64(step)
                object[name] = .integer(Int64(step))
            }
            #expect(object.count == model.count, "seed \(seed)")
            for number in 0..<16 {
                let name = "k\(number)"
                #expect(object[name] == model[name].map(JSONValue.integer), "seed \(seed), \(name)")
            }
        }
    }

    @Test("members keep their order, whatever comes and goes", arguments: 0..<50)
    func orderModel(seed: UInt64) {
        var entropy = SeededEntropy(seed: seed)
        var object = JSONObject()
        var model: [(name: String, value: JSONValue)] = []
        for step in 0..<600 {
            // It grows to many more than have no index, shrinks to few, and grows again.
            let removes = Int.random(in: 0..<10, using: &entropy) < (step / 100 % 2 == 0 ? 2 : 7)
            let name = "k\(Int.random(in: 0..<60, using: &entropy))"
            let value = JSONValue.integer(Int64(step))
            if removes {
                let known = model.firstIndex { $0.name == name }
                let removed = known.map { model.remove(at: $0).value }
                #expect(object.removeValue(forName: name) == removed, "seed \(seed), step \(step)")
            } else if let known = model.firstIndex(where: { $0.name == name }) {
                model[known].value = value
                object.withValue(of: name, default: .null) { $0 = value }
            } else {
                model.append((name, value))
                object[name] = value
            }
            #expect(object.members.map(\.name) == model.map(\.name), "seed \(seed), step \(step)")
            #expect(object.members.map(\.value) == model.map(\.value), "seed \(seed)")
            #expect(object.count == model.count && object.isEmpty == model.isEmpty)
            #expect(model.allSatisfy { object[$0.name] == $0.value }, "seed \(seed), step \(step)")
            #expect(object["none"] == nil)
        }
        var copy = JSONObject()
        for member in model.reversed() { copy[member.name] = member.value }
        #expect(copy == object)
    }

    @Test("many members are removed without moving the others each time", .timeLimit(.minutes(1)))
    func removal() {
        var object = JSONObject()
        let count = 50_000
        for number in 0..<count { object["key\(number)"] = .null }
        for number in 0..<count where number % 10 > 0 { object["key\(number)"] = nil }
        let left = stride(from: 0, to: count, by: 10).map { "key\($0)" }
        #expect(object.members.map(\.name) == left)
    }

    @Test("a large object is looked up by its index")
    func large() throws {
        let members = (0..<20_000).map { "\"key\($0)\":\($0)" }.joined(separator: ",")
        guard case .object(let object) = try parse("{\(members),\"key7\":0}") else {
            Issue.record("no object")
            return
        }
        #expect(object.count == 20_000)
        #expect(object["key7"] == .integer(0))
        #expect((0..<20_000).allSatisfy { $0 == 7 || object["key\($0)"] == .integer(Int64($0)) })
    }
}
