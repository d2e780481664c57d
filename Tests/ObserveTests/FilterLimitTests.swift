import JSON
import Observe
import Primitives
import Testing

@Suite("How large a filter may be")
struct FilterLimitTests {
    /// `inner` inside of `count` pairs of `open` and `close`.
    private func nested(_ open: String, _ inner: String, _ close: String, _ count: Int) -> String {
        String(repeating: open, count: count) + inner + String(repeating: close, count: count)
    }

    private func isTaken(_ filter: String) -> Bool { refusal(filter) == nil }

    @Test("$or, $not and $any each add a level, of eight; $and adds none")
    func depth() {
        let last = #"{"input":{"$eq":1}}"#
        #expect(isTaken(nested(#"{"$not":"#, last, "}", 7)))
        #expect(!isTaken(nested(#"{"$not":"#, last, "}", 8)))
        #expect(isTaken(nested(#"{"$or":["#, last, "]}", 7)))
        #expect(!isTaken(nested(#"{"$or":["#, last, "]}", 8)))
        #expect(isTaken(nested(#"{"$and":["#, last, "]}", 30)))
        let any = #"{"input":{"$any":{"@":"# + nested(#"{"$any":{"@":"#, #"{"$eq":1}"#, "}}", 6)
        #expect(isTaken(any + "}}}"))
        let more = #"{"input":{"$any":{"@":"# + nested(#"{"$any":{"@":"#, #"{"$eq":1}"#, "}}", 7)
        #expect(!isTaken(more + "}}}"))
        // The innermost of these has operators, which are a level of their own.
        #expect(!isTaken(nested(#"{"$not":"#, #"{"input":{"$any":{"$eq":1}}}"#, "}", 7)))
    }

    @Test("64 operators, $or and $not")
    func nodes() {
        func filter(_ count: Int) -> String {
            let clauses = (0..<count).map { "\"input.a\($0)\":{\"$eq\":1}" }
            return "{\(clauses.joined(separator: ","))}"
        }
        #expect(isTaken(filter(64)))
        #expect(!isTaken(filter(65)))
        #expect(!isTaken(#"{"$not":\#(filter(64))}"#))
        #expect(!isTaken(#"{"$or":[\#(filter(64))]}"#))
        #expect(isTaken(#"{"$and":[\#(filter(64))]}"#))
    }

    @Test("256 values of a set, 16 segments of a path, 8192 bytes")
    func sizes() {
        func set(_ count: Int) -> String {
            "{\"input\":{\"$in\":[\((0..<count).map(String.init).joined(separator: ","))]}}"
        }
        #expect(isTaken(set(256)))
        #expect(!isTaken(set(257)))
        func path(_ count: Int) -> String {
            "{\"input\(String(repeating: ".a", count: count))\":{\"$eq\":1}}"
        }
        #expect(isTaken(path(16)))
        #expect(!isTaken(path(17)))
        func bytes(_ count: Int) -> String {
            let frame = #"{"input":{"$eq":""}}"#.utf8.count
            return "{\"input\":{\"$eq\":\"\(String(repeating: "x", count: count - frame))\"}}"
        }
        #expect(isTaken(bytes(8192)))
        #expect(!isTaken(bytes(8193)))
    }

    @Test("32 levels of a literal, and 120 of the whole")
    func literals() {
        func literal(_ count: Int) -> String {
            "{\"input\":{\"$eq\":\(nested("[", "", "]", count))}}"
        }
        #expect(isTaken(literal(32)))
        #expect(!isTaken(literal(33)))
        #expect(isTaken(nested(#"{"$and":["#, "{}", "]}", 59)))
        #expect(!isTaken(nested(#"{"$and":["#, "{}", "]}", 60)))
    }

    @Test("numbers within 2^53")
    func numbers() {
        #expect(isTaken(#"{"input":{"$eq":9007199254740992}}"#))
        #expect(isTaken(#"{"input":{"$eq":-9007199254740992}}"#))
        #expect(!isTaken(#"{"input":{"$eq":9007199254740994}}"#))
    }
}
