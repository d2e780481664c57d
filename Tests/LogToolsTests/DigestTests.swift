import Events
import Foundation
import JSON
import LogTools
import Primitives
import Testing

@Suite struct DigestTests {
    @Test("equal logs have equal digests, however they were batched and segmented")
    func equal() throws {
        let logs = [
            try StoredLog(.hello()),
            try StoredLog(.hello(), records: 13, segmentBytes: 1 << 20),
        ]
        let first = try LogDigest(logs[0].pass)
        let second = try LogDigest(logs[1].pass)
        #expect(first == second)
        #expect(first.offset == Offset(13))
        let json = try JSONText(validating: Array(first.json.utf8))
        #expect(json.member("queue")?.stringValue?.count == 16)
        let output = Output()
        first.write(to: output)
        #expect(output.collected.contains("queue    \(json.member("queue")?.stringValue ?? "?")"))
    }

    @Test("a digest at an offset is that of a log which ends there")
    func at() throws {
        let whole = try StoredLog(.hello())
        var story = Story()
        story.begin()
        let part = try StoredLog(story)
        #expect(try LogDigest(whole.pass, at: Offset(5)) == LogDigest(part.pass))
        // Enqueued, delivered, written and acked: every step shows in a view.
        let digests = try (5...13).map { try LogDigest(whole.pass, at: Offset($0)) }
        let queues = digests.map(\.queue)
        #expect(Set(queues).count == 4, "empty, waiting, delivered, acked: \(queues)")
        #expect(Set(digests.map(\.state)).count == 2)
    }

    @Test("a damaged log has digests before the damage, and none behind it")
    func damaged() throws {
        let log = try StoredLog(.hello())
        let sound = try LogDigest(log.pass, at: Offset(2))
        try log.change(segment: 0) { $0[4096 * 3 + 100] ^= 1 }
        #expect(try LogDigest(log.pass, at: Offset(2)) == sound)
        for end in [Offset(4), nil] {
            let code = codeOf { () throws(ToolError) in _ = try LogDigest(try log.opened(), at: end)
            }
            #expect(code == .damaged)
        }
    }

    @Test("where retention has removed what would tell, there is no digest")
    func trimmed() throws {
        let (log, whole) = try StoredLog.trimmed()
        func code(at end: Int) -> ToolError.Code? {
            codeOf { () throws(ToolError) in
                _ = try LogDigest(try log.opened(), at: Offset(UInt64(end)))
            }
        }
        func snapshot(at end: Int) throws {
            let digits = String(end)
            let name = String(repeating: "0", count: 20 - digits.count) + digits
            try Data().write(to: URL(fileURLWithPath: "\(log.path)/snap/\(name).snap"))
        }
        #expect(try LogDigest(log.pass, at: Offset(60)) == LogDigest(whole.pass))
        #expect(code(at: 20) == .historyTrimmed)
        // Nothing tells any more at which offset what is left is enough.
        #expect(code(at: 35) == .historyTrimmed)
        try FileManager.default.createDirectory(
            atPath: "\(log.path)/snap",
            withIntermediateDirectories: true
        )
        try snapshot(at: 12)
        #expect(code(at: 35) == .historyTrimmed)
        try snapshot(at: 35)
        #expect(code(at: 34) == .historyTrimmed)
        let expected = try LogDigest(whole.pass, at: Offset(35))
        #expect(try LogDigest(log.pass, at: Offset(35)) == expected)
    }

    @Test("an offset behind the end of the log has no digest")
    func behind() throws {
        let log = try StoredLog(.hello())
        let code = codeOf { () throws(ToolError) in
            _ = try LogDigest(try log.opened(), at: Offset(14))
        }
        #expect(code == .unknownOffset)
    }
}

extension StoredLog {
    func opened() throws(ToolError) -> LogPass { try LogPass(.directory(path)) }
}
