import Events
import JSON
import LogTools
import Primitives
import Testing

@Suite struct HistoryJSONTests {
    @Test("the JSON tree is valid, nested by cause, and names workers")
    func tree() throws {
        let json = try JSONText(validating: Array(try Story.hello().history().json.utf8))
        #expect(json.member("trace")?.stringValue == "0af7651916cd43dd8448eb211c80319c")
        let root = try #require(json.member("roots")?.elements?.first)
        #expect(root.member("kind")?.stringValue == "triggered")
        let run = try #require(root.member("children")?.elements?.first)
        #expect(run.member("worker")?.member("name")?.stringValue == "hello-worker")
        let kinds = run.member("children")?.elements?.map { $0.member("kind")?.stringValue }
        #expect(kinds == ["logged", "enqueued", "completed"])
        let event = run.member("children")?.elements?[2].member("event")
        #expect(event?.member("result")?.member("status_code")?.description == "200")
    }

    @Test("every kind of event has a name that reads back")
    func names() {
        for kind in EventKind.allCases { #expect(EventKind(name: kind.name) == kind) }
        #expect(EventKind.deadLettered.name == "dead_lettered")
    }

    @Test("a payload that is no JSON, an unknown kind and a broken payload are told, not hidden")
    func strange() throws {
        var story = Story()
        _ = story.enqueue("default", "f", at: 0, cause: nil, payload: "{oops")
        story.add(kind: 200, [1, 2, 3])
        story.add(kind: EventKind.acked.rawValue, [200])
        let json = try JSONText(validating: Array(try story.history().json.utf8))
        let roots = try #require(json.member("roots")?.elements)
        #expect(roots[0].member("event")?.member("payload")?.stringValue == "{oops")
        #expect(roots[1].member("unknown_kind")?.boolValue == true)
        #expect(roots[2].member("unreadable") != nil)
        let text = try story.text()
        #expect(text.contains("kind_200: 3 bytes of a kind that this version does not know"))
        #expect(text.contains("acked: cannot be read"))
    }
}
