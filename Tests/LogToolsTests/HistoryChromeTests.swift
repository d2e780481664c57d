import Events
import JSON
import LogTools
import Observability
import Primitives
import Testing

/// A history as trace viewers open it.
@Suite struct HistoryChromeTests {
    private func events(_ history: HistoryTree, isFull: Bool = false) throws -> [JSONText] {
        let text = HistoryChrome(history, isFull: isFull).text
        let json = try JSONText(validating: Array(text.utf8))
        return json.member("traceEvents")?.elements ?? []
    }

    /// An event on a line: its phase and name, its process and lane, when it begins in
    /// microseconds and how long it takes; of names what is called so.
    private func lines(_ history: HistoryTree) throws -> [String] {
        try events(history).map { event in
            func shown(_ name: String) -> String { event.member(name)?.description ?? "" }
            let name = event.member("name")?.stringValue ?? ""
            let place = "\(shown("pid")).\(shown("tid"))"
            switch event.member("ph")?.stringValue {
            case "M":
                let called = event.member("args")?.member("name")?.stringValue ?? ""
                return "M \(name) \(place) \(called)"
            case "X": return "X \(name) \(place) \(shown("ts")) +\(shown("dur"))"
            case "i": return "i \(name) \(place) \(shown("ts")) \(shown("s"))"
            default: return "unknown \(event)"
            }
        }
    }

    @Test("one run, byte for byte")
    func format() throws {
        var story = Story()
        let run = story.invoke("f", by: Story.worker, at: 0, cause: nil)
        story.complete(run, at: 1, .none, took: 1)
        let expected: [String] = [
            #"{"displayTimeUnit":"ms","otherData":{"trace":"0af7651916cd43dd8448eb211c80319c","#,
            #""started":"2026-09-01T12:00:00Z"},"traceEvents":["#,
            #"{"ph":"M","name":"process_name","pid":1,"tid":0,"args":{"name":"iii"}},"#,
            #"{"ph":"M","name":"thread_name","pid":1,"tid":1,"args":{"name":"lane 1"}},"#,
            #"{"ph":"M","name":"process_name","pid":2,"tid":0,"args":{"name":"worker 00000000"}},"#,
            #"{"ph":"M","name":"thread_name","pid":2,"tid":1,"args":{"name":"lane 1"}},"#,
            #"{"ph":"X","name":"call f","cat":"invoked","ts":0.0,"dur":1000.0,"pid":2,"tid":1,"#,
            #""args":{"offset":0,"invocation":"00000000-0000-cccc-0000-000000000000","#,
            #""function":"f","namespace":"default","#,
            #""worker":"00000000-0000-aaaa-0000-000000000001","awaited":true,"#,
            #""condition":false,"end":1}}]}"#,
        ]
        #expect(HistoryChrome(try story.history()).text == expected.joined())
    }

    @Test("hello: the engine and each worker is a process, and a message lasts until it is over")
    func hello() throws {
        #expect(
            try lines(Story.hello().history()) == [
                "M process_name 1.0 iii", "M thread_name 1.1 lane 1", "M thread_name 1.2 lane 2",
                "M process_name 2.0 hello-worker (python 0.25.0)", "M thread_name 2.1 lane 1",
                "M process_name 3.0 greeter (python 0.25.0)", "M thread_name 3.1 lane 1",
                "X GET /hello 1.1 0.0 +4200.0",
                "X call hello::api 2.1 100.0 +4100.0",
                "i log 2.1 1000.0 \"t\"",
                "X enqueue greet::process → default 1.2 1200.0 +3100.0",
                "X fn_queue default 3.1 1300.0 +3000.0",
                "i state::set 3.1 4250.0 \"t\"",
            ]
        )
    }

    @Test("a call is drawn within its caller, and what has nothing to do with it beside them")
    func lanes() throws {
        var story = Story()
        let outer = story.invoke("outer", by: Story.worker, at: 0, cause: nil)
        let inner = story.invoke("inner", by: Story.worker, at: 2, cause: outer)
        let other = story.invoke("other", by: Story.worker, at: 3, cause: nil)
        story.complete(other, at: 4, .none, took: 1)
        story.complete(inner, at: 5, .none, took: 3)
        let next = story.invoke("next", by: Story.worker, at: 6, cause: outer)
        story.complete(next, at: 7, .none, took: 1)
        story.complete(outer, at: 10, .none, took: 10)
        let last = story.invoke("last", by: Story.worker, at: 11, cause: nil)
        story.complete(last, at: 12, .none, took: 1)
        let bars = try lines(story.history()).filter { $0.hasPrefix("X ") }
        #expect(
            bars == [
                "X call outer 2.1 0.0 +10000.0", "X call inner 2.1 2000.0 +3000.0",
                "X call other 2.2 3000.0 +1000.0", "X call next 2.1 6000.0 +1000.0",
                "X call last 2.1 11000.0 +1000.0",
            ]
        )
    }

    @Test("what an SDK reported stands with its worker, within what led to it")
    func reported() throws {
        var story = Story()
        story.begin()
        let run = story.invoke("f", by: Story.worker, at: 0, cause: nil)
        let end = Story.start.advanced(by: .milliseconds(3))
        for (id, service) in [(7, "hello-worker"), (8, "database")] as [(UInt64, String)] {
            let span = SpanReported.sample(id, "q", below: run, until: end, service: service)
            story.add(.spanReported(span), at: 3)
        }
        story.complete(run, at: 5, .none, took: 5)
        let bars = try lines(story.history()).filter { $0.hasPrefix("X ") }
        #expect(
            bars == [
                "X call f 2.1 0.0 +5000.0", "X q 2.1 1000.0 +2000.0", "X q 3.1 1000.0 +2000.0",
            ]
        )
    }

    @Test("errors and what is missing are told, payloads only where they are asked for")
    func details() throws {
        var story = Story()
        story.begin()
        let failed = story.request()
        let error = ErrorBody(code: "E", message: "it broke")
        story.complete(failed, at: 1, .failure(error), took: 1)
        _ = story.enqueue("default", "f", at: 2, cause: failed)
        let history = try story.history()
        func arguments(isFull: Bool = false) throws -> [JSONText] {
            try events(history, isFull: isFull)
                .filter { $0.member("ph")?.stringValue == "X" }
                .compactMap { $0.member("args") }
        }
        let plain = try arguments()
        try #require(plain.count == 3)
        #expect(plain[1].member("error_code")?.stringValue == "E")
        #expect(plain[2].member("missing")?.stringValue == "no delivery in the log")
        #expect(plain.allSatisfy { $0.member("input") == nil && $0.member("payload") == nil })
        let full = try arguments(isFull: true)
        #expect(full[0].member("input")?.member("path")?.stringValue == "hello")
        #expect(full[2].member("payload")?.member("id")?.stringValue == "abc123")
    }

    @Test("what no span contains is there as well")
    func loose() throws {
        var story = Story()
        story.set("k", 1, over: nil)
        let lines = try lines(story.history())
        #expect(lines.last == "i state::set 1.1 0.0 \"t\"")
    }

    @Test("spans that say they contain one another are drawn, and do not go round for ever")
    func circle() throws {
        var story = Story()
        let end = Story.start.advanced(by: .milliseconds(3))
        story.add(.spanReported(.sample(5, "apart", below: Offset(9), until: end)))
        for record in 0..<2 as Range<UInt64> {
            let id = EngineSpans.id(of: Offset(record))
            story.add(.spanReported(.sample(id, "s", below: Offset(1 - record), until: end)))
        }
        story.set("k", 1, over: nil)
        let bars = try lines(story.history()).filter { $0.hasPrefix("X ") }
        #expect(bars.count == 3)
        #expect(bars.first?.hasPrefix("X apart 2.1 ") == true)
        #expect(bars.last?.hasPrefix("X s 2.2 ") == true)
    }
}
