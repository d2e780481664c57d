import CommitLog
import Foundation
import JSON
import LogTools
import Primitives
import Testing

@Suite struct SalvageTests {
    @Test("every intact record is in the new log, under its offset", arguments: Wound.allCases)
    func recovers(wound: Wound) throws {
        let log = try Wound.log()
        let whole = try log.records()
        try wound.strike(log)
        let intact = try log.records()
        let files = try log.segmentPaths + ["\(log.path)/MANIFEST"]
        let before = try files.map { try Data(contentsOf: URL(fileURLWithPath: $0)) }
        let target = "\(log.scratch.path)/new"
        let salvage = try Salvage(log.pass, to: target)
        #expect(try files.map { try Data(contentsOf: URL(fileURLWithPath: $0)) } == before)
        #expect(!salvage.damages.isEmpty)
        #expect(try records(of: LogPass(.directory(target))) == intact)
        let verification = try Verification(LogPass(.directory(target)), depth: .semantic)
        #expect(verification.verdict == .sound, "\(verification.damages)")
        let opened = try reopened(target)
        #expect(opened.records == intact)
        #expect(UInt64(opened.report.offsetsLost) == salvage.lost)
        #expect(opened.report.next.rawValue == UInt64(intact.count) + salvage.lost)
        #expect(opened.report.next >= Offset(UInt64(whole.count)))
        let json = try JSONText(validating: Array(salvage.json.utf8))
        #expect(json.member("offsets_lost")?.description == "\(salvage.lost)")
    }

    @Test("a log of several segments keeps a single lost record's neighbours")
    func neighbours() throws {
        let log = try Wound.log()
        let whole = try log.records()
        try Wound.recordInBatch.strike(log)
        let salvage = try Salvage(log.pass, to: "\(log.scratch.path)/new")
        #expect(salvage.records == whole.count - 1)
        #expect(salvage.lost == 1)
        let verification = try Verification(
            LogPass(.directory("\(log.scratch.path)/new")),
            depth: .full
        )
        #expect(verification.gaps.count == 1)
    }

    @Test("any bit of a gap that changes is damage, and nothing behind it is lost")
    func gaps() throws {
        let log = try Wound.log()
        try Wound.recordInBatch.strike(log)
        let target = "\(log.scratch.path)/new"
        _ = try Salvage(log.pass, to: target)
        let pass = try LogPass(.directory(target))
        let whole = try records(of: pass)
        let gap = try #require(try pass.verify { _ in }.gaps.first)
        let file = URL(fileURLWithPath: "\(target)/log/00000000000000000000.seg")
        let bytes = try Data(contentsOf: file)
        for bit in 0..<80 * 8 {
            var changed = bytes
            changed[gap.position + bit / 8] ^= 1 << UInt8(bit % 8)
            try changed.write(to: file, options: .atomic)
            let pass = try LogPass(.directory(target))
            #expect(try Verification(pass, depth: .full).verdict == .damaged, "bit \(bit)")
            #expect(try Verification(pass, depth: .quick).verdict == .damaged, "bit \(bit)")
            #expect(try records(of: pass) == whole, "bit \(bit)")
        }
    }

    @Test("a target that holds something is refused, and left as it is")
    func refuses() throws {
        let log = try StoredLog(.hello())
        let target = "\(log.scratch.path)/new"
        try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
        try Data().write(to: URL(fileURLWithPath: "\(target)/file"))
        let pass = try log.pass
        let code = codeOf { () throws(ToolError) in _ = try Salvage(pass, to: target) }
        #expect(code == .notEmpty)
        #expect(try FileManager.default.contentsOfDirectory(atPath: target) == ["file"])
        #expect(codeOf { () throws(ToolError) in _ = try Salvage(pass, to: log.path) } == .notEmpty)
    }

    @Test("a log that is sound comes out the same, also where it is recovered twice")
    func sound() throws {
        let log = try StoredLog(Wound.long())
        let first = "\(log.scratch.path)/first"
        let second = "\(log.scratch.path)/second"
        #expect(try Salvage(log.pass, to: first).lost == 0)
        #expect(try Salvage(LogPass(.directory(first)), to: second).lost == 0)
        #expect(try records(of: LogPass(.directory(second))) == log.records())
        let digest = try LogDigest(LogPass(.directory(second)))
        #expect(try digest == LogDigest(log.pass))
    }

    @Test("what the device refuses is named, and everything else comes out")
    func refused() throws {
        let log = try Wound.log()
        let whole = try log.records()
        let page = 2 * 4096
        let pass = LogPass(RefusingSource(log.path, segment: 1, page: page))
        let damages = try pass.verify { _ in }.damages
        #expect(damages.map(\.segment) == [1])
        #expect(damages.map(\.position) == [page])
        let lost = try #require(damages.first).lost
        #expect(lost.lowerBound.distance(to: lost.upperBound) == 3)
        #expect(try RepairPlan(pass).damages == damages)
        #expect(try Verification(pass, depth: .quick).verdict == .damaged)
        let target = "\(log.scratch.path)/new"
        let salvage = try Salvage(pass, to: target)
        #expect(salvage.damages == damages)
        #expect(salvage.lost == 3)
        let left = whole.filter { !lost.contains($0.key) }
        #expect(try records(of: LogPass(.directory(target))) == left)
    }

    @Test("what retention removes meanwhile is no loss, and leaves no value behind that was over")
    func rewritten() throws {
        var story = Story()
        let first = story.set("k", 1, over: nil)
        let second = story.set("k", 2, over: first)
        story.fill(60)
        let log = try StoredLog(story)
        story.set("k", 3, over: second)
        story.fill(30)
        let whole = story
        let source = ChangingSource(log.path)
        var listings = 0
        source.willList = {
            listings += 1
            // It was looked at once, and is read now.
            guard listings == 2 else { return }
            try log.goOn(whole)
            try log.retain()
        }
        let target = "\(log.scratch.path)/new"
        let salvage = try Salvage(LogPass(source), to: target)
        #expect(salvage.lost == 0)
        #expect(listings == 3)
        let digest = try LogDigest(LogPass(.directory(target)))
        let other = try StoredLog(whole)
        let expected = try withExtendedLifetime(other) { try LogDigest(other.pass) }
        #expect(digest == expected)
    }

    @Test("it ends beside retention that goes from segment to segment, and reads the others once")
    func besideRetention() throws {
        let (log, bases) = try StoredLog.many()
        let whole = try LogDigest(log.pass)
        let retention = Advancing(log, bases, count: 25)
        let source = ChangingSource(log.path)
        var listings = 0
        var late: Set<UInt64> = []
        source.willList = {
            listings += 1
            // It was looked at once, and is read from now on.
            if listings > 1 { try retention.goOn() }
        }
        source.willRead = { segment, count in
            if listings > 2, count > 4096 { late.insert(segment) }
        }
        let target = "\(log.scratch.path)/new"
        let salvage = try Salvage(LogPass(source), to: target, pieceBytes: 1)
        #expect(retention.segments == 25)
        #expect(salvage.lost == 0)
        #expect(salvage.segments == bases.count)
        #expect(try LogDigest(LogPass(.directory(target))) == whole)
        let verification = try Verification(LogPass(.directory(target)), depth: .semantic)
        #expect(verification.verdict == .sound, "\(verification.damages)")
        #expect(try records(of: LogPass(.directory(target))) == log.records())
        #expect(late.filter { $0 < UInt64(bases.count - 1) } == Set(0...24))
    }

    @Test("what is compressed meanwhile has what it had, and is not written again")
    func besideCompression() throws {
        let (log, bases) = try StoredLog.many()
        let before = try log.records()
        let last = UInt64(bases.count - 1)
        let source = ChangingSource(log.path)
        var (listings, isCompressed) = (0, false)
        var late: Set<UInt64> = []
        source.willList = { listings += 1 }
        source.willRead = { segment, count in
            if isCompressed, count > 16 << 10 { late.insert(segment) }
            // All but the last one were read.
            guard listings == 2, segment == last, count > 4096, !isCompressed else { return }
            try log.compress()
            isCompressed = true
        }
        let target = "\(log.scratch.path)/new"
        let salvage = try Salvage(LogPass(source), to: target, pieceBytes: 1)
        #expect(isCompressed)
        #expect(salvage.lost == 0)
        #expect(try records(of: LogPass(.directory(target))) == before)
        #expect(try log.records() == before)
        #expect(late.allSatisfy { $0 >= last })
    }
}
