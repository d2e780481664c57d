import Testing

@testable import Server

@Suite("Lines of a worker process")
struct OutputLinesTests {
    private static let second: UInt64 = 1_000_000_000

    private func lines() -> OutputLines { OutputLines(now: 0) }

    @Test("are the same wherever the reads are cut")
    func cuts() {
        let text = Array("one\r\n\nzwölf\nrest".utf8)
        for cut in 0...text.count {
            var lines = lines()
            let found = lines.take(text[..<cut], now: 0) + lines.take(text[cut...], now: 0)
            #expect(found == ["one", "", "zwölf"], "cut at \(cut)")
            #expect(lines.finish() == ["rest"])
            #expect(lines.finish().isEmpty)
        }
    }

    @Test("are cut where they are too long")
    func long() {
        var lines = lines()
        let most = OutputLines.longestLine
        let found = lines.take([UInt8](repeating: 97, count: 2 * most + 5) + [10], now: 0)
        #expect(found.map(\.utf8.count) == [most, most, 5])
    }

    @Test("are dropped and counted where they come too fast, until time has passed")
    func floods() {
        var lines = lines()
        let line = [UInt8](repeating: 97, count: 1023) + [10]
        var said = 0
        for _ in 0..<5000 { said += lines.take(line, now: 1).count }
        #expect(said == OutputLines.burst / 1024)
        #expect(lines.takeDropped() == UInt64(5000 - said))
        #expect(lines.takeDropped() == 0)
        #expect(lines.take(line, now: 1) == [])
        #expect(lines.take(line, now: Self.second).count == 1)
        // Not more than at first, however long it was quiet.
        said = 0
        for _ in 0..<5000 { said += lines.take(line, now: 3600 * Self.second).count }
        #expect(said == OutputLines.burst / 1024)
    }
}
