import Events
import JSON
import Primitives
import Testing

@testable import Queue

@Suite("What a list of messages has room for")
struct ListRoomTests {
    private static let large = "\"\(String(repeating: "x", count: Limits.listedBytes / 2))\""

    /// The rows of a list of queue `q`, and the messages that were read for it.
    private func list(
        _ bench: Bench,
        _ function: QueueFunction,
        _ input: String = #"{"queue":"q"}"#,
        bytes: Int = Limits.listedBytes
    ) throws -> (rows: [JSONText], read: [Offset]) {
        var read: [Offset] = []
        let decision = try bench.view.decide(
            function,
            input: JSONText(trusted: Array(input.utf8)),
            by: nil,
            consumers: { _ in 0 },
            isServed: { _ in true },
            listedBytes: bytes,
            content: { message in
                if let content = message.content { return content }
                read.append(message.offset)
                let entry = bench.events[Int(message.offset.rawValue)]
                guard case .enqueued(let event) = entry.event else { return nil }
                return Message.Content(event, time: entry.time, trace: nil)
            }
        )
        return (decision.result.elements ?? [], read)
    }

    private func cut(_ rows: [JSONText]) -> [Bool] {
        rows.map { $0.member("cut")?.boolValue == true }
    }

    private func sizes(_ rows: [JSONText]) -> [Int64?] {
        rows.map { $0.member("size_bytes")?.numberValue?.int64Value }
    }

    private func ids(_ rows: [JSONText]) -> [String?] {
        rows.map { $0.member("id")?.stringValue }
    }

    @Test("payloads are shown as far as they fit, and the others told with their size")
    func inMemory() throws {
        var bench = Bench()
        bench.define(attempts: 1)
        for payload in [Self.large, Self.large, "[1]"] { try bench.enqueue(payload) }
        let size = Int64(Self.large.utf8.count)
        let waiting = try list(bench, .messages)
        #expect(cut(waiting.rows) == [false, true, false])
        #expect(sizes(waiting.rows) == [size, size, 3])
        #expect(waiting.rows[1].member("payload")?.isNull == true)
        #expect(waiting.rows[2].member("payload")?.description == "[1]")
        #expect(waiting.read.isEmpty)
        #expect(try cut(list(bench, .messages, bytes: .max).rows) == [false, false, false])

        for offset in bench.deliver() { bench.fail(offset) }
        // The newest is the first.
        let dead = try list(bench, .deadLetters)
        #expect(cut(dead.rows) == [false, false, true])
        #expect(sizes(dead.rows) == [3, size, size])
    }

    @Test("what is beyond the room is not read, and can be asked for by its place")
    func onDisk() throws {
        var bench = Bench()
        bench.view = QueueView(budget: MemoryBudget(bytes: 0))
        bench.define(attempts: 1)
        for _ in 0..<4 { try bench.enqueue(Self.large) }
        let size = Int64(Self.large.utf8.count)
        let waiting = try list(bench, .messages)
        #expect(waiting.read == [Offset(1), Offset(2)])
        #expect(cut(waiting.rows) == [false, true, true, true])
        #expect(sizes(waiting.rows) == [size, size, nil, nil])
        #expect(Array(ids(waiting.rows)[2...]) == ["offset-3", "offset-4"])

        for offset in bench.deliver() { bench.fail(offset) }
        let dead = try list(bench, .deadLetters)
        #expect(dead.read == [Offset(4), Offset(3)])
        #expect(Array(ids(dead.rows)[2...]) == ["offset-2", "offset-1"])
        let one = #"{"queue":"q","message_id":"offset-1"}"#
        #expect(try list(bench, .redriveMessage, one).read.isEmpty)
        #expect(try bench.call(.redriveMessage, one).hasSuffix(#""redriven":1}"#))
    }

    @Test("who asks for one message gets it whole")
    func single() throws {
        var bench = Bench()
        bench.define(attempts: 1)
        try bench.enqueue(Self.large)
        let one = #"{"queue":"q","limit":1}"#
        #expect(try cut(list(bench, .messages, one, bytes: 10).rows) == [false])
        #expect(try cut(list(bench, .messages, bytes: 10).rows) == [true])
        for offset in bench.deliver() { bench.fail(offset) }
        #expect(try cut(list(bench, .deadLetters, one, bytes: 10).rows) == [false])
    }

    @Test("an error that does not fit is told by how it begins")
    func errors() throws {
        var bench = Bench()
        bench.define(attempts: 1)
        let offset = try bench.enqueue()
        _ = bench.deliver()
        let text = String(repeating: "é", count: Limits.listedBytes)
        let error = ErrorBody(code: "c", message: text)
        let letter = DeadLettered(queue: "q", message: offset, failures: 1, error: error)
        bench.apply(.deadLettered(letter))
        let row = try #require(try list(bench, .deadLetters).rows.first)
        #expect(row.member("error")?.stringValue == "c: \(text.prefix(64))…")
        #expect(row.member("payload")?.description == "{}")
        let whole = try list(bench, .deadLetters, bytes: .max).rows.first
        #expect(whole?.member("error")?.stringValue == "c: \(text)")
        #expect(try bench.explained(offset).story.allSatisfy { $0.utf8.count < 1024 })
    }

    @Test("a page has at most 1000 messages, dead or not")
    func pages() throws {
        var bench = Bench()
        bench.define(concurrency: 2000, attempts: 1)
        for _ in 0..<1001 { try bench.enqueue() }
        let input = #"{"queue":"q","limit":5000}"#
        #expect(try list(bench, .messages, input).rows.count == 1000)
        for offset in bench.deliver() { bench.fail(offset) }
        #expect(try list(bench, .deadLetters, input).rows.count == 1000)
        let rest = #"{"queue":"q","limit":5000,"offset":1000}"#
        #expect(try list(bench, .deadLetters, rest).rows.count == 1)
    }
}
