import Primitives
import Testing

struct PercentDecodingTests {
    @Test(
        "an escape is two hexadecimal digits; any other percent sign stays",
        arguments: [
            ("a%20b", "a b"), ("%C3%BC", "ü"), ("%c3%bc", "ü"), ("%2B+", "++"), ("%", "%"),
            ("%4", "%4"), ("%4g", "%4g"), ("%+1", "%+1"), ("%%41", "%A"), ("%2541", "%41"),
            ("", ""), ("ü", "ü"),
        ]
    )
    func partsOfURLs(text: String, expected: String) {
        #expect(text[...].percentDecoded == Array(expected.utf8))
    }

    @Test("what is no UTF-8 stays as it is among bytes, and becomes U+FFFD in text")
    func invalidText() {
        #expect("%ff"[...].percentDecoded == [0xFF])
        #expect("%ff"[...].formDecoded == "\u{FFFD}")
    }

    @Test("a plus sign is a blank in forms, unless it is escaped")
    func forms() {
        #expect("a+b%2Bc"[...].formDecoded == "a b+c")
    }
}
