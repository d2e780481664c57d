import Events
import LogTools
import Primitives
import Testing

/// An observer's activation, as `replay` and `verify` see it.
@Suite struct ObserveHistoryTests {
    /// A call that ends, and the observer that waited for it.
    private func story(isCausedByStart: Bool = false) -> (Story, activation: Offset) {
        var story = Story()
        story.begin()
        let call = story.invoke("pay::charge", by: Story.worker, at: 0, cause: nil)
        let end = story.complete(call, at: 2, .value(Story.json("8")), took: 2)
        let fired = story.add(
            .triggered(
                Triggered(
                    type: "observe",
                    trigger: "f2b1",
                    summary: "pay::charge success",
                    function: FunctionName(id: "alerts::paid"),
                    event: Story.json(#"{"output":8}"#)
                )
            ),
            at: 3,
            cause: isCausedByStart ? Offset(0) : end
        )
        let run = story.invoke("alerts::paid", by: Story.greeter, at: 3, cause: fired)
        story.complete(run, at: 4, .none, took: 1)
        return (story, fired)
    }

    @Test("it stands below the end of the call that it was waiting for")
    func tree() throws {
        let text = try story().0.text()
        var rest = text[...]
        for words in [
            "pay::charge on hello-worker", "completed 8", "observe pay::charge success",
            "alerts::paid on greeter", "completed in",
        ] {
            let range = try #require(rest.firstRange(of: words), "'\(words)' in order in:\n\(text)")
            rest = rest[range.upperBound...]
        }
        let history = try story().0.history()
        #expect(history.roots.count == 1)
    }

    @Test("an end leads to it, and what has nothing to do with events does not")
    func causes() {
        func findings(_ story: Story) -> [String] {
            var semantics = Semantics()
            story.forEach { semantics.check($0) }
            return semantics.finish().found
        }
        #expect(findings(story().0).isEmpty)
        let wrong = findings(story(isCausedByStart: true).0)
        #expect(wrong.count == 1)
        #expect(wrong.first?.contains("which leads to none of its kind") == true, "\(wrong)")
    }
}
