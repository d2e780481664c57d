import CommitLog
import Disk
import Events
import Folding
import Foundation
import LogTools
import Primitives
import RecordFormat
import State
import Testing

/// Segments written anew, dense and compressed, hold what they held.
@Suite struct RewriteTests {
    private static let compressing = Compaction.Policy(age: nil, bytes: nil, compression: .zstd)

    /// Several segments of batches that are worth compressing.
    private func stored() throws -> StoredLog {
        var story = Story()
        for index in 0..<500 {
            let payload = #"{"id":\#(index),"text":"\#(String(repeating: "abc ", count: 40))"}"#
            let message = story.enqueue(
                "default",
                "f",
                at: Double(index),
                cause: nil,
                payload: payload
            )
            if index % 3 == 0 {
                let delivery = story.deliver(message, of: "default", at: Double(index) + 0.5)
                story.ack(delivery, message, of: "default", at: Double(index) + 0.7)
            }
            story.setGreeting(at: Double(index) + 0.8, cause: message)
        }
        return try StoredLog(story, records: 8)
    }

    @discardableResult
    private func compact(
        _ log: StoredLog,
        _ policy: Compaction.Policy = RewriteTests.compressing,
        through files: (any Files)? = nil
    ) throws -> Compaction.Outcome {
        let files = files ?? DirectoryFiles(path: log.path)
        let compaction = Compaction(
            files,
            reading: try LogSource(.directory(log.path)),
            views: try fold(log),
            limit: .max
        )
        let outcome = try compaction.run(policy, now: Story.start)
        if let failure = outcome.failure { throw failure }
        return outcome
    }

    private func frames(_ log: StoredLog) throws -> [SegmentFrame] {
        var reader = LogReader(directory: log.path)
        return try reader.headers()
    }

    /// What an engine finds that opens the directory.
    private func opens(_ log: StoredLog) throws -> [Offset: LogRecord] {
        var records: [Offset: LogRecord] = [:]
        var random = SeededEntropy(seed: 3)
        let opened = try CommitLog(
            opening: LogClaim(PlainStorage(path: log.path, waker: try Waker())),
            entropy: &random,
            now: Story.start
        ) { records[$0.offset] = LogRecord($0) }
        try opened.close()
        return records
    }

    private func temporaries(_ log: StoredLog) throws -> [String] {
        try log.segmentPaths.filter { $0.hasSuffix(".tmp") }
    }

    @Test("a log that was written anew folds to the same, in less room, and is left alone then")
    func same() throws {
        let log = try stored()
        let before = try log.records()
        let digest = try LogDigest(log.pass)
        let frames = try frames(log)
        #expect(frames.count > 4)
        let outcome = try compact(log)
        #expect(outcome.segments == frames.count - 1)
        #expect(outcome.records == 0)
        #expect(outcome.bytes > (frames.count - 1) * 40 << 10)
        #expect(try log.records() == before)
        #expect(try LogDigest(log.pass) == digest)
        for (old, new) in zip(frames, try self.frames(log)).dropLast() {
            #expect(new.footer?.compression == .zstd)
            #expect(
                new.footer?.end
                    == frames.first { $0.header.number > old.header.number }?.header.base
            )
            #expect(new.header.hasCompressed)
            #expect(new.header.created == old.header.created)
            #expect(new.header.base == old.header.base)
            #expect(new.header.salt != old.header.salt)
        }
        for path in try log.segmentPaths.dropLast(2) {
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions]
            #expect(mode as? Int == 0o400, "\(path)")
        }
        for depth in [Verification.Depth.quick, .full] {
            let verification = try Verification(log.pass, depth: depth)
            #expect(verification.verdict == .sound, "\(depth)")
            #expect(verification.records == before.count, "\(depth)")
        }
        #expect(try compact(log) == Compaction.Outcome())
        let opened = try reopened(log.path)
        #expect(opened.records == before)
        let copy = try LogCopy(log.pass, to: "\(log.scratch.path)/copy", isEmpty: true)
        #expect(copy.records == before.count + 1)
        let target = "\(log.scratch.path)/new"
        #expect(try Salvage(log.pass, to: target).lost == 0)
        #expect(try Verification(LogPass(.directory(target)), depth: .full).verdict == .sound)
    }

    @Test("the list of segments says how much room compression saves")
    func list() throws {
        let log = try stored()
        let before = try SegmentList(log.pass).segments
        #expect(before.allSatisfy { $0.storedBytes == $0.plainBytes })
        try compact(log)
        let after = try SegmentList(log.pass).segments
        #expect(after[0].storedBytes * 3 < after[0].plainBytes)
        #expect(after[0].records == before[0].records)
        #expect(after[0].byteCount < before[0].byteCount / 2)
        let output = Output()
        try SegmentList(log.pass).writeJSON(to: output)
        let text = "\"stored_bytes\":\(after[0].storedBytes),\"plain_bytes\":\(after[0].plainBytes)"
        #expect(output.collected.contains(text))
    }

    @Test("without compression in the configuration nothing is written anew")
    func off() throws {
        let log = try stored()
        #expect(try compact(log, Compaction.Policy(age: nil, bytes: nil)) == Compaction.Outcome())
        #expect(Compaction.Policy(age: nil, bytes: nil).keepsAll)
        #expect(!Self.compressing.keepsAll)
    }

    @Test("a loss stays a loss, and what retention removed stays removed")
    func gaps() throws {
        let log = try stored()
        try log.change(segment: 1) { $0[4096 * 2 + 100] ^= 1 }
        let pass = try log.pass
        try Repair(pass, RepairPlan(pass), DirectoryFiles(path: log.path)).run()
        let before = try Verification(log.pass, depth: .full)
        #expect(before.gaps.count == 1)
        try compact(log)
        let after = try Verification(log.pass, depth: .full)
        #expect(after.removed == 0)
        #expect(after.gaps.count == 1)
        let policy = Compaction.Policy(age: nil, bytes: 0, compression: .zstd, leastHole: 0)
        let removed = try compact(log, policy)
        #expect(removed.records > 100)
        let last = try Verification(log.pass, depth: .quick)
        #expect(last.removed >= removed.records)
        #expect(last.gaps.count == 1)
        #expect(try frames(log).first?.footer?.compression == .zstd)
        #expect(try compact(log) == Compaction.Outcome())
    }

    // MARK: Damage

    /// Where the first compressed batch of a rewritten segment is, and its header.
    private func compressed(_ bytes: [UInt8]) throws -> (Int, BatchHeader) {
        for position in stride(from: 4096, to: bytes.count, by: 4096) {
            let reading = bytes[position...].withUnsafeBytes { BatchHeader.read($0) }
            if case .header(let header) = reading, header.compression == .zstd {
                return (position, header)
            }
        }
        throw ToolError(.unreadable, "nothing is compressed")
    }

    @Test("a changed bit of a compressed body costs that batch, by name, and a repair gives it up")
    func changedBody() throws {
        let log = try stored()
        try compact(log)
        let before = try log.records()
        var lost: Range<Offset> = .zero..<Offset.zero
        var failure: (any Error)?
        try log.change(segment: 1) { bytes in
            do {
                let (position, header) = try compressed(bytes)
                bytes[position + 64 + Int(header.bodyLength) / 2] ^= 4
                lost = header.base..<header.end
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        let pass = try log.pass
        let scan = try pass.verify { _ in }
        #expect(scan.damages.map(\.lost) == [lost])
        #expect(scan.damages.map(\.reason) == [.changedBits])
        #expect(scan.damages.map(\.segment) == [1])
        let left = try log.records()
        #expect(left == before.filter { !lost.contains($0.key) })
        #expect(throws: LogError.self) { _ = try reopened(log.path) }
        try Repair(pass, RepairPlan(pass), DirectoryFiles(path: log.path)).run()
        #expect(try reopened(log.path).records == left)
    }

    @Test("a body that makes another length than stated is named, though every checksum holds")
    func wrongLength() throws {
        let log = try stored()
        try compact(log)
        var lost: Range<Offset> = .zero..<Offset.zero
        var failure: (any Error)?
        try log.change(segment: 1) { bytes in
            do {
                var (position, header) = try compressed(bytes)
                header.rawLength += 1
                lost = header.base..<header.end
                bytes.withUnsafeMutableBytes { memory in
                    header.write(to: .init(rebasing: memory[position...]))
                }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        let scan = try log.pass.verify { _ in }
        #expect(scan.damages.map(\.lost) == [lost])
        // And by whoever wants one record.
        var random = SeededEntropy(seed: 3)
        let start = try frames(log)[2].header.base
        let places = try LogPass(.files(Array(log.segmentPaths.prefix(2)))).verify { _ in }.index
        var opened = try CommitLog(
            opening: LogClaim(PlainStorage(path: log.path, waker: try Waker())),
            entropy: &random,
            now: Story.start,
            known: LogStart(next: start, lastTime: Story.start, index: places)
        ) { _ in }
        do throws(LogError) {
            _ = try opened.record(at: lost.lowerBound) { _ in Issue.record("served") }
        } catch {
            guard case .damaged(let damages) = error else { throw error }
            #expect(damages.map(\.reason) == [.changedBits])
        }
        #expect(try opened.record(at: .zero) { $0.offset } == .zero)
    }

    @Test("a damaged footer is named, costs no record and no start, and is written anew")
    func footer() throws {
        let log = try stored()
        try compact(log)
        let before = try log.records()
        let size = try #require(try frames(log).dropFirst().first).fileBytes
        // Every field's bytes, padding, and the checksum.
        for place in Array(0..<112) + [2000, 4092, 4095] {
            try log.change(segment: 1) { $0[size - 4096 + place] ^= 0x10 }
            let scan = try log.pass.verify { _ in }
            #expect(scan.damages.map(\.reason) == [.footer], "byte \(place)")
            #expect(scan.damages.allSatisfy { $0.lost.isEmpty && $0.position == size - 4096 })
            #expect(scan.records == before.count)
            #expect(try Verification(log.pass, depth: .quick).verdict == .damaged)
            try log.change(segment: 1) { $0[size - 4096 + place] ^= 0x10 }
        }
        try log.change(segment: 1) { $0[size - 4000] ^= 0x10 }
        #expect(try opens(log) == before)
        #expect(try compact(log).segments == 1)
        #expect(try Verification(log.pass, depth: .full).verdict == .sound)
    }

    @Test("a whole footer that contradicts its segment is found by a full pass")
    func contradiction() throws {
        let log = try stored()
        try compact(log)
        let frame = try frames(log)[1]
        let changes: [(inout SegmentFooter) -> Void] = [
            { $0.records += 1 }, { $0.batches += 1 }, { $0.bodyChecksums ^= 1 },
            { $0.storedBytes += 1 }, { $0.plainBytes += 1 }, { $0.end = $0.end.advanced(by: 1) },
            { $0.hash = FileHash.Value(high: $0.hash.high ^ 1, low: $0.hash.low) },
            { $0.salt ^= 1 }, { $0.number += 1 },
        ]
        for (index, change) in changes.enumerated() {
            var footer = try #require(frame.footer)
            change(&footer)
            try log.change(segment: 1) { bytes in
                bytes.withUnsafeMutableBytes { memory in
                    footer.write(to: .init(rebasing: memory[(memory.count - 4096)...]))
                }
            }
            let scan = try log.pass.verify { _ in }
            #expect(scan.damages.map(\.reason) == [.footer], "change \(index)")
        }
    }

    @Test("a changed bit of padding is told once, and not by the footer's hash again")
    func padding() throws {
        let log = try stored()
        try compact(log)
        let frame = try frames(log)[1]
        // The last byte of the seal's page.
        try log.change(segment: 1) { $0[frame.fileBytes - 4097] ^= 1 }
        #expect(try log.pass.verify { _ in }.damages.map(\.reason) == [.padding])
    }

    // MARK: Others at work

    @Test("whoever reads while segments are written anew gets every record, each once")
    func readerInBetween() throws {
        let log = try stored()
        let before = try log.records()
        for turn in [0, 1, 90, 200, 700] {
            let log = try stored()
            var seen: [Offset: LogRecord] = [:]
            var reader = LogReader(directory: log.path)
            _ = try reader.read { record throws(DecodeError) in
                if seen.count == turn {
                    do { try compact(log) } catch { Issue.record("\(error)") }
                }
                #expect(seen[record.offset] == nil)
                seen[record.offset] = LogRecord(record)
            }
            #expect(seen == before, "turn \(turn)")
        }
    }

    @Test("an engine that has the log open reads every record back, before and after")
    func fetches() throws {
        let log = try stored()
        let all = try log.records()
        var random = SeededEntropy(seed: 5)
        var opened = try CommitLog(
            opening: LogClaim(PlainStorage(path: log.path, waker: try Waker())),
            entropy: &random,
            now: Story.start
        ) { _ in }
        let sorted = all.keys.sorted()
        for round in 0..<5 {
            let offsets = round % 2 == 0 ? sorted : sorted.shuffled(using: &random)
            for (index, offset) in offsets.enumerated() {
                // In the midst of a segment, whose old file is still being read.
                if round == 1, index == 200 { try compact(log) }
                let record = try opened.record(at: offset) { LogRecord($0) }
                #expect(record == all[offset], "round \(round), record \(offset)")
            }
        }
    }

    // MARK: Failing half-way

    @Test("a rewrite that fails at any step leaves the segment, and nothing beside it")
    func fails() throws {
        let log = try stored()
        let before = try log.records()
        let counting = FailingFiles(log.path)
        try compact(log, through: counting)
        // The steps below are those of the first segment, and of the second in part.
        #expect(counting.steps.prefix(14).count { $0.hasPrefix("rename") } == 1)
        let synced = try #require(counting.steps.firstIndex { $0.hasPrefix("sync log/") })
        let renamed = try #require(counting.steps.firstIndex { $0.hasPrefix("rename") })
        #expect(synced < renamed)
        #expect(counting.steps[renamed + 1] == "sync log")
        for step in 0..<14 {
            for isCrash in [true, false] {
                let log = try stored()
                let files = FailingFiles(log.path)
                files.fails = isCrash ? { $0 >= step } : { $0 == step }
                #expect(throws: ToolError.self) { try compact(log, through: files) }
                #expect(try log.records() == before, "step \(step)")
                #expect(try isCrash || temporaries(log).isEmpty, "step \(step)")
                // The next start cleans up, and the next attempt finishes.
                let context = "step \(step), \(counting.steps[step]), crash: \(isCrash)"
                #expect(try opens(log) == before, "\(context)")
                #expect(try temporaries(log).isEmpty, "\(context)")
                try compact(log)
                #expect(try Verification(log.pass, depth: .full).verdict == .sound, "\(context)")
            }
        }
    }
}
