import CommitLog
import Foundation
import JSON
import LogTools
import Primitives
import Testing

/// Files that are not where they belong, or are not there: MANIFEST.
@Suite struct MisplacementTests {
    private func manifest(of log: StoredLog) -> URL {
        URL(fileURLWithPath: "\(log.path)/MANIFEST")
    }

    private func text(_ write: (Output) -> Void) -> String {
        let output = Output()
        write(output)
        return output.collected
    }

    /// A log that got the MANIFEST of another one.
    private func mixed() throws -> StoredLog {
        let log = try Wound.log()
        let other = try StoredLog(.hello(), seed: 8)
        try withExtendedLifetime(other) {
            try Data(contentsOf: manifest(of: other)).write(to: manifest(of: log))
        }
        return log
    }

    @Test(
        "another log's MANIFEST is the damage, and not the segments, which are read",
        arguments: [Verification.Depth.quick, .full]
    )
    func foreignManifest(depth: Verification.Depth) throws {
        let log = try mixed()
        let verification = try Verification(log.pass, depth: depth)
        #expect(verification.verdict == .damaged)
        #expect(verification.damages.count == 1)
        #expect(verification.damages.first?.hasPrefix("MANIFEST is that of another log") == true)
        #expect(verification.records == (try Wound.log().records().count))
        #expect(try SegmentList(log.pass).segments.allSatisfy { $0.damages == 0 })
    }

    @Test("nobody goes by another log's MANIFEST, and a start makes its own when it is moved away")
    func refusals() throws {
        let log = try mixed()
        let whole = try Wound.log().records()
        #expect(try log.records() == whole)
        #expect(throws: LogError.self) { _ = try reopened(log.path) }
        let pass = try log.pass
        let plan = try RepairPlan(pass)
        #expect(plan.losses.isEmpty)
        #expect(codeOf { () throws(ToolError) in try plan.check([]) } == .damaged)
        let advice = "move \(log.path)/MANIFEST away"
        #expect(text { plan.write(to: $0, palette: .plain) }.contains(advice))
        let target = "\(log.scratch.path)/new"
        let salvaged = codeOf { () throws(ToolError) in _ = try Salvage(pass, to: target) }
        #expect(salvaged == .damaged)
        #expect(!FileManager.default.fileExists(atPath: target))
        do throws(ToolError) {
            _ = try LogCopy(pass, to: "\(log.scratch.path)/copy", isEmpty: true)
            Issue.record("it was copied")
        } catch {
            #expect(error.message.contains(advice), "\(error.message)")
        }
        // What is in the files tells all.
        #expect(try Salvage(LogPass(.files(log.segmentPaths)), to: target).records == whole.count)
        try FileManager.default.removeItem(at: manifest(of: log))
        let opened = try reopened(log.path)
        #expect(opened.report.rebuiltManifest)
        #expect(opened.records == whole)
    }

    @Test("a snapshot counts that is of the segments' log, whatever MANIFEST says")
    func identity() throws {
        let log = try mixed()
        let end = try log.pass.verify { _ in }.next.advanced(by: 10)
        try log.addSnapshot(end)
        let reasons = try log.pass.verify { _ in }.damages.map(\.reason)
        #expect(reasons == [.foreignManifest, .snapshotAhead])
    }

    @Test("whoever copies a log without MANIFEST is told; a backup is not restored without it")
    func lostManifest() throws {
        let log = try Wound.log()
        try FileManager.default.removeItem(at: manifest(of: log))
        // A copy that was cut off: nothing else tells of it.
        for path in try log.segmentPaths.suffix(2) {
            try FileManager.default.removeItem(atPath: path)
        }
        let pass = try log.pass
        let restored = codeOf { () throws(ToolError) in
            let target = "\(log.scratch.path)/restored"
            _ = try LogCopy(pass, to: target, isEmpty: false, needsManifest: true)
        }
        #expect(restored == .damaged)
        let word = "damaged: MANIFEST is missing"
        let copy = try LogCopy(pass, to: "\(log.scratch.path)/copy", isEmpty: true)
        #expect(text { copy.write(to: $0, palette: .plain) }.hasPrefix(word))
        let json = try JSONText(validating: Array(copy.json.utf8))
        #expect(json.member("damages")?.elements?.count == 1)
        let salvage = try Salvage(pass, to: "\(log.scratch.path)/new")
        #expect(text { salvage.write(to: $0, palette: .plain) }.hasPrefix(word))
        let plan = try RepairPlan(pass)
        #expect(plan.damages.isEmpty)
        let told = text { plan.write(to: $0, palette: .plain) }
        #expect(told.hasPrefix(word))
        #expect(told.contains("The next start of the engine makes it anew"))
        #expect(!told.contains("nothing to repair"))
        // What was copied has one.
        let again = "\(log.scratch.path)/again"
        let source = try LogPass(.directory(copy.target))
        let second = try LogCopy(source, to: again, isEmpty: false, needsManifest: true)
        #expect(!text { second.write(to: $0, palette: .plain) }.contains("damaged"))
    }

    @Test("commands name the log, in quotes where a shell needs them")
    func commands() throws {
        #expect(ToolCommand.text("verify", on: "/lib/iii-1") == "iii-log -D /lib/iii-1 verify")
        let quoted = ToolCommand.text("verify", on: "/a b/it's")
        #expect(quoted == #"iii-log -D '/a b/it'\''s' verify"#)
        #expect(ToolCommand.quoted("~/data") == "'~/data'")
        #expect(ToolCommand.quoted("") == "''")
        let log = try Wound.log()
        try Wound.recordInBatch.strike(log)
        let plan = try RepairPlan(log.pass)
        let loss = try #require(plan.losses.first)
        let command = "to repair: iii-log -D \(log.path) repair --accept-loss \(loss)"
        #expect(text { plan.write(to: $0, palette: .plain) }.contains(command))
    }

    @Test("what is not there is not kept in quarantine, and nobody is told so")
    func kept() throws {
        func told(_ wound: Wound) throws -> String {
            let log = try Wound.log()
            try wound.strike(log)
            let plan = try RepairPlan(log.pass)
            return text { plan.writeDone(to: $0) }
        }
        let missing = try told(.missingSegment)
        #expect(missing.hasPrefix("mended: ") && missing.hasSuffix("\nrepaired\n"))
        let kept = "\nrepaired; what was damaged is in quarantine/\n"
        #expect(try told(.recordInBatch).hasSuffix(kept))
    }

    @Test("that nothing was recovered of a damaged log is no success")
    func fruitless() throws {
        let log = try StoredLog(.hello())
        let sound = try Salvage(log.pass, to: "\(log.scratch.path)/sound")
        #expect(!sound.isFruitless)
        try Wound.wholeOldest.strike(log)
        let salvage = try Salvage(log.pass, to: "\(log.scratch.path)/new")
        #expect(salvage.records == 0)
        #expect(salvage.isFruitless)
    }
}
