import Primitives
import Testing

@Suite("Text as a terminal may have it")
struct VisibleTextTests {
    @Test(
        "what moves the cursor or turns the writing is spelled out",
        arguments: [
            ("plain é 漢", "plain é 漢"), ("a\u{1B}[2J", "a\\u001b[2J"),
            ("a\r\nb\tc", "a\\r\\nb\\tc"),
            ("\u{9B}0m\u{7F}", "\\u009b0m\\u007f"), ("\u{202E}fdp.exe", "\\u202efdp.exe"),
        ]
    )
    func word(text: String, shown: String) {
        #expect(text.visible == shown)
    }

    @Test("lines stay lines, and so do tabulators")
    func lines() {
        #expect("a\n\tb".visibleLines == "a\n\tb")
        #expect("a\u{1B}\n\tb\r\n\u{2066}".visibleLines == "a\\u001b\n\tb\\r\n\\u2066")
    }
}
