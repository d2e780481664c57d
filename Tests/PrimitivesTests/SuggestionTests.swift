import Testing

@testable import Primitives

@Suite("Suggestions")
struct SuggestionTests {
    @Test(
        "the distance counts insertions, deletions, substitutions and swaps",
        arguments: [
            ("", "", 0), ("", "abc", 3), ("abc", "abc", 0), ("abc", "ab", 1), ("abc", "abcd", 1),
            ("abc", "axc", 1), ("abc", "acb", 1), ("kitten", "sitting", 3), ("ca", "abc", 3),
        ]
    )
    func distances(left: String, right: String, distance: Int) {
        #expect(Suggestion.editDistance(left, right) == distance)
        #expect(Suggestion.editDistance(right, left) == distance)
    }

    @Test("the nearest key is suggested, and none that is far")
    func nearest() {
        let keys = ["address", "data", "durability", "duplicate_functions"]
        #expect(Suggestion.nearest(to: "adress", in: keys) == "address")
        #expect(Suggestion.nearest(to: "Durabilty", in: keys) == "durability")
        #expect(Suggestion.nearest(to: "dat", in: keys) == "data")
        #expect(Suggestion.nearest(to: "port", in: keys) == nil)
        #expect(Suggestion.nearest(to: "", in: keys) == nil)
    }

    @Test("what shortens a word means it, where nothing is near")
    func meant() {
        let names = ["ttl_ms", "timezone", "max", "scope"]
        #expect(Suggestion.meant(by: "tz", in: names) == "timezone")
        #expect(Suggestion.meant(by: "ttl", in: names) == "ttl_ms")
        #expect(Suggestion.meant(by: "scpoe", in: names) == "scope")
        for other in ["zone", "t", "", "tx", "owner"] {
            #expect(Suggestion.meant(by: other, in: names) == nil, "\(other)")
        }
    }

    @Test("as many as are asked for are named, the nearest first, and none that is far")
    func several() {
        let keys = ["data", "date", "gate", "call_TIMEOUT", "0"]
        #expect(Suggestion.nearest(2, to: "dat", in: keys) == ["data", "date"])
        #expect(Suggestion.nearest(9, to: "GATE", in: keys) == ["gate", "date"])
        #expect(Suggestion.nearest(9, to: "timeout", in: keys) == ["call_TIMEOUT"])
        #expect(Suggestion.nearest(9, to: "nope", in: keys) == [])
    }
}
