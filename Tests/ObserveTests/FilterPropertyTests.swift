import JSON
import Observe
import Primitives
import Testing

@Suite("Laws of filters")
struct FilterPropertyTests {
    @Test("opposites are opposites, and a combination is what its parts say", arguments: 1...8)
    func laws(seed: Int) throws {
        var story = RandomFilters(seed: UInt64(seed))
        for _ in 0..<400 {
            let (one, other) = (story.filter(), story.filter())
            let event = story.event()
            let first = try #require(answer(one, event) as Bool?, "\(one)")
            let second = try #require(answer(other, event) as Bool?, "\(other)")
            #expect(answer("{\"$not\":\(one)}", event) == !first)
            #expect(answer("{\"$and\":[\(one),\(other)]}", event) == (first && second))
            #expect(answer("{\"$or\":[\(one),\(other)]}", event) == (first || second))
            let path = story.path()
            let literal = story.value()
            func ask(_ name: String, _ operand: String) -> Bool? {
                answer("{\"\(path)\":{\"\(name)\":\(operand)}}", event)
            }
            #expect(ask("$eq", literal).map { !$0 } == ask("$ne", literal))
            #expect(ask("$in", "[\(literal)]") == ask("$eq", literal))
            #expect(ask("$in", "[\(literal)]").map { !$0 } == ask("$nin", "[\(literal)]"))
            #expect(ask("$exists", "true").map { !$0 } == ask("$exists", "false"))
            if ask("$eq", literal) == true {
                #expect(ask("$exists", "true") == true)
            }
            #expect(ask("$gt", "1") == (ask("$gte", "1") == true && ask("$eq", "1") == false))
        }
    }

    @Test("white space and escapes around an event change nothing", arguments: 1...4)
    func spelling(seed: Int) throws {
        var story = RandomFilters(seed: UInt64(seed) &+ 100)
        for _ in 0..<300 {
            let filter = story.filter()
            let event = story.event()
            let spaced = event.replacing(":", with: " : ").replacing(",", with: "\n,\t")
                .replacing(#""a""#, with: #""\u0061""#)
            #expect(answer(filter, event) == answer(filter, spaced), "\(filter) on \(spaced)")
        }
    }
}

/// Filters and events over few names, so that they meet.
private struct RandomFilters {
    private var entropy: SeededEntropy

    init(seed: UInt64) { entropy = SeededEntropy(seed: seed) }

    private mutating func below(_ count: Int) -> Int { Int(entropy.next() % UInt64(count)) }

    private mutating func one(of choices: [String]) -> String { choices[below(choices.count)] }

    mutating func path() -> String {
        let root = one(of: ["input", "output", "metadata"])
        return root + (0..<below(3)).map { _ in ".\(one(of: ["a", "b", "0", "1"]))" }.joined()
    }

    mutating func value(depth: Int = 0) -> String {
        switch below(depth < 2 ? 9 : 6) {
        case 0: "null"
        case 1: one(of: ["true", "false"])
        case 2, 3: one(of: ["0", "1", "1.0", "2", "-1", "1e0"])
        case 4, 5: one(of: [#""""#, #""a""#, #""ab""#, #""é""#])
        case 6, 7:
            "[\((0..<below(3)).map { _ in value(depth: depth + 1) }.joined(separator: ","))]"
        default:
            "{\((0..<below(3)).map { "\"\(["a", "b", "0"][$0])\":\(value(depth: depth + 1))" }.joined(separator: ","))}"
        }
    }

    mutating func event() -> String {
        let parts = ["input", "output", "metadata"].filter { _ in below(4) > 0 }
        return "{\(parts.map { "\"\($0)\":\(value())" }.joined(separator: ","))}"
    }

    mutating func filter() -> String {
        let operation =
            switch below(7) {
            case 0: "{\"$eq\":\(value())}"
            case 1: "{\"$ne\":\(value())}"
            case 2: "{\"$in\":[\(value()),\(value())]}"
            case 3: "{\"\(one(of: ["$gt", "$gte", "$lt", "$lte"]))\":\(one(of: ["1", "\"a\""]))}"
            case 4: "{\"$exists\":\(one(of: ["true", "false"]))}"
            case 5: "{\"$prefix\":\"a\"}"
            default: "{\"$any\":{\"@.a\":{\"$eq\":\(value())}}}"
            }
        return "{\"\(path())\":\(operation)}"
    }
}
