import Primitives
import Testing

@testable import Server

@Suite("TOML that the library would end the process over")
struct TOMLGuardTests {
    private static let lists = String(repeating: "[", count: 40)
    private static let parts = String(repeating: "a.", count: 40)
    private static let date = "2\(String(repeating: "_", count: 114))020-01-01"

    static let corpus: [(String, Int)] = [
        ("[", 1), ("[\n", 1), ("[[\n", 1), ("[ #x\n", 1), ("[.a]\n", 1), ("[=]\n", 1),
        ("[,]\n", 1), ("[é]\n", 1), ("[[.]]\n", 1), ("[[[a]]]\n", 1), ("[\t\r\n]\n", 1),
        ("[\n\"\"\"a\"\"\"]\n", 1), ("\u{FEFF}[ =]\n", 1), ("[log]\n[", 2),
        ("[log]\n\n  [\n", 3), ("a = \"\"\"\n[\n\"\"\"\n[\n", 4),
        ("a = '''\n[\n'''''\n[\n", 4), ("a = [\n[\n1]\n]\n[\n", 5),
        ("a = { b = \"[\" } # [\n[\n", 2), ("a = \"\\\"\" # \"\n[\n", 2),
        ("a = 1979-05-27 07:32:00\n[\n", 2), ("a.=1", 1), ("a..b=1", 1), ("=1", 1), (".", 1),
        ("\n[a.]\n", 2), ("[a. .b]", 1), ("[a]]", 1), ("[[a]\n", 1), ("a = }", 1),
        ("a = [}]", 1), ("a = [1,\n}", 2), ("a = [{}}]", 1), ("a = [\n\u{2028}]", 2),
        ("a = [\u{2029}]", 1), ("a = [1,\u{85}]", 1), ("a = \u{2028}", 1),
        ("a = { = 1 }", 1), ("a = { .b = 1 }", 1), ("a = {\n", 1), ("a = \"x\n[\n", 1),
        ("a = \(lists)", 1), ("[\(parts)a]", 1), ("\n\(parts)a = 1", 2), ("a = \(date) 1", 1),
        ("a = [\n\(date) 12:00]", 2), ("a = 2020-01-01 1\n", 1), ("a = 2020-01-01T:30\n", 1),
        ("a = [ 2020-01-01 0, ]", 1), ("a = 2020-01-01T+01:00\n", 1),
        ("a = ]\n[\n", 1), ("a = 1 2\n[\n", 1),
    ]

    @Test("each is an error with its line", arguments: corpus)
    func broken(text: String, line: Int) throws {
        let refused = try refusals(["iii.toml": text])
        #expect(refused.count == 1)
        let first = try #require(refused.first)
        #expect(first.hasPrefix("iii.toml:\(line): not valid TOML: "), "\(first)")
    }

    @Test("what is TOML has no fault, and what stands behind it is found")
    func sound() {
        let text = #"""
            # [
            top = 1_000
            "quoted [" = 'it is'
            [a . "b.c" . 'd']
            date = 1979-05-27 07:32:00Z # [
            long = """
            [
            \""" """""
            list = [ [ 1, 2, ], # }
              { x = [] , y.z = "}" },
              '''
            [[
            ''',
            ]
            empty = {}
            a__b = -inf
              [[ t ]]
            """#
        #expect(TOMLGuard.fault(in: text) == nil)
        #expect(TOMLGuard.fault(in: text + "\r\n[") == nil, "the library says that it ends")
        #expect(TOMLGuard.fault(in: text + "\n[\n")?.line == 18)
    }

    @Test("whatever is made of its pieces is read, or refused", arguments: UInt64(1)...8)
    func pieces(seed: UInt64) {
        let pieces = [
            "1979-05-27T", "1979-05-27 1", ":", "+01:",
            "[", "]", "[[", "]]", "{", "}", ",", "=", ".", "\"", "'", "'''", "\"\"\"", "a", "b1",
            "\n", " ", "#c", "0", "1_", "__", "-", "+", "e", "0x", "inf", "true", "1979-05-27",
            "T", "07:32:00", "Z", "\u{85}", "\u{2028}", "é", "\t", "\r\n", "\\", "\u{FEFF}",
            "\u{7F}", "a=", "a=[", "a={b=", "[a]\n", "[[a]]\n", "a.b=1\n",
        ]
        var random = SeededEntropy(seed: seed)
        for _ in 0..<4000 {
            let count = Int.random(in: 1...14, using: &random)
            let text = (0..<count).map { _ in
                pieces[Int.random(in: 0..<pieces.count, using: &random)]
            }.joined()
            var findings = Findings()
            let read = TOMLReader.read(
                Expansion(verbatim: text),
                Variables(values: [:], version: "1"),
                file: "iii.toml",
                findings: &findings
            )
            #expect(read != nil || !findings.errors.isEmpty, "\(text.debugDescription)")
        }
    }
}
