import CommitLog
import Disk
import Folding
import Foundation
import LogTools
import Primitives
import RecordFormat
import State
import Testing

/// A small log of every version of the format is kept in `data/formats`, and read for ever.
@Suite("Golden directories") struct GoldenLogTests {
    private static let formats = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("data/formats")

    /// `v1`, as an engine and retention leave a log, and the same format with compressed segments.
    private static let versions = ["v1", compressed]
    private static let compressed = "v1-compressed"

    /// A copy of a version's log, so that nothing touches the one that is kept.
    private func copy(_ version: String) throws -> (scratch: Scratch, path: String) {
        let scratch = try Scratch()
        let path = "\(scratch.path)/data"
        let source = Self.formats.appendingPathComponent("\(version)/data")
        try FileManager.default.copyItem(at: source, to: URL(fileURLWithPath: path))
        return (scratch, path)
    }

    /// Everything that a record says, a line each.
    private func lines(_ path: String) throws -> [String] {
        var lines: [String] = []
        var reader = LogReader(directory: path)
        _ = try reader.read { record in
            let payload = record.payload.map { String($0, radix: 16) }.joined(separator: " ")
            let trace = record.trace.map(\.description) ?? "-"
            let cause = record.cause.map(\.description) ?? "-"
            lines.append(
                "\(record.offset) \(record.time.nanoseconds) \(record.kind) \(trace) \(cause) "
                    + payload
            )
        }
        return lines
    }

    @Test("what was written by a version is read as it was written", arguments: versions)
    func reads(version: String) throws {
        let (scratch, path) = try copy(version)
        let kept = Self.formats.appendingPathComponent("\(version)/records.txt")
        let expected = try String(contentsOf: kept, encoding: .utf8)
        #expect(try lines(path) == expected.split(separator: "\n").map(String.init))
        let verification = try Verification(LogPass(.directory(path)), depth: .full)
        #expect(verification.verdict == .sound)
        let segments = try SegmentList(LogPass(.directory(path))).segments
        let isSmaller = segments.contains { $0.storedBytes < $0.plainBytes }
        #expect(isSmaller == (version == Self.compressed))
        withExtendedLifetime(scratch) {}
    }

    @Test("an engine of today goes on with it", arguments: versions)
    func goesOn(version: String) throws {
        let (scratch, path) = try copy(version)
        let before = try lines(path)
        var random = SeededEntropy(seed: 1)
        var views = Views()
        var log = try CommitLog(
            opening: LogClaim(PlainStorage(path: path, waker: try Waker())),
            entropy: &random,
            now: Story.start
        ) { record throws(DecodeError) in try views.apply(record) }
        _ = try log.append(kind: 1, time: Story.start, trace: nil, cause: nil) { $0.byte(7) }
        try log.close()
        let after = try lines(path)
        #expect(after.dropLast() == before[...])
        #expect(after.count == before.count + 1)
        #expect(views.state.keyCount > 0)
        withExtendedLifetime(scratch) {}
    }

    /// Makes the directory of the current version; run by hand, when a version is frozen:
    /// `III_WRITE_GOLDEN=v1 swift test --filter GoldenLogTests`.
    @Test("the golden directory is made", .enabled(if: writes != nil))
    func write() throws {
        let version = try #require(Self.writes)
        let isCompressed = version == Self.compressed
        let log =
            isCompressed
            ? try StoredLog(Wound.long(), records: 8)
            : try StoredLog(.hello(), segmentBytes: 32 << 10)
        var views = Views(cacheBytes: 0)
        var reader = LogReader(directory: log.path)
        _ = try reader.read { record throws(DecodeError) in try views.apply(record) }
        // The oldest segment as retention, or compression, leaves it.
        let second = try #require(try reader.headers().dropFirst().first).header.base
        let compaction = try Compaction(
            DirectoryFiles(path: log.path),
            views: views,
            limit: second
        )
        let policy =
            isCompressed
            ? Compaction.Policy(age: nil, bytes: nil, compression: .zstd)
            : Compaction.Policy(age: nil, bytes: 0, leastHole: 0)
        _ = try compaction.run(policy, now: Story.start)
        let folder = Self.formats.appendingPathComponent(version)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let target = folder.appendingPathComponent("data")
        try? FileManager.default.removeItem(at: target)
        try FileManager.default.copyItem(at: URL(fileURLWithPath: log.path), to: target)
        try? FileManager.default.removeItem(at: target.appendingPathComponent("LOCK"))
        let text = try lines(log.path).joined(separator: "\n") + "\n"
        try text.write(
            to: folder.appendingPathComponent("records.txt"),
            atomically: true,
            encoding: .utf8
        )
    }

    private static let writes = ProcessInfo.processInfo.environment["III_WRITE_GOLDEN"]
}
