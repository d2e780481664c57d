import Testing

@testable import CommandLineKit

@Suite("Reports")
struct ReportTests {
    @Test("a line of JSON has its members in the order in which they were added")
    func order() {
        var line = JSONLine()
        #expect(line.description == "{}")
        line.add("z", "text")
        line.add("a", 12)
        line.add("none", nil as String?)
        line.add("yes", true)
        line.add("raw", json: "[1,null]")
        #expect(line.description == #"{"z":"text","a":12,"yes":true,"raw":[1,null]}"#)
    }

    @Test(
        "strings are escaped",
        arguments: [
            ("", #""""#), ("a\"b\\c", #""a\"b\\c""#), ("\n\r\t", #""\n\r\t""#),
            ("\u{0}\u{1F}", #""\u0000\u001f""#), ("é🙂", #""é🙂""#), ("\r\n", #""\r\n""#),
        ]
    )
    func escapes(text: String, expected: String) {
        #expect(JSONLine.quoted(text) == expected)
    }

    @Test("--json asks for JSON whatever standard output is")
    func asked() {
        #expect(ReportFormat.choose(json: true) == .jsonLines)
    }
}
