import CommitLog
import Disk
import Foundation
import LogTools
import Primitives
import RecordFormat
import Synchronization
import TestKit
import Testing

@Suite(.ownThread) struct LogCopyTests {
    @Test("a backup and what is restored from it are the log, and an engine opens them")
    func copies() throws {
        let log = try StoredLog(Wound.long(), records: 3)
        let whole = try log.records()
        let backup = "\(log.scratch.path)/backup"
        let restored = "\(log.scratch.path)/restored"
        let copy = try LogCopy(log.pass, to: backup, isEmpty: true)
        #expect(copy.records == whole.count)
        try FileManager.default.createDirectory(atPath: restored, withIntermediateDirectories: true)
        try Data("t".utf8).write(to: URL(fileURLWithPath: "\(restored)/token"))
        _ = try LogCopy(LogPass(.directory(backup)), to: restored, isEmpty: false)
        for path in [backup, restored] {
            #expect(try Verification(LogPass(.directory(path)), depth: .semantic).verdict == .sound)
            #expect(try reopened(path).records == whole)
        }
    }

    @Test("neither the source itself nor a directory with a log in it is a target")
    func refuses() throws {
        let log = try StoredLog(.hello())
        let other = try StoredLog(.hello())
        let before = try other.records()
        for isEmpty in [true, false] {
            for path in [log.path, other.path] {
                let pass = try log.pass
                let code = codeOf { () throws(ToolError) in
                    _ = try LogCopy(pass, to: path, isEmpty: isEmpty)
                }
                #expect(code == .notEmpty)
            }
        }
        #expect(try other.records() == before)
    }

    @Test("a damaged log is not copied as if it were whole", arguments: Wound.allCases)
    func damaged(wound: Wound) throws {
        let log = try Wound.log()
        try wound.strike(log)
        let backup = "\(log.scratch.path)/backup"
        let pass = try log.pass
        do throws(ToolError) {
            _ = try LogCopy(pass, to: backup, isEmpty: true)
            Issue.record("it was copied")
        } catch {
            #expect(error.code == .damaged)
            #expect(error.message.hasPrefix("\(log.path) is damaged"), "\(error.message)")
            #expect(!error.message.contains(backup), "what it was to be copied to is not to blame")
        }
        let left = try FileManager.default.contentsOfDirectory(atPath: backup)
        #expect(!left.contains("MANIFEST"), "no engine takes it, and the next copy begins anew")
    }

    @Test("what an interrupted copy left is no hindrance to the next one, but an engine's log is")
    func interrupted() throws {
        let log = try StoredLog(Wound.long(), records: 3)
        let backup = "\(log.scratch.path)/backup"
        let part = "\(backup)/log.partial"
        try FileManager.default.createDirectory(atPath: part, withIntermediateDirectories: true)
        for name in ["LOCK", "MANIFEST.partial", "log.partial/00000000000000000007.seg"] {
            try Data([1, 2, 3]).write(to: URL(fileURLWithPath: "\(backup)/\(name)"))
        }
        let copy = try LogCopy(try log.pass, to: backup, isEmpty: true)
        #expect(copy.records > 0)
        let left = try FileManager.default.contentsOfDirectory(atPath: backup).sorted()
        #expect(left == ["LOCK", "MANIFEST", "log"])
        #expect(throws: ToolError.self) { _ = try LogCopy(try log.pass, to: backup, isEmpty: true) }
    }

    @Test("what a copy has lost since it was written is no fault of the log")
    func lostCopy() throws {
        let log = try StoredLog(Wound.long(), records: 3)
        let backup = "\(log.scratch.path)/backup"
        let source = ChangingSource(log.path)
        let copied = URL(
            fileURLWithPath: "\(backup)/log.partial/\(DataDirectory.segmentName(1))"
        )
        var isLost = false
        source.willRead = { segment, count in
            // What it has copied is on the disk when it begins with the next one.
            guard segment == 2, count > 1 << 20, !isLost else { return }
            isLost = true
            var bytes = [UInt8](try Data(contentsOf: copied))
            bytes[4096 * 2 + 100] ^= 1
            try Data(bytes).write(to: copied)
        }
        let pass = LogPass(source)
        do throws(ToolError) {
            _ = try LogCopy(pass, to: backup, isEmpty: true)
            Issue.record("it was copied")
        } catch {
            #expect(error.code == .damaged)
            #expect(error.message.hasPrefix("\(backup) does not hold"), "\(error.message)")
            #expect(isLost)
        }
    }

    /// The last time: when every file that would be replaced was copied.
    @Test(
        "what retention puts in the place of a segment is copied again, or not at all",
        arguments: [0, 1, 4, 7],
        [false, true]
    )
    func rewritten(turn: Int, isOfLast: Bool) throws {
        var story = Story()
        let first = story.set("k", 1, over: nil)
        let second = story.set("k", 2, over: first)
        let gone = story.set("d", 1, over: nil)
        story.fill(30)
        story.delete("d", over: gone)
        story.fill(30)
        let log = try StoredLog(story)
        var reader = LogReader(directory: log.path)
        let last = try #require(try reader.headers().last).header.base
        story.set("k", 3, over: second)
        story.fill(30)
        let whole = story
        let source = ChangingSource(log.path)
        var reads = 0
        source.willRead = { _, count in
            // Nobody but the copy reads so much at once, twice a segment: the second time, nothing.
            guard count > 1 << 20 else { return }
            defer { reads += 1 }
            guard reads == turn else { return }
            try log.goOn(whole)
            try log.retain(below: isOfLast ? nil : last)
        }
        let backup = "\(log.scratch.path)/backup"
        let copy = try LogCopy(LogPass(source), to: backup, isEmpty: true)
        #expect(reads > turn)
        let digest = try LogDigest(LogPass(.directory(backup)))
        let end = copy.offsets.upperBound
        let other = try StoredLog(whole)
        let expected = try withExtendedLifetime(other) { try LogDigest(other.pass, at: end) }
        #expect(digest == expected)
    }

    @Test("a backup ends beside retention that goes from segment to segment, and copies only those")
    func besideRetention() throws {
        let (log, bases) = try StoredLog.many()
        let whole = try LogDigest(log.pass)
        let retention = Advancing(log, bases, count: 25)
        let source = ChangingSource(log.path)
        var listings = 0
        var late: Set<UInt64> = []
        source.willList = {
            listings += 1
            if listings > 1 { try retention.goOn() }
        }
        source.willRead = { segment, count in
            if listings > 1, count > 4096 { late.insert(segment) }
            if retention.segments == 0, count > 1 << 20 { try retention.goOn() }
        }
        let backup = "\(log.scratch.path)/backup"
        _ = try LogCopy(LogPass(source), to: backup, isEmpty: true)
        #expect(retention.segments == 25)
        #expect(try LogDigest(LogPass(.directory(backup))) == whole)
        #expect(try records(of: LogPass(.directory(backup))) == log.records())
        // The first one was written anew before it was copied; and the last one grows.
        #expect(late.filter { $0 < UInt64(bases.count - 1) } == Set(1...24))
    }

    @Test("a backup gives up beside something that never gets on")
    func besideNothingBetter() throws {
        let (log, bases) = try StoredLog.many()
        let file = URL(fileURLWithPath: try log.segmentPaths[0])
        let old = try Data(contentsOf: file)
        try log.retain(below: bases[1])
        let new = try Data(contentsOf: file)
        let source = ChangingSource(log.path)
        var listings = 0
        var isCopied = false
        source.willList = {
            listings += 1
            try (listings > 1 && listings % 2 == 1 ? new : old).write(to: file, options: .atomic)
        }
        source.willRead = { _, count in
            guard count > 1 << 20, !isCopied else { return }
            isCopied = true
            try new.write(to: file, options: .atomic)
        }
        let pass = LogPass(source)
        let code = codeOf { () throws(ToolError) in
            _ = try LogCopy(pass, to: "\(log.scratch.path)/backup", isEmpty: true)
        }
        #expect(code == .unreadable)
        #expect(listings < 30)
        #expect(try log.segmentPaths.count >= bases.count)
    }

    /// Of a segment that was copied by then, and of one that was not.
    @Test("a backup ends where a header is lost meanwhile, and names the file", arguments: [0, 2])
    func headerLost(segment: Int) throws {
        let (log, bases) = try StoredLog.many()
        let source = ChangingSource(log.path)
        var reads = 0
        source.willRead = { _, count in
            // As above: the third time, of the second segment.
            guard count > 1 << 20 else { return }
            reads += 1
            guard reads == 3 else { return }
            // So that what was copied is looked at again.
            try log.retain(below: bases[3])
            try log.change(segment: segment) { $0[40] ^= 1 }
        }
        let pass = LogPass(source)
        let target = "\(log.scratch.path)/backup"
        var failure: ToolError?
        do throws(ToolError) {
            _ = try LogCopy(pass, to: target, isEmpty: true)
        } catch {
            failure = error
        }
        #expect(failure?.code == .damaged)
        let name = DataDirectory.segmentName(UInt64(segment))
        #expect(failure?.message.hasPrefix("\(log.path)/log/\(name): its header was lost") == true)
    }

    /// 20 for every test run; `BACKUP_ROUNDS=200` for a long one.
    private static let rounds =
        ProcessInfo.processInfo.environment["BACKUP_ROUNDS"].flatMap { Int($0) } ?? 20

    @Test("every record that was durable before a backup began is in what is restored from it")
    func underLoad() throws {
        for block in 0..<(Self.rounds + 9) / 10 {
            let load = try Load(seed: UInt64(block))
            for round in 0..<min(10, Self.rounds - block * 10) {
                try check(load, "block \(block), round \(round)")
            }
            try load.stop()
        }
    }

    private func check(_ load: Load, _ context: String) throws {
        load.allow(batches: 400)
        let acked = load.acked
        let scratch = try Scratch()
        let backup = "\(scratch.path)/backup"
        let restored = "\(scratch.path)/restored"
        _ = try LogCopy(LogPass(.directory(load.path)), to: backup, isEmpty: true)
        _ = try LogCopy(LogPass(.directory(backup)), to: restored, isEmpty: false)
        #expect(try Verification(LogPass(.directory(restored)), depth: .full).verdict == .sound)
        var next: UInt64 = 0
        let opened = try Load.open(restored) { record in
            if record.offset.rawValue == next, Load.holds(record) { next += 1 }
        }
        #expect(next >= acked, "\(context): \(acked) were durable, \(next) are restored")
        #expect(opened.rawValue == next, "\(context)")
    }
}

/// A log that a thread appends to, batch after batch, as fast as it is allowed to.
private final class Load: Sendable {
    private struct State {
        var allowed = 0
        var isStopping = false
        var hasEnded = false
        var failure: String?
    }

    private let scratch: Mutex<Scratch>
    let path: String
    private let durable = Atomic<UInt64>(0)
    private let state = Mutex(State())
    private let changed = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)

    private static let options = LogOptions(
        segmentBytes: 512 << 10,
        firstSegmentBytes: 512 << 10
    )

    init(seed: UInt64) throws {
        let scratch = try Scratch()
        path = "\(scratch.path)/data"
        self.scratch = Mutex(scratch)
        let began = DispatchSemaphore(value: 0)
        let thread = Thread { [self] in
            do {
                try append(seed: seed) { began.signal() }
            } catch {
                state.withLock { $0.failure = "\(error)" }
            }
            began.signal()
            ended.signal()
        }
        thread.start()
        began.wait()
    }

    /// The offset below which every record is on the medium.
    var acked: UInt64 { durable.load(ordering: .acquiring) }

    func allow(batches: Int) {
        state.withLock { $0.allowed += batches }
        changed.signal()
    }

    func stop() throws {
        state.withLock { $0.isStopping = true }
        changed.signal()
        ended.wait()
        let failure = state.withLock { $0.failure }
        #expect(failure == nil)
    }

    static func payload(_ offset: UInt64) -> [UInt8] {
        var entropy = SeededEntropy(seed: offset)
        let size = Int(entropy.next() % 700)
        return (0..<size).map { UInt8(truncatingIfNeeded: offset &+ UInt64($0)) }
    }

    static func holds(_ record: RecordView) -> Bool {
        record.payload.elementsEqual(payload(record.offset.rawValue))
    }

    /// - Returns: the offset behind the last record.
    static func open(_ path: String, _ visit: (RecordView) -> Void) throws -> Offset {
        var random = SeededEntropy(seed: 5)
        let log = try CommitLog(
            opening: LogClaim(PlainStorage(path: path, waker: try Waker())),
            options: options,
            entropy: &random,
            now: Story.start
        ) { visit($0) }
        let end = log.staged
        try log.close()
        return end
    }

    private func append(seed: UInt64, _ began: () -> Void) throws {
        var random = SeededEntropy(seed: seed)
        var log = try CommitLog(
            opening: LogClaim(PlainStorage(path: path, waker: try Waker())),
            options: Self.options,
            entropy: &random,
            now: Story.start
        ) { _ in }
        began()
        while true {
            let (mayGo, isStopping) = state.withLock { state in
                defer { state.allowed = max(0, state.allowed - 1) }
                return (state.allowed > 0, state.isStopping)
            }
            if isStopping { break }
            guard mayGo else {
                changed.wait()
                continue
            }
            for _ in 0...random.next() % 4 {
                let payload = Self.payload(log.staged.rawValue)
                _ = try log.append(kind: 112, time: Story.start, trace: nil, cause: nil) { writer in
                    payload.withUnsafeBytes { writer.raw($0) }
                }
            }
            while log.durable < log.staged {
                try log.flush()
                try log.reap()
                if log.durable < log.staged { try log.wait(nanoseconds: 1_000_000) }
            }
            durable.store(log.durable.rawValue, ordering: .releasing)
        }
        try log.close()
    }
}
