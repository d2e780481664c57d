import CommitLog
import Disk
import Events
import Foundation
import JSON
import LogTools
import Primitives
import RecordFormat
import Testing

@Suite struct VerificationTests {
    private func verify(_ log: StoredLog) throws -> Verification {
        try Verification(log.pass, depth: .semantic)
    }

    /// Many records over several segments.
    private func long() -> Story {
        var story = Story.hello()
        for index in 0..<60 {
            let message = story.enqueue("default", "f", at: 10 + Double(index), cause: nil)
            let delivery = story.deliver(message, of: "default", at: 10.5 + Double(index))
            story.ack(delivery, message, of: "default", at: 10.7 + Double(index))
        }
        return story
    }

    @Test("a sound log is sound, and counted")
    func sound() throws {
        let log = try StoredLog(long())
        let verification = try verify(log)
        #expect(verification.verdict == .sound)
        #expect(verification.records == 193)
        #expect(verification.offsets == Offset(0)..<Offset(193))
        #expect(verification.segments > 5)
        let json = try JSONText(validating: Array(verification.json.utf8))
        #expect(json.member("verdict")?.stringValue == "sound")
    }

    @Test("a batch cut at the end is a torn tail, and no more")
    func tornTail() throws {
        let log = try StoredLog(.hello(), records: 13)
        // A crash, not an end in order: nothing says that the batch was synced.
        try FileManager.default.removeItem(atPath: "\(log.path)/MANIFEST")
        try log.change(segment: 0) { bytes in
            for position in 4096 + 512..<4096 + 1024 { bytes[position] = 0 }
        }
        let pass = try LogPass(.files(log.segmentPaths))
        let verification = try Verification(pass, depth: .semantic)
        #expect(verification.verdict == .tornTail)
        #expect(verification.torn?.contains("segment 0, byte 4096") == true)
        #expect(try SegmentList(log.pass).segments[0].checksums == "torn tail")
    }

    @Test("a MANIFEST that is gone or spoilt is named, and a start makes it anew", arguments: 0..<3)
    func manifest(loss: Int) throws {
        let log = try StoredLog(long())
        let whole = try log.records()
        let url = URL(fileURLWithPath: "\(log.path)/MANIFEST")
        switch loss {
        case 0: try FileManager.default.removeItem(at: url)
        case 1: try Data().write(to: url)
        default:
            var bytes = [UInt8](try Data(contentsOf: url))
            for place in [50, 4146] { bytes[place] ^= 0x5A }
            try Data(bytes).write(to: url)
        }
        let verification = try verify(log)
        #expect(verification.verdict == .damaged)
        #expect(verification.damages.count == 1)
        #expect(verification.damages.first?.hasPrefix("MANIFEST is missing") == true)
        let opened = try reopened(log.path)
        #expect(opened.report.rebuiltManifest)
        #expect(opened.records == whole)
        #expect(try Verification(log.pass, depth: .full).verdict == .sound)
    }

    @Test(
        "a snapshot that cannot be used is named, and costs no record: damage, but not of the log",
        arguments: [(30, [.quick, .full]), (4096 + 30, [.full])]
            as [(Int, [Verification.Depth])]
    )
    func snapshot(position: Int, looks: [Verification.Depth]) throws {
        let log = try StoredLog(.hello())
        try log.addSnapshot(Offset(5))
        #expect(try verify(log).snapshots.isEmpty)
        let name = SnapshotFolder.name(5)
        let url = URL(fileURLWithPath: "\(log.path)/snap/\(name)")
        var bytes = [UInt8](try Data(contentsOf: url))
        bytes[position] ^= 1
        try Data(bytes).write(to: url)
        for depth in [Verification.Depth.quick, .full] {
            let verification = try Verification(log.pass, depth: depth)
            // A quick look reads the first page of each.
            let isSeen = looks.contains(depth)
            let verdict: Verification.Verdict = isSeen ? .damaged : .sound
            #expect(verification.verdict == verdict)
            #expect(verification.damages.isEmpty)
            #expect(verification.snapshots.count == (isSeen ? 1 : 0))
            #expect(verification.snapshots.allSatisfy { $0.hasPrefix("snap/\(name)") })
        }
    }

    @Test("a snapshot of another log, or under another one's name, is named as such")
    func strangeSnapshots() throws {
        let log = try StoredLog(.hello())
        try log.addSnapshot(Offset(5), of: UUID128(high: 1, low: 2))
        try log.addSnapshot(Offset(4))
        let snap = "\(log.path)/snap"
        try FileManager.default.moveItem(
            atPath: "\(snap)/\(SnapshotFolder.name(4))",
            toPath: "\(snap)/\(SnapshotFolder.name(3))"
        )
        let verification = try Verification(log.pass, depth: .quick)
        #expect(verification.verdict == .damaged)
        try #require(verification.snapshots.count == 2)
        #expect(verification.snapshots[0].contains("5.snap is of another log;"))
        #expect(verification.snapshots[1].contains("3.snap has the name of another one;"))
        let output = Output()
        verification.write(to: output, palette: .plain)
        #expect(output.collected.hasSuffix("no damage but 2 snapshots that cannot be used\n"))
    }

    @Test("a flipped bit in the middle is named with segment, position and offset")
    func flipped() throws {
        let log = try StoredLog(.hello())
        try log.change(segment: 0) { $0[4096 * 3 + 100] ^= 1 }
        let verification = try verify(log)
        #expect(verification.verdict == .damaged)
        let damage = try #require(verification.damages.first)
        #expect(damage.contains("00000000000000000000.seg at byte 12288"))
        #expect(damage.contains("offsets 2..<3"))
        #expect(verification.records == 12)
        let list = try SegmentList(log.pass)
        #expect(list.segments[0].checksums == "1 damage")
        // What is intact behind it is shown all the same.
        #expect(try log.offsets { _ in } == Array(0..<2) + Array(3..<13))
    }

    @Test("a changed bit in the zeros around batches is damage that costs nothing")
    func padding() throws {
        var story = Story()
        let payload = "\"\(String(repeating: "abc ", count: 50))\""
        for index in 0..<400 {
            _ = story.enqueue("q", "f", at: Double(index), cause: nil, payload: payload)
        }
        // A batch has several pages, so that one is left behind the seal.
        let log = try StoredLog(story, records: 40)
        let whole = try log.records()
        let spans = try log.pass.verify { _ in }.spans
        #expect(spans.count > 2)
        let end = spans[0].position
        #expect(end <= Int(spans[0].header.size) - 2 * 4096)
        try log.change(segment: 0) { bytes in
            // The last byte of the seal's page, and one behind it.
            bytes[end - 1] ^= 1
            bytes[end + 100] ^= 1
        }
        let damages = try log.pass.verify { _ in }.damages
        #expect(damages.map(\.position) == [end - 4096, end])
        #expect(damages.allSatisfy { $0.reason == .padding && $0.lost.isEmpty })
        let verification = try Verification(log.pass, depth: .full)
        #expect(verification.verdict == .damaged)
        #expect(verification.damages.allSatisfy { $0.hasSuffix("no record is lost") })
        // A start does not ask, and whoever writes the segment anew makes zeros of it.
        try log.goOn(story)
        try log.compress()
        #expect(try Verification(log.pass, depth: .full).verdict == .sound)
        #expect(try log.records() == whole)
    }

    @Test("a missing segment is named, with the offsets that went with it")
    func missing() throws {
        let log = try StoredLog(long())
        try FileManager.default.removeItem(atPath: log.segmentPaths[2])
        let verification = try verify(log)
        #expect(verification.verdict == .damaged)
        let damage = try #require(verification.damages.first)
        #expect(damage.contains("00000000000000000002.seg"))
        #expect(damage.contains("missing"))
    }

    @Test("a lost tail is damage where the log says that it was synced")
    func lostTail() throws {
        let log = try StoredLog(.hello())
        try log.change(segment: 0) { bytes in
            for position in 4096 * 12..<bytes.count { bytes[position] = 0 }
        }
        #expect(try verify(log).verdict == .damaged)
    }

    @Test("records that contradict each other are told, and a quick look does not ask")
    func contradictions() throws {
        var story = Story.hello()
        let message = story.enqueue("default", "f", at: 10, cause: nil)
        let delivery = story.deliver(message, of: "default", at: 11)
        story.ack(delivery, message, of: "default", at: 12)
        story.ack(delivery, message, of: "default", at: 13)
        story.add(kind: EventKind.acked.rawValue, [200])
        let log = try StoredLog(story)
        let verification = try verify(log)
        #expect(verification.verdict == .contradictory)
        #expect(verification.contradictionCount == 3)
        #expect(verification.contradictions[0].contains("record 16 (acked)"))
        #expect(verification.contradictions[0].contains("delivery 14, which is not open"))
        #expect(try Verification(log.pass, depth: .quick).verdict == .sound)
        #expect(try Verification(log.pass, depth: .full).verdict == .sound)
    }

    @Test("an attempt that goes back is a contradiction; one repeated after a crash is none")
    func attempts() throws {
        for (attempt, verdict) in [(UInt32(2), Verification.Verdict.sound), (1, .contradictory)] {
            var story = Story.hello()
            let message = story.enqueue("default", "f", at: 10, cause: nil)
            let first = story.deliver(message, of: "default", at: 10.5)
            story.retry(first, message, of: "default", failures: 1, at: 10.7)
            _ = story.deliver(message, of: "default", attempt: 2, at: 11)
            story.add(.started(Started(version: "0.1.0", process: 2)), at: 12, trace: nil)
            _ = story.deliver(message, of: "default", attempt: attempt, at: 13)
            #expect(try verify(StoredLog(story)).verdict == verdict)
        }
    }

    @Test("a quick look reads headers, says what it did not read, and misses nothing of structure")
    func quick() throws {
        let log = try StoredLog(long())
        let quick = try Verification(log.pass, depth: .quick)
        let full = try Verification(log.pass, depth: .full)
        #expect(quick.verdict == .sound)
        #expect(quick.records == full.records)
        #expect(quick.batches == full.batches)
        #expect(quick.offsets == full.offsets)
        #expect(full.unreadBatches == 0)
        // The last segment is read in full: a write may be unfinished there.
        let last = try #require(SegmentList(log.pass).segments.last { $0.first != nil })
        #expect(quick.unreadBatches > quick.batches - last.records - 20)
        let output = Output()
        quick.write(to: output, palette: .plain)
        #expect(output.collected.contains("not checked: the bodies of \(quick.unreadBatches)"))
        // A body is not looked at, a header is.
        try log.change(segment: 1) { $0[4096 * 2 + 100] ^= 1 }
        #expect(try Verification(log.pass, depth: .quick).verdict == .sound)
        #expect(try Verification(log.pass, depth: .full).verdict == .damaged)
        try log.change(segment: 2) { $0[4096 * 2 + 20] ^= 1 }
        #expect(try Verification(log.pass, depth: .quick).verdict == .damaged)
        let json = try JSONText(validating: Array(quick.json.utf8))
        #expect(json.member("unread_batches")?.description == "\(quick.unreadBatches)")
    }

    @Test("verification and listing leave every byte as it is")
    func readOnly() throws {
        let log = try StoredLog(.hello())
        try log.change(segment: 0) { $0[5000] ^= 1 }
        let files = try log.segmentPaths + ["\(log.path)/MANIFEST"]
        let before = try files.map { try Data(contentsOf: URL(fileURLWithPath: $0)) }
        _ = try verify(log)
        _ = try SegmentList(log.pass)
        #expect(try files.map { try Data(contentsOf: URL(fileURLWithPath: $0)) } == before)
    }

    @Test("segment files are read without their directory, in any order")
    func files() throws {
        let log = try StoredLog(long())
        let paths = try log.segmentPaths
        let pass = try LogPass(.files([paths[3], paths[2]]))
        let verification = try Verification(pass, depth: .full)
        #expect(verification.verdict == .sound)
        #expect(verification.segments == 2)
        #expect(verification.offsets.lowerBound > Offset(0))
    }

    @Test("a name says nothing that is behind all numbers of segments")
    func strangeName() throws {
        let scratch = try Scratch()
        let path = "\(scratch.path)/\(UInt64.max).seg"
        try Data(repeating: 1, count: 2 * 4096).write(to: URL(fileURLWithPath: path))
        let code = codeOf { () throws(ToolError) in _ = try LogPass(.files([path])) }
        #expect(code == .unreadable)
    }

    @Test("a directory that is none of an engine's is refused")
    func foreign() throws {
        let scratch = try Scratch()
        #expect(
            codeOf { () throws(ToolError) in _ = try LogPass(.directory(scratch.path)) }
                == .foreignDirectory
        )
        #expect(
            codeOf { () throws(ToolError) in _ = try LogPass(.directory("\(scratch.path)/no")) }
                == .noSuchLog
        )
    }

    @Test("the list tells records, bounds and states of segments")
    func list() throws {
        let log = try StoredLog(long())
        let list = try SegmentList(log.pass)
        let begun = list.segments.filter { $0.first != nil }
        #expect(begun.map(\.records).reduce(0, +) == 193)
        #expect(begun.last?.state == .active)
        #expect(begun.dropLast().allSatisfy { $0.state == .sealed && $0.checksums == "ok" })
        let output = Output()
        list.writeJSON(to: output)
        for line in output.collected.split(separator: "\n") {
            _ = try JSONText(validating: Array(line.utf8))
        }
    }
}
