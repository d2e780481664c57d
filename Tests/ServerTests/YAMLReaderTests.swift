import Testing

@testable import Server

@Suite("Values of YAML")
struct YAMLReaderTests {
    private func read(_ text: String) -> (value: Setting.Value?, errors: [String]) {
        var findings = Findings()
        let source = Expansion(verbatim: text)
        let root = YAMLReader.read(source, file: "e.yaml", findings: &findings)
        return (root?["value"]?.value, findings.errors.map(\.description))
    }

    static let scalars: [(String, Setting.Value)] = [
        ("18446744073709551615", .unsigned(.max)), ("9223372036854775807", .integer(.max)),
        ("-9223372036854775808", .integer(.min)), ("18446744073709551616", .number(0x1p64)),
        ("+7", .integer(7)), ("007", .integer(7)), ("0x10", .integer(16)), ("0xfF", .integer(255)),
        ("0o17", .integer(15)), ("0o8", .string("0o8")), ("-0x1", .string("-0x1")),
        ("0x-1", .string("0x-1")), ("0x", .string("0x")), ("0x1p3", .string("0x1p3")),
        ("1.0", .number(1)), (".5", .number(0.5)), ("1e2", .number(100)),
        ("1_000", .string("1_000")), ("+inf", .string("+inf")), ("1e999", .string("1e999")),
        ("~", .null), ("True", .boolean(true)), ("yes", .string("yes")), ("'5'", .string("5")),
        ("!!str 5", .string("5")), ("! 5", .string("5")), ("!!int \"5\"", .integer(5)),
        ("!!float 5", .number(5)), ("!!bool 'true'", .boolean(true)), ("!!null ''", .null),
        ("!mine 5", .integer(5)),
    ]

    @Test("a scalar is what the core schema makes of it, or its tag", arguments: scalars)
    func scalar(text: String, value: Setting.Value) {
        let found = read("value: \(text)\n")
        #expect(found.value == value)
        #expect(found.errors.isEmpty)
    }

    @Test(
        "a tag that does not fit is refused",
        arguments: ["!!int x", "!!int 1.5", "!!float x", "!!bool 1", "!!null 0"]
    )
    func tag(text: String) {
        let errors = read("name: n\nvalue: \(text)\n").errors
        #expect(errors.count == 1)
        #expect(errors.first?.hasPrefix("e.yaml:2: not valid YAML: the tag ") == true, "\(errors)")
    }

    @Test(
        "an error names a line that the file has",
        arguments: [("value: [1\n", 1), ("value: [1", 1), ("a: 1\nvalue: {b: 1\n", 2)]
    )
    func lines(text: String, line: Int) {
        let errors = read(text).errors
        #expect(errors.first?.hasPrefix("e.yaml:\(line): ") == true, "\(errors)")
    }
}
