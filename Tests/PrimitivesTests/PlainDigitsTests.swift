import Primitives
import Testing

@Suite("Numbers of digits alone")
struct PlainDigitsTests {
    @Test(
        "digits are read as far as they fit, and nothing else",
        arguments: [
            ("0", 0), ("007", 7), ("65535", 65_535), ("65536", nil), ("", nil), ("-1", nil),
            ("+1", nil), (" 1", nil), ("1 ", nil), ("0x1", nil), ("１", nil), ("1_000", nil),
        ] as [(String, UInt16?)]
    )
    func read(text: String, number: UInt16?) {
        #expect(UInt16(plainDigits: text) == number)
        #expect(UInt16(plainDigits: text[...]) == number)
    }
}
