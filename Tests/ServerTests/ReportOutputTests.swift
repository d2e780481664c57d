import Glibc
import Testing

@testable import Server

@Suite("What the engine says to nobody")
struct ReportOutputTests {
    @Test("holds nobody up, and is counted where it is missing; the last of it is kept")
    func unread() throws {
        var ends: [Int32] = [0, 0]
        let status = pipe(&ends)
        try #require(status == 0)
        let output = ReportOutput(ends[1], limit: 4) { "\($0) are missing" }
        output.say("a")
        // What can be is written at once.
        #expect(try received(2, from: ends[0]) == Array("a\n".utf8))
        // More than a pipe holds: from here on all else waits.
        let long = String(repeating: "x", count: 1 << 20)
        output.say(long)
        for line in ["b", "c", "d"] { output.say(line) }
        output.say("last", isLast: true)
        let whole = "\(long)\n3 are missing\nlast\n"
        let text = try received(whole.utf8.count, from: ends[0])
        #expect(text == Array(whole.utf8))
        output.flush()
        output.say("e")
        output.say("f")
        output.flush()
        #expect(try received(4, from: ends[0]) == Array("e\nf\n".utf8))
    }

    private func received(_ count: Int, from end: Int32) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            var part = [UInt8](repeating: 0, count: count - bytes.count)
            let found = read(end, &part, part.count)
            try #require(found > 0)
            bytes += part[..<found]
        }
        return bytes
    }
}
