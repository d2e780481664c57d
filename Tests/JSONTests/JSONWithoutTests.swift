import JSON
import Testing

@Suite("Objects without a member")
struct JSONWithoutTests {
    @Test(
        "every member of the name goes, and the others stay as they are",
        arguments: [
            (#"{"a":1}"#, "{}"), (#"{ "a" : {"a":1} }"#, "{}"),
            (#"{"a":1,"b": [ 2 ] , "a":3}"#, #"{"b": [ 2 ]}"#),
            (#"{"b":"é\n" ,"\u0061":1,"c":{"a":1}}"#, #"{"b":"é\n","c":{"a":1}}"#),
        ]
    )
    func dropped(source: String, rest: String) throws {
        #expect(try text(source).without("a").description == rest)
    }

    @Test(
        "what has none stays the same",
        arguments: ["{ }", #"{ "b" : "a" }"#, #"["a"]"#, #""a""#, "1", #"{"b":{"a":1}}"#]
    )
    func others(source: String) throws {
        #expect(try text(source).without("a").description == source)
    }
}
