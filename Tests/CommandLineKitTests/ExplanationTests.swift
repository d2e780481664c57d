import Testing

@testable import CommandLineKit

@Suite("Explanations of codes")
struct ExplanationTests {
    @Test("a table is read: codes that share an explanation, and lines that go on")
    func table() {
        let table = """
            a.b C
            It is
            so.
            > Do this,
            and that.

            d
            Else.
            > Nothing.
            """
        #expect(
            Explanation.read(table) == [
                Explanation(code: "a.b", meaning: "It is so.", remedy: "Do this, and that."),
                Explanation(code: "C", meaning: "It is so.", remedy: "Do this, and that."),
                Explanation(code: "d", meaning: "Else.", remedy: "Nothing."),
            ]
        )
    }

    @Test("each code is explained once, in sentences")
    func sentences() {
        var codes: Set<String> = []
        for one in Explanation.all {
            #expect(codes.insert(one.code).inserted, "\(one.code) is explained twice")
            #expect(one.meaning.hasSuffix("."), "\(one.code): \(one.meaning)")
            #expect(one.remedy.count > 10, "\(one.code): \(one.remedy)")
            #expect(one.remedy.hasSuffix("."), "\(one.code): \(one.remedy)")
        }
        #expect(codes.count > 150)
    }

    @Test("what an update says is found behind its operation, and nothing behind anything else")
    func operations() {
        #expect(Explanation.of("increment.not_number")?.code == "not_number")
        #expect(Explanation.of("set.path.too_deep")?.code == "path.too_deep")
        #expect(Explanation.of("queue.not_number") == nil)
        #expect(Explanation.of("not_number.increment") == nil)
        #expect(Explanation.of("") == nil)
    }
}
