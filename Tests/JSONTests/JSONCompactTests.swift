import JSON
import Testing

@Suite("Compact JSON")
struct JSONCompactTests {
    @Test("a blank goes wherever it stands between tokens", arguments: [" ", "\t", "\n", "\r"])
    func blanks(blank: String) throws {
        for count in 1...20 {
            let elements = Array(repeating: "1", count: count)
            let compact = "[" + elements.joined(separator: ",") + "]"
            for place in 0..<count {
                var spaced = elements
                spaced[place] = blank + spaced[place]
                let source = "[" + spaced.joined(separator: ",") + "]"
                #expect(try text(source).compacted().description == compact)
            }
        }
    }

    @Test("what is in a string stays")
    func strings() throws {
        let source = #"{"a b": "x  \" y", "é": [ "\\" , 1 ]}"#
        let compact = #"{"a b":"x  \" y","é":["\\",1]}"#
        #expect(try text(source).compacted().description == compact)
        #expect(try text(compact).compacted().description == compact)
    }

    @Test("strings of every length end where they end, escapes and all")
    func lengths() throws {
        for count in 0...40 {
            for tail in ["", #"\\"#, #"\""#, "é", #"\u0020 "#] {
                let string = "\"" + String(repeating: "x ", count: count) + tail + "\""
                let compact = "[\(string),{\(string):\(string)}]"
                let spaced = " [ \(string) ,\n{\(string) : \(string)}\t]\r\n"
                #expect(try text(spaced).compacted().description == compact)
                #expect(try text(compact).compacted().description == compact)
            }
        }
    }
}
