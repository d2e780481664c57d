import JSON
import Observe
import Primitives
import Testing

@Suite("Filters")
struct FilterTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let filter: String
        let event: String
        let expected: Bool

        init(_ filter: String, _ event: String, _ expected: Bool) {
            self.filter = filter
            self.event = event
            self.expected = expected
        }

        var testDescription: String { "\(filter) on \(event)" }
    }

    @Test("the protocol's vectors", arguments: vectors)
    func vector(vector: Case) {
        #expect(answer(vector.filter, vector.event) == vector.expected)
    }

    static let vectors = [
        Case(#"{"input.a":{"$ne":1}}"#, #"{"input":{}}"#, true),
        Case(#"{"input.a":{"$eq":null}}"#, #"{"input":{}}"#, false),
        Case(#"{"input.a":{"$eq":null}}"#, #"{"input":{"a":null}}"#, true),
        Case(#"{"input.a":{"$eq":true}}"#, #"{"input":{"a":1}}"#, false),
        Case(#"{"input.tags":{"$any":{}}}"#, #"{"input":{"tags":[]}}"#, false),
        Case(#"{"input.l.00":{"$eq":5}}"#, #"{"input":{"l":[5]}}"#, false),
        Case(
            #"{"input.items":{"$any":{"@.q":{"$gt":1}}}}"#,
            #"{"input":{"items":[{"q":2}]}}"#,
            true
        ),
    ]

    @Test("each operator, on what it is for and on what it is not", arguments: operators)
    func eachOperator(vector: Case) {
        #expect(answer(vector.filter, vector.event) == vector.expected)
    }

    static let operators = [
        Case("{}", "{}", true),
        Case(#"{"input.a":{"$eq":1}}"#, #"{"input":{"a":1.0}}"#, true),
        Case(#"{"input.a":{"$eq":0}}"#, #"{"input":{"a":-0.0}}"#, true),
        Case(#"{"input.a":{"$eq":1}}"#, #"{"input":{"a":"1"}}"#, false),
        Case(#"{"input.a":{"$eq":1}}"#, #"{"input":{"a":true}}"#, false),
        Case(#"{"input":{"$eq":{"a":1,"b":[2,3]}}}"#, #"{"input":{"b":[2,3.0],"a":1}}"#, true),
        Case(#"{"input":{"$eq":{"a":1}}}"#, #"{"input":{"a":1,"b":1}}"#, false),
        Case(#"{"input":{"$eq":{"a":1,"b":1}}}"#, #"{"input":{"a":1}}"#, false),
        Case(#"{"input":{"$eq":[1,2]}}"#, #"{"input":[2,1]}"#, false),
        Case(#"{"input.a":{"$eq":null}}"#, #"{"input":{"a":1e999}}"#, true),
        Case(#"{"input.a":{"$eq":"é"}}"#, #"{"input":{"a":"\u00e9"}}"#, true),
        Case(#"{"input.a":{"$eq":"é"}}"#, #"{"input":{"a":"e\u0301"}}"#, false),
        Case(#"{"input.a":{"$ne":1}}"#, #"{"input":{"a":1}}"#, false),
        Case(#"{"input.a":{"$ne":1}}"#, #"{"input":{"a":null}}"#, true),
        Case(#"{"input.a":{"$in":[1,"x"]}}"#, #"{"input":{"a":"x"}}"#, true),
        Case(#"{"input.a":{"$in":[]}}"#, #"{"input":{"a":"x"}}"#, false),
        Case(#"{"input.a":{"$in":["x",{"b":[1]}]}}"#, #"{"input":{"a":{"b":[1.0]}}}"#, true),
        Case(#"{"input.a":{"$in":["x",null]}}"#, #"{"input":{"a":1}}"#, false),
        Case(#"{"input.a":{"$in":[null]}}"#, #"{"input":{}}"#, false),
        Case(#"{"input.a":{"$nin":[1,2]}}"#, #"{"input":{"a":2}}"#, false),
        Case(#"{"input.a":{"$nin":[1,2]}}"#, #"{"input":{}}"#, true),
        Case(#"{"input.a":{"$gt":1}}"#, #"{"input":{"a":1.5}}"#, true),
        Case(#"{"input.a":{"$gt":1}}"#, #"{"input":{"a":1}}"#, false),
        Case(#"{"input.a":{"$gte":1}}"#, #"{"input":{"a":1}}"#, true),
        Case(#"{"input.a":{"$lt":1}}"#, #"{"input":{"a":0}}"#, true),
        Case(#"{"input.a":{"$lte":1}}"#, #"{"input":{"a":1.01}}"#, false),
        Case(#"{"input.a":{"$gt":1}}"#, #"{"input":{"a":"2"}}"#, false),
        Case(#"{"input.a":{"$lt":"b"}}"#, #"{"input":{"a":"a"}}"#, true),
        Case(#"{"input.a":{"$lt":"b"}}"#, #"{"input":{"a":0}}"#, false),
        // By code point, not by UTF-16 unit: U+FF5E is below U+1F600.
        Case(#"{"input.a":{"$lt":"😀"}}"#, #"{"input":{"a":"～"}}"#, true),
        Case(#"{"input.a":{"$exists":true}}"#, #"{"input":{"a":null}}"#, true),
        Case(#"{"input.a":{"$exists":false}}"#, #"{"input":{"a":null}}"#, false),
        Case(#"{"error":{"$exists":false}}"#, #"{"input":1}"#, true),
        Case(#"{"input.a":{"$prefix":"ab"}}"#, #"{"input":{"a":"abc"}}"#, true),
        Case(#"{"input.a":{"$prefix":""}}"#, #"{"input":{"a":""}}"#, true),
        Case(#"{"input.a":{"$prefix":"ab"}}"#, #"{"input":{"a":["abc"]}}"#, false),
        Case(#"{"input.a":{"$any":{"$gt":1,"$lt":3}}}"#, #"{"input":{"a":[0,2,4]}}"#, true),
        Case(#"{"input.a":{"$any":{"$gt":1,"$lt":2}}}"#, #"{"input":{"a":[1,2]}}"#, false),
        Case(#"{"input.a":{"$any":{}}}"#, #"{"input":{"a":[null]}}"#, true),
        Case(#"{"input.a":{"$any":{}}}"#, #"{"input":{"a":{"b":1}}}"#, false),
        Case(#"{"input.a":{"$any":{"@":{"$eq":2}}}}"#, #"{"input":{"a":[1,2]}}"#, true),
        Case(
            #"{"input.a":{"$any":{"$or":[{"@.x":{"$eq":1}},{"@.y":{"$any":{"$eq":7}}}]}}}"#,
            #"{"input":{"a":[{"y":[6,7]}]}}"#,
            true
        ),
        Case(#"{"input.a":{"$gt":1,"$lt":3}}"#, #"{"input":{"a":3}}"#, false),
        Case(
            #"{"input.a":{"$eq":1},"output.b":{"$eq":2}}"#,
            #"{"input":{"a":1},"output":{"b":2}}"#,
            true
        ),
        Case(#"{"input.a":{"$eq":1},"output.b":{"$eq":2}}"#, #"{"input":{"a":1}}"#, false),
        Case(#"{"$or":[{"input":{"$eq":1}},{"input":{"$eq":2}}]}"#, #"{"input":2}"#, true),
        Case(#"{"$or":[{"input":{"$eq":1}},{}]}"#, #"{"input":3}"#, true),
        Case(#"{"$and":[{"input":{"$gt":1}},{"input":{"$lt":2}}]}"#, #"{"input":2}"#, false),
        Case(#"{"$not":{"input":{"$eq":1}}}"#, #"{"input":2}"#, true),
        Case(#"{"$not":{}}"#, #"{"input":2}"#, false),
        Case(#"{"input.l.1":{"$eq":5}}"#, #"{"input":{"l":[4,5]}}"#, true),
        Case(#"{"input.l.1":{"$eq":5}}"#, #"{"input":{"l":{"1":5}}}"#, true),
        Case(#"{"input.l.00":{"$eq":5}}"#, #"{"input":{"l":{"00":5}}}"#, true),
        Case(#"{"input.l.9":{"$exists":true}}"#, #"{"input":{"l":[4,5]}}"#, false),
        Case(#"{"input.a.b":{"$exists":true}}"#, #"{"input":{"a":"b"}}"#, false),
        Case(#"{"input.a\\.b":{"$eq":1}}"#, #"{"input":{"a.b":1}}"#, true),
        Case(#"{"input.a\\\\b":{"$eq":1}}"#, #"{"input":{"a\\b":1}}"#, true),
        Case(#"{"input.a":{"$eq":2}}"#, #"{"input":{"a":1,"a":2}}"#, true),
        Case(#"{"caller.parent.function_id":{"$eq":"f"}}"#, #"{"input":1}"#, false),
        Case(#"{"metadata.t":{"$eq":1}}"#, #"{"metadata":{"t":1}}"#, true),
    ]

    @Test(
        "what means nothing is refused",
        arguments: [
            #"{"input.a":5}"#, #"{"$or":[]}"#, #"{"foo.a":{"$eq":1}}"#, #"{"@.a":{"$eq":1}}"#,
            "[]", "null", #""x""#, #"{"input":{}}"#, #"{"input":{"a":1}}"#,
            #"{"input":{"$eq":1,"a":1}}"#, #"{"input":{"$foo":1}}"#, #"{"input":{"$and":[{}]}}"#,
            #"{"$foo":1}"#, #"{"$eq":1}"#, #"{"$and":{}}"#, #"{"$and":[]}"#, #"{"$and":[1]}"#,
            #"{"$or":[1]}"#, #"{"$not":[]}"#, #"{"":{"$eq":1}}"#, #"{"input.":{"$eq":1}}"#,
            #"{".input":{"$eq":1}}"#, #"{"input..a":{"$eq":1}}"#, #"{"input.a\\x":{"$eq":1}}"#,
            #"{"input.a\\":{"$eq":1}}"#, #"{"input":{"$in":1}}"#, #"{"input":{"$gt":true}}"#,
            #"{"input":{"$gt":null}}"#, #"{"input":{"$exists":1}}"#, #"{"input":{"$prefix":1}}"#,
            #"{"input":{"$any":[]}}"#, #"{"input":{"$any":{"input":{"$eq":1}}}}"#,
            #"{"input":{"$any":{"a":{"$eq":1}}}}"#, #"{"input":{"$any":{"$eq":1,"@":{"$eq":1}}}}"#,
            #"{"input":{"$eq":9007199254740993}}"#, #"{"input":{"$eq":[-1e16]}}"#,
            #"{"input":{"$eq":1e999}}"#,
        ]
    )
    func refused(filter: String) {
        #expect(refusal(filter)?.code == "INVALID_FILTER")
    }

    @Test("the parts that a filter looks at are known")
    func roots() throws {
        let filter = try Filter(
            json(#"{"input.a":{"$any":{"@.b":{"$eq":1}}},"$not":{"error":{"$exists":true}}}"#)
        )
        #expect(filter.roots == [.input, .error])
    }
}
