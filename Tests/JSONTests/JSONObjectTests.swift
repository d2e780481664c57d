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
