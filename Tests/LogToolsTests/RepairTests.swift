import CommitLog
import Disk
import Foundation
import JSON
import LogTools
import Primitives
import Testing

@Suite struct RepairTests {
    @Test("a repaired log opens with every intact record", arguments: Wound.allCases)
    func repairs(wound: Wound) throws {
        let log = try Wound.log()
        try wound.strike(log)
        let intact = try log.records()
        let pass = try log.pass
        let plan = try RepairPlan(pass)
        #expect(!plan.damages.isEmpty)
        try Repair(pass, plan, DirectoryFiles(path: log.path)).run()
        #expect(try Verification(log.pass, depth: .semantic).verdict == .sound)
        let opened = try reopened(log.path)
        #expect(opened.records == intact)
        #expect(opened.report.offsetsLost == Int(opened.report.next.rawValue) - intact.count)
        #expect(try RepairPlan(log.pass).damages.isEmpty)
    }

    @Test(
        "the loss of what only a snapshot knows is accepted as any other, and the snapshot goes",
        arguments: [true, false]
    )
    func snapshotAhead(hasManifest: Bool) throws {
        let log = try Wound.log()
        let intact = try log.records()
        let end = try log.pass.verify { _ in }.next.advanced(by: 10)
        try log.addSnapshot(end)
        if !hasManifest { try FileManager.default.removeItem(atPath: "\(log.path)/MANIFEST") }
        let pass = try log.pass
        let plan = try RepairPlan(pass)
        #expect(plan.damages.map(\.reason) == [.snapshotAhead])
        #expect(plan.damages.first?.lost.upperBound == end)
        try Repair(pass, plan, DirectoryFiles(path: log.path)).run()
        let kept = "\(log.path)/quarantine/\(SnapshotFolder.name(end.rawValue))"
        #expect(FileManager.default.fileExists(atPath: kept))
        #expect(try Verification(log.pass, depth: .full).verdict == .sound)
        let opened = try reopened(log.path)
        #expect(opened.records == intact)
        #expect(opened.report.next >= end)
    }

    @Test(
        "a repair of that which was cut off gives up no fewer offsets the next time",
        arguments: ["write MANIFEST", "rename log/"]
    )
    func snapshotAheadAgain(step: String) throws {
        let log = try Wound.log()
        let end = try log.pass.verify { _ in }.next.advanced(by: 10)
        try log.addSnapshot(end)
        let files = FailingFiles(log.path)
        files.fails = { [unowned files] _ in files.steps.last?.hasPrefix(step) == true }
        let pass = try log.pass
        let plan = try RepairPlan(pass)
        let code = codeOf { () throws(ToolError) in try Repair(pass, plan, files).run() }
        #expect(code == .notWritten)
        let again = try log.pass
        try Repair(again, RepairPlan(again), DirectoryFiles(path: log.path)).run()
        #expect(try Verification(log.pass, depth: .full).verdict == .sound)
        // Behind the snapshot records may have been acknowledged that nothing knows of.
        let opened = try reopened(log.path)
        #expect(opened.report.next >= end.advanced(by: 1 << 20))
    }

    @Test("segments under each other's names are not given up, and are all there by their headers")
    func misnamed() throws {
        let log = try Wound.log()
        let whole = try log.records()
        let paths = try log.segmentPaths
        func swap() throws {
            let files = FileManager.default
            try files.moveItem(atPath: paths[1], toPath: "\(log.scratch.path)/third")
            try files.moveItem(atPath: paths[2], toPath: paths[1])
            try files.moveItem(atPath: "\(log.scratch.path)/third", toPath: paths[2])
        }
        try swap()
        let pass = try log.pass
        let plan = try RepairPlan(pass)
        #expect(plan.damages.map(\.reason) == [.misnamed(2), .misnamed(1)])
        let accepted = codeOf { () throws(ToolError) in try plan.check(plan.losses) }
        #expect(accepted == .damaged)
        let target = "\(log.scratch.path)/new"
        let code = codeOf { () throws(ToolError) in _ = try Salvage(pass, to: target) }
        #expect(code == .damaged)
        #expect(!FileManager.default.fileExists(atPath: target))
        #expect(try Salvage(LogPass(.files(paths)), to: target).records == whole.count)
        try swap()
        #expect(try log.records() == whole)
    }

    @Test("what is replaced is kept, byte for byte")
    func keeps() throws {
        let log = try Wound.log()
        try Wound.recordInBatch.strike(log)
        try FileManager.default.createDirectory(
            atPath: "\(log.path)/snap",
            withIntermediateDirectories: true
        )
        try Data([1]).write(to: URL(fileURLWithPath: "\(log.path)/snap/1.snap"))
        let path = try log.segmentPaths[1]
        let before = try Data(contentsOf: URL(fileURLWithPath: path))
        let others = try log.segmentPaths.filter { $0 != path }
        let sound = try others.map { try Data(contentsOf: URL(fileURLWithPath: $0)) }
        let pass = try log.pass
        try Repair(pass, RepairPlan(pass), DirectoryFiles(path: log.path)).run()
        let name = try #require(path.split(separator: "/").last)
        let kept = URL(fileURLWithPath: "\(log.path)/quarantine/\(name)")
        #expect(try Data(contentsOf: kept) == before)
        // A snapshot knows where records were.
        #expect(FileManager.default.fileExists(atPath: "\(log.path)/quarantine/1.snap"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(log.path)/snap").isEmpty)
        #expect(try others.map { try Data(contentsOf: URL(fileURLWithPath: $0)) } == sound)
    }

    @Test("a repair cut at any step leaves every segment as it was or repaired")
    func cuts() throws {
        for wound in [Wound.recordInBatch, .missingSegment, .lostTail, .wholeSegment] {
            let log = try Wound.log()
            try wound.strike(log)
            // Two places at once: one may be repaired and the other not.
            try log.change(segment: 0) { $0[4096 * 2 + 100] ^= 1 }
            let intact = try log.records()
            let total = try CutFiles(copying: log)
            try repair(total)
            #expect(total.steps > 10)
            for step in 1...total.steps {
                for everything in [true, false] {
                    let files = try CutFiles(copying: log)
                    files.lastStep = step
                    let code = codeOf { () throws(ToolError) in try repair(files) }
                    #expect(code == .notWritten, "\(wound) step \(step)")
                    files.cutPower(keeping: everything)
                    let context = "\(wound), cut at step \(step), all kept: \(everything)"
                    let seen = try records(of: LogPass(CutSource(files: files)))
                    #expect(seen == intact, "\(context)")
                    // The next attempt has to be able to go on from there.
                    try repair(files)
                    let verification = try Verification(
                        LogPass(CutSource(files: files)),
                        depth: .full
                    )
                    #expect(verification.verdict == .sound, "\(context)")
                    #expect(try records(of: LogPass(CutSource(files: files))) == intact)
                }
            }
        }
    }

    private func repair(_ files: CutFiles) throws(ToolError) {
        let pass = LogPass(CutSource(files: files))
        try Repair(pass, RepairPlan(pass), files).run()
    }

    @Test("only the losses that are there can be accepted, and all of them have to be")
    func accepts() throws {
        let log = try Wound.log()
        try Wound.recordInBatch.strike(log)
        try log.change(segment: 0) { $0[4096 * 2 + 100] ^= 1 }
        let plan = try RepairPlan(log.pass)
        let losses = plan.losses
        #expect(losses.count == 2)
        try plan.check(losses)
        let parsed = try losses.map { try AcceptedLoss($0.description) }
        #expect(parsed == losses)
        let missing = codeOf { () throws(ToolError) in try plan.check([losses[0]]) }
        #expect(missing == .lossNotAccepted)
        let strange = try AcceptedLoss("7:4096:0-1")
        let wrong = codeOf { () throws(ToolError) in try plan.check(losses + [strange]) }
        #expect(wrong == .lossNotAccepted)
        for text in ["", "1:2", "1:2:3", "1:2:4-3", "1:2:3-4-5", "a:2:3-4"] {
            let code = codeOf { () throws(ToolError) in _ = try AcceptedLoss(text) }
            #expect(code == .malformedLoss, "\(text)")
        }
        let json = try JSONText(validating: Array(plan.json(isDone: false).utf8))
        #expect(json.member("repaired")?.description == "false")
    }

    @Test("damage that costs no record is repaired where it is named", arguments: [true, false])
    func costsNothing(isSealGone: Bool) throws {
        let log = try Wound.log()
        let whole = try log.records()
        let scan = try log.pass.verify { _ in }
        let end = try #require(scan.spans.first).position
        try log.change(segment: 0) { bytes in
            if isSealGone {
                bytes.replaceSubrange(end - 4096..<end, with: [UInt8](repeating: 0, count: 4096))
            } else {
                bytes[end - 1] ^= 1
            }
        }
        let pass = try log.pass
        let plan = try RepairPlan(pass)
        #expect(plan.damages.map(\.position) == [end - 4096])
        #expect(codeOf { () throws(ToolError) in try plan.check([]) } == .lossNotAccepted)
        try plan.check([AcceptedLoss("0:\(end - 4096):\(scan.spans[0].end)-\(scan.spans[0].end)")])
        try Repair(pass, plan, DirectoryFiles(path: log.path)).run()
        #expect(try Verification(log.pass, depth: .full).verdict == .sound)
        #expect(try log.records() == whole)
    }

    @Test("a directory that an engine holds is not repaired")
    func locked() throws {
        let log = try StoredLog(.hello())
        let lock = try DirectoryLock(log.path)
        let code = codeOf { () throws(ToolError) in _ = try DirectoryLock(log.path) }
        #expect(code == .inUse)
        _ = consume lock
        _ = try DirectoryLock(log.path)
    }
}
