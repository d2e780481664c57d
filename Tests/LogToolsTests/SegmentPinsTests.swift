import Events
import Folding
import Foundation
import JSON
import LogTools
import Primitives
import Testing

/// The list of segments tells in short what `why-kept` tells of each.
@Suite struct SegmentPinsTests {
    /// Thirteen small records go into a segment.
    private func story() -> Story {
        var story = Story()
        story.add(.started(Started(version: "1", process: 1)), trace: nil)
        for key in ["a", "b"] {
            let set = StateSet(
                scope: "s",
                key: key,
                value: Story.json("1"),
                function: "state::set"
            )
            story.add(.state(.set(set)))
        }
        let first = story.enqueue("q", "f", at: 0, cause: nil)
        let second = story.enqueue("q", "f", at: 0, cause: nil)
        let delivery = story.deliver(first, of: "q", at: 0)
        story.ack(delivery, first, of: "q", at: 0)
        _ = story.deliver(second, of: "q", at: 0)
        for _ in 0..<40 { story.log("line", "s", at: 0) }
        return story
    }

    /// Makes files that count as snapshots, as long as nobody reads them.
    private func addSnapshots(_ offsets: Int..., to log: StoredLog) throws {
        let folder = "\(log.path)/snap"
        try FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: true
        )
        for offset in offsets {
            let digits = String(offset)
            let name = String(repeating: "0", count: 20 - digits.count) + digits
            try Data().write(to: URL(fileURLWithPath: "\(folder)/\(name).snap"))
        }
    }

    private func json(_ list: SegmentList) throws -> [JSONText] {
        let output = Output()
        list.writeJSON(to: output)
        return try output.collected.split(separator: "\n").map { line in
            try JSONText(validating: Array(line.utf8))
        }
    }

    @Test("a sealed segment is pinned by who needs its records, and by starts that read it")
    func reasons() throws {
        let log = try StoredLog(story())
        let list = try SegmentList(log.pass)
        #expect(list.segments[0].pins?.text == "queue 2, state 2, engine 1, any start")
        #expect(list.segments[1].pins?.text == "any start")
        let active = try #require(list.segments.first { $0.state == .active })
        #expect(active.pins == nil)
        let row = try #require(json(list).first)
        #expect(
            row.member("pinned_by")?.description == """
                [{"by":"queue","records":2},{"by":"state","records":2},\
                {"by":"engine","records":1},{"by":"start"}]
                """
        )
        let output = Output()
        list.writeTable(to: output, palette: .plain)
        let lines = output.collected.split(separator: "\n")
        #expect(lines[0].hasSuffix("PINNED BY"))
        #expect(lines[1].hasSuffix("queue 2, state 2, engine 1, any start"))
    }

    @Test("below two snapshots only what is needed pins a segment")
    func snapshots() throws {
        let log = try StoredLog(story())
        try addSnapshots(13, 26, to: log)
        let list = try SegmentList(log.pass)
        #expect(list.segments[0].pins?.text == "queue 2, state 2, engine 1")
        #expect(list.segments[1].pins?.text == "snapshot 13")
        try addSnapshots(27, 28, to: log)
        try FileManager.default.removeItem(atPath: "\(log.path)/snap/00000000000000000013.snap")
        let later = try SegmentList(log.pass)
        #expect(later.segments[1].pins?.text == "nothing")
        #expect(try json(later)[1].member("pinned_by")?.description == "[]")
    }

    @Test("what pins a segment is what keeps it", arguments: 1...3)
    func agrees(seed: UInt64) throws {
        let log = try StoredLog(Story.random(seed: seed, records: 300), records: 3)
        let list = try SegmentList(log.pass)
        let sealed = list.segments.filter { $0.state == .sealed }
        #expect(!sealed.isEmpty, "seed \(seed)")
        for segment in sealed {
            let kept = try WhyKept(log.pass, segment: segment.number)
            #expect(segment.pins?.needs == kept.needs, "seed \(seed)")
        }
    }

    @Test("of a damaged log nobody knows what is needed")
    func damaged() throws {
        let log = try StoredLog(story())
        try log.change(segment: 0) { $0[4096 * 3 + 100] ^= 1 }
        let list = try SegmentList(log.pass)
        #expect(!list.damages.isEmpty)
        #expect(list.segments.allSatisfy { $0.pins == nil })
        #expect(try json(list)[0].member("pinned_by")?.isNull == true)
        let output = Output()
        list.writeTable(to: output, palette: .plain)
        #expect(output.collected.split(separator: "\n")[1].hasSuffix("?"))
    }
}
