import CommitLog
import Events
import Foundation
import JSON
import LogTools
import Observability
import Primitives
import Testing

/// What an engine hands out of its log is read like files that are here.
@Suite struct DistantLogTests {
    private func story() -> Story {
        var story = Story.hello()
        for index in 0..<60 {
            let message = story.enqueue("default", "f", at: 10 + Double(index), cause: nil)
            let delivery = story.deliver(message, of: "default", at: 10.5 + Double(index))
            guard index % 7 > 0 else { continue }
            story.ack(delivery, message, of: "default", at: 10.7 + Double(index))
        }
        return story
    }

    /// The log as an engine hands it out; `refuse` says which reads it refuses, and how.
    private func distant(
        _ log: StoredLog,
        refuse: @escaping @Sendable (SegmentPart) -> ErrorBody? = { _ in nil }
    ) -> DistantLog {
        let path = log.path
        return DistantLog(of: "ws://there:49134") { (function, input) throws(ErrorBody) in
            guard let function = SegmentFunction(rawValue: function) else {
                throw ErrorBody(code: "function_not_found", message: function)
            }
            let question = try SegmentQuestion(function, input)
            if case .read(let part) = question, let refusal = refuse(part) { throw refusal }
            switch SegmentReading.answer(question, of: path) {
            case .value(let bytes): return try JSONText(answered: bytes)
            case .none: return .null
            case .failure(let error): throw error
            }
        }
    }

    @Test("every verb finds in it what it finds in the directory")
    func same() throws {
        let log = try StoredLog(story())
        let pass = try LogPass(.distant(distant(log)))
        #expect(try SegmentList(pass) == SegmentList(log.pass))
        #expect(
            try Verification(pass, depth: .semantic) == Verification(log.pass, depth: .semantic)
        )
        #expect(try LogDigest(pass) == LogDigest(log.pass))
        #expect(try WhyKept(pass, segment: 1) == WhyKept(log.pass, segment: 1))
        for isReverse in [false, true] {
            var options = Show.Options()
            options.isReverse = isReverse
            let (here, there) = (Output(), Output())
            _ = try Show(log.pass, options).run(to: here)
            _ = try Show(pass, options).run(to: there)
            #expect(here.collected == there.collected)
            #expect(!here.collected.isEmpty)
        }
    }

    @Test("its snapshots count, where they are")
    func snapshots() throws {
        let log = try StoredLog(story())
        let folder = "\(log.path)/snap"
        try FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: true
        )
        for name in ["00000000000000000013.snap", "00000000000000000026.snap"] {
            try Data().write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
        }
        let kept = try WhyKept(LogPass(.distant(distant(log))), segment: 0)
        #expect(kept.snapshots == [Offset(26), Offset(13)])
    }

    @Test("it can be copied, segments of several answers too")
    func copy() throws {
        var story = story()
        let payload = "\"\(String(repeating: "x", count: 3000))\""
        for index in 0..<600 {
            let time = 100 + Double(index)
            _ = story.enqueue("q", "f", at: time, cause: nil, payload: payload)
        }
        let log = try StoredLog(story, records: 20, segmentBytes: 4 << 20)
        let pass = try LogPass(.distant(distant(log)))
        let target = "\(log.scratch.path)/copy"
        let copy = try LogCopy(pass, to: target, isEmpty: true)
        #expect(copy.byteCount > 1 << 20)
        let there = try Verification(LogPass(.directory(target)), depth: .semantic)
        #expect(there.verdict == .sound)
    }

    @Test("on the machine of the engine its directory is read, and no other")
    func directory() throws {
        let log = try StoredLog(story())
        let found = try #require(try distant(log).directory())
        #expect(try SegmentList(LogPass(.directory(found))) == SegmentList(log.pass))
        let list = try #require(JSONText(SegmentReading.answer(.list, of: log.path)))
        let machine = try #require(list.member("machine")?.stringValue)
        let engine = try #require(list.member("engine")?.stringValue)
        for (word, other) in [(machine, "another"), (engine, "another"), (found, "/nowhere")] {
            let text = list.description.replacingOccurrences(of: word, with: other)
            let answer = JSONText(trusted: Array(text.utf8))
            let elsewhere = DistantLog(of: "ws://there:49134") { (_, _) throws(ErrorBody) in
                answer
            }
            #expect(try elsewhere.directory() == nil, "\(other)")
        }
    }

    @Test("half of a file is not continued with another one that has its name by then")
    func replaced() throws {
        let log = try StoredLog(story())
        let part = SegmentPart(segment: 0, position: 0, count: 4096, salt: 1)
        guard case .failure(let error) = SegmentReading.answer(.read(part), of: log.path) else {
            Issue.record("the bytes of another file were handed out")
            return
        }
        #expect(error.code == "log.replaced")
    }

    @Test("what its disk does not give is damage, and what does not come fails")
    func refused() throws {
        let log = try StoredLog(story())
        let scratched = distant(log) { part in
            guard part.segment == 1, part.position == 8192 || part.count > 4096 else { return nil }
            return ErrorBody(code: "read_refused", message: "the disk refused")
        }
        let scan = try LogPass(.distant(scratched)).verify { _ in }
        #expect(!scan.damages.isEmpty)
        #expect(scan.damages.allSatisfy { $0.segment == 1 })
        let silent = distant(log) { _ in ErrorBody(code: "TIMEOUT", message: "no answer") }
        #expect(
            codeOf { () throws(ToolError) in
                _ = try LogPass(.distant(silent)).verify { _ in }
            } == .unreadable
        )
        #expect(
            codeOf { () throws(ToolError) in _ = try LogWatch(.distant(silent)) } == .elsewhere
        )
    }
}

extension JSONText {
    /// What an engine answers comes as text.
    fileprivate init(answered bytes: [UInt8]) throws(ErrorBody) {
        do throws(JSONError) {
            self = try JSONText(validating: bytes)
        } catch {
            throw ErrorBody(code: "test", message: "\(error)")
        }
    }

    fileprivate init?(_ result: FunctionResult) {
        guard case .value(let bytes) = result else { return nil }
        self.init(trusted: bytes)
    }
}
