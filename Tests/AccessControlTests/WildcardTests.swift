import Primitives
import Testing

@testable import AccessControl

@Suite("Wildcards")
struct WildcardTests {
    @Test(
        "match the whole name",
        arguments: [
            ("a", "a", true), ("a", "ab", false), ("a", "", false), ("", "", true),
            ("*", "", true), ("*", "a::b", true), ("api::*", "api::x", true),
            ("api::*", "api::", true), ("api::*", "xapi::x", false), ("*::get", "a::get", true),
            ("*::get", "a::gets", false), ("a*c", "abc", true), ("a*c", "ac", true),
            ("a*c", "a", false), ("ab*ba", "aba", false), ("ab*ba", "abba", true),
            ("a**b", "ab", true), ("*a*b*", "xbxaxb", true), ("*a*b*", "xbxa", false),
            // No other metacharacters.
            ("a?c", "abc", false), ("a?c", "a?c", true), ("[a]", "a", false), ("a.c", "abc", false),
        ]
    )
    func matches(_ pattern: String, _ name: String, _ expected: Bool) {
        #expect(Wildcard(pattern).matches(name) == expected)
    }

    @Test("agree with the obvious matcher")
    func property() {
        var random = SeededEntropy(seed: 7)
        func text(_ alphabet: [Character]) -> String {
            String(
                (0..<Int(random.next() % 7)).map { _ in
                    alphabet[Int(random.next() % UInt64(alphabet.count))]
                }
            )
        }
        for _ in 0..<20_000 {
            let pattern = text(["a", "b", "*"])
            let name = text(["a", "b"])
            #expect(
                Wildcard(pattern).matches(name) == Self.matches(pattern[...], name[...]),
                "\(pattern) \(name)"
            )
        }
    }

    private static func matches(_ pattern: Substring, _ name: Substring) -> Bool {
        guard let first = pattern.first else { return name.isEmpty }
        if first == "*" {
            return matches(pattern.dropFirst(), name)
                || !name.isEmpty && matches(pattern, name.dropFirst())
        }
        return name.first == first && matches(pattern.dropFirst(), name.dropFirst())
    }

    @Test("are read from match(\"…\")")
    func calls() {
        #expect(Wildcard(call: "match(\"a*\")")?.text == "a*")
        #expect(Wildcard(call: "match('a*')")?.text == "a*")
        for text in [
            "a*", "match(a*)", "match(\"a*')", "match(\"a\"b\")", "match(\")", "match()",
            " match(\"a\")", "match(\"a\") ",
        ] {
            #expect(Wildcard(call: text) == nil, "\(text)")
        }
    }
}
