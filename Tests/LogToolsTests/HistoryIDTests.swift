import LogTools
import Primitives
import Testing

@Suite struct HistoryIDTests {
    @Test("ids are told apart by their form")
    func forms() throws {
        let trace = try #require(Story.trace)
        #expect(try HistoryID("0AF7651916cd43dd8448eb211c80319c") == .trace(trace))
        #expect(
            try HistoryID("00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01")
                == .trace(trace)
        )
        #expect(try HistoryID("0af765") == .tracePrefix("0af765"))
        #expect(try HistoryID("12") == .offset(Offset(12)))
        #expect(try HistoryID("@1234567") == .offset(Offset(1_234_567)))
        #expect(try HistoryID("1234567") == .offsetOrPrefix(Offset(1_234_567), "1234567"))
        let zeros = String(repeating: "0", count: 32)
        #expect(try HistoryID(zeros) == .tracePrefix(zeros), "no offset")
        #expect(
            try HistoryID("00000000-0000-1111-0000-000000002222") == .uuid(Story.receipt)
        )
        for text in ["", "0af76", "xyz", "@", "+5", "0af7651916cd43dd8448eb211c80319c0"] {
            #expect(throws: ToolError.self, "\(text)") { try HistoryID(text) }
        }
    }

    @Test("trace, prefix, offset, invocation and receipt find the same history")
    func resolution() throws {
        let log = try StoredLog(.hello(), records: 3)
        let ids = [
            "0af7651916cd43dd8448eb211c80319c", "0af7651", "8", "@11",
            "00000000-0000-1111-0000-000000002222", "00000000-0000-cccc-0000-000000000006",
            "00000000-0000-dddd-0000-000000000009",
        ]
        for id in ids {
            var finder = HistoryFinder(try log.pass)
            let history = try finder.history(of: HistoryID(id))
            #expect(history.trace == Story.trace, "\(id)")
            #expect(history.records.count == 8, "\(id)")
        }
    }

    @Test("a record without a trace is a history of its own")
    func untraced() throws {
        let log = try StoredLog(.hello())
        var finder = HistoryFinder(try log.pass)
        let history = try finder.history(of: HistoryID("1"))
        #expect(history.trace == nil)
        #expect(history.records.map(\.kindName) == ["worker_joined"])
    }

    @Test("an unknown id is told as unknown")
    func unknown() throws {
        let log = try StoredLog(.hello())
        let full = ["0", "1", "f"].map { String(repeating: $0, count: 32) }
        for id in ["99", "ffffff", "@99", "123456"] + full {
            let code = codeOf { () throws(ToolError) in
                var finder = HistoryFinder(try LogPass(.directory(log.path)))
                _ = try finder.history(of: HistoryID(id))
            }
            #expect(code == .unknownID, "\(id)")
        }
    }

    @Test("a history that has no room is given up, and so is its text")
    func room() throws {
        let log = try StoredLog(.hello())
        let id = try HistoryID("0af7651")
        let code = codeOf { () throws(ToolError) in
            var finder = HistoryFinder(try LogPass(.directory(log.path)), room: 500)
            _ = try finder.history(of: id)
        }
        #expect(code == .tooLarge)
        var finder = HistoryFinder(try log.pass, room: 1 << 20)
        let tree = HistoryTree(try finder.history(of: id))
        #expect(tree.json(limit: 1000) == nil)
        #expect(tree.json(limit: 1 << 20).map { "\($0)" } == tree.json)
    }

    @Test("digits that are no offset of the log are what a trace begins with")
    func digits() throws {
        var story = Story.hello()
        let other = try #require(TraceID(high: 0x0832_6946_0000_0000, low: 1))
        _ = story.invoke("f", by: Story.worker, at: 9, cause: nil, trace: other)
        let log = try StoredLog(story)
        var finder = HistoryFinder(try log.pass)
        #expect(try finder.history(of: HistoryID("08326946")).trace == other)
    }

    @Test("a prefix of two traces names both")
    func ambiguous() throws {
        var story = Story.hello()
        let twin = TraceID(high: 0x0af7_65ff_0000_0000, low: 1)
        _ = story.invoke("f", by: Story.worker, at: 9, cause: nil, trace: twin)
        let log = try StoredLog(story)
        var finder = HistoryFinder(try log.pass)
        do throws(ToolError) {
            _ = try finder.history(of: HistoryID("0af765"))
            Issue.record("found one of two")
        } catch {
            #expect(error.code == .ambiguousID)
            #expect(error.message.contains("0af7651916cd43dd8448eb211c80319c"))
            #expect(error.message.contains("0af765ff000000000000000000000001"))
        }
    }
}

func codeOf(_ body: () throws(ToolError) -> Void) -> ToolError.Code? {
    do throws(ToolError) {
        try body()
        return nil
    } catch {
        return error.code
    }
}
