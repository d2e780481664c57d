import Events
import Foundation
import LogTools
import Primitives
import Testing

@Suite struct FieldFilterTests {
    /// The offsets of the records that `terms` ask for.
    private func offsets(_ log: StoredLog, _ terms: String...) throws -> [Int] {
        try log.offsets { options in
            for term in terms { try options.filter.add(term) }
        }
    }

    private func refusal(_ term: String) -> ToolError? {
        var filter = RecordFilter()
        do throws(ToolError) {
            try filter.add(term)
            return nil
        } catch {
            return error
        }
    }

    @Test("every field must have one of the values that are named for it")
    func terms() throws {
        let log = try StoredLog(.hello())
        #expect(try offsets(log, "queue=default") == [8, 9, 12])
        #expect(try offsets(log, "queue=default", "kind=enqueued") == [8])
        #expect(try offsets(log, "kind=acked", "kind=enqueued", "queue=default") == [8, 12])
        #expect(try offsets(log, "kind=acked,enqueued") == [8, 12])
        #expect(try offsets(log, "function=hello::api", "function=greet::process") == [5, 6, 8])
        #expect(try offsets(log, "queue=other") == [])
        #expect(try offsets(log, "queue=default", "scope=greetings") == [])
    }

    @Test("values are those of JSON output: texts, numbers, flags, times and JSON")
    func values() throws {
        let log = try StoredLog(.hello())
        #expect(try offsets(log, "attempt=1") == [9])
        #expect(try offsets(log, "offset=11") == [11])
        #expect(try offsets(log, "duration_ms=4.1") == [10])
        #expect(try offsets(log, "awaited=true") == [6])
        #expect(try offsets(log, "time=2026-09-01T12:00:00.001Z") == [7])
        #expect(try offsets(log, "trace=0af7651916cd43dd8448eb211c80319c").count == 8)
        #expect(try offsets(log, "body=got it") == [7])
        #expect(try offsets(log, "cause=8") == [9])
        // As somebody writes JSON.
        #expect(try offsets(log, #"payload={"id": "abc123"}"#) == [8])
        #expect(try offsets(log, #"payload={"id": "abc"}"#) == [])
    }

    @Test("what is no JSON, and kinds that are not known, can be asked for")
    func strange() throws {
        var story = Story()
        _ = story.enqueue("q=1", "f", at: 0, cause: nil, payload: "{oops")
        _ = story.enqueue("q", "f", at: 0, cause: nil, payload: #""text""#)
        story.add(kind: 200, [1, 2, 3])
        story.add(kind: EventKind.acked.rawValue, [200])
        let log = try StoredLog(story)
        #expect(try offsets(log, "payload={oops") == [0])
        #expect(try offsets(log, "queue=q=1") == [0])
        #expect(try offsets(log, "payload=text") == [1])
        #expect(try offsets(log, "unknown_kind=true") == [2])
        #expect(try offsets(log, "kind=kind_200", "bytes=3") == [2])
        #expect(try offsets(log, "queue=") == [])
    }

    @Test("terms go with bounds and kinds")
    func bounds() throws {
        let log = try StoredLog(.hello())
        let some = try log.offsets { options in
            options.filter.from = Offset(9)
            options.filter.kinds = try RecordFilter.kinds("acked")
            try options.filter.add("kind=delivered")
            try options.filter.add("queue=default")
        }
        #expect(some == [9, 12])
    }

    @Test("an unknown field is refused with the nearest, and so is what is no term")
    func refused() throws {
        let unknown = try #require(refusal("quue=mails"))
        #expect(unknown.code == .unknownField)
        #expect(unknown.message.contains("nearest are queue,"), "\(unknown.message)")
        let far = try #require(refusal("zzzzzzzzz=1"))
        #expect(far.code == .unknownField)
        #expect(!far.message.contains("nearest"), "\(far.message)")
        #expect(refusal("Queue=mails")?.code == .unknownField)
        for term in ["", "queue", "=mails", "12"] {
            #expect(refusal(term)?.code == .malformedFilter, "\(term)")
        }
        #expect(refusal("kind=enqueud")?.code == .unknownKind)
        #expect(refusal("queue=") == nil)
    }

    @Test("the list of names is that of the sources")
    func names() throws {
        let file = URL(fileURLWithPath: #filePath)
        let root = file.deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let folder = root.appending(path: "Sources/LogTools")
        let all = try #require(FileManager.default.enumerator(atPath: folder.path))
        var found: Set<String> = []
        for name in all.compactMap({ $0 as? String }) where name.hasSuffix(".swift") {
            let text = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
            for match in text.matches(of: /EventField(?:\.[a-z]+)?\(\s*"([a-z_]+)"/) {
                found.insert(String(match.1))
            }
        }
        let known = Set(FieldNames.all)
        #expect(found.subtracting(known) == [], "add them to FieldNames")
        #expect(known.subtracting(found) == [], "no record has them any more")
        #expect(known.count == FieldNames.all.count)
        #expect(FieldNames.ofEvents == FieldNames.ofEvents.sorted())
    }
}
