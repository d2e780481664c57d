import CommitLog
import Disk
import Events
import Folding
import Glibc
import LogTools
import Primitives
import RecordFormat
import Testing

// What an engine does to a log while somebody reads it, and a disk that does not give all of it.

extension Story {
    /// Writes a key; `previous` is the record of its value before.
    @discardableResult
    mutating func set(
        _ key: String,
        _ value: Int,
        over previous: Offset?,
        in scope: String = "s"
    ) -> Offset {
        let set = StateSet(
            scope: scope,
            key: key,
            value: Self.json("\(value)"),
            function: "state::set",
            previous: previous
        )
        return add(.state(.set(set)))
    }

    mutating func delete(_ key: String, over previous: Offset) {
        add(.state(.deleted(StateDeleted(scope: "s", key: key, previous: previous))))
    }

    /// Records that nobody needs; 13 fill a segment.
    mutating func fill(_ count: Int) {
        for _ in 0..<count { log("line", "s", at: 0) }
    }
}

extension StoredLog {
    /// Two equal logs, of which one has lost its first segment to retention, but for what is needed
    /// at the end: of scope `s`, `k` is made by record 0, and written by 1 and 30; `d` is made by 2
    /// and deleted by 31. Of scope `t`, `u` is made by 3.
    static func trimmed() throws -> (log: StoredLog, whole: StoredLog) {
        var story = Story()
        let first = story.set("k", 1, over: nil)
        let second = story.set("k", 2, over: first)
        let gone = story.set("d", 1, over: nil)
        story.set("u", 1, over: nil, in: "t")
        story.fill(26)
        story.set("k", 3, over: second)
        story.delete("d", over: gone)
        story.fill(28)
        let log = try StoredLog(story)
        try log.retain(below: Offset(13))
        return (log, try StoredLog(story))
    }

    /// Removes what nobody needs any more from the segments that end at or below `limit`; nil: from
    /// all but the last.
    func retain(below limit: Offset? = nil) throws {
        try compact(Compaction.Policy(age: nil, bytes: 0, leastHole: 0), below: limit)
    }

    /// Compresses all segments but the last.
    func compress() throws {
        try compact(Compaction.Policy(age: nil, bytes: nil, compression: .zstd), below: nil)
    }

    private func compact(_ policy: Compaction.Policy, below limit: Offset?) throws {
        var views = Views(cacheBytes: 0)
        var reader = LogReader(directory: path)
        _ = try reader.read { record throws(DecodeError) in try views.apply(record) }
        let last = try #require(try reader.headers().last).header.base
        let compaction = try Compaction(
            DirectoryFiles(path: path),
            views: views,
            limit: limit ?? last
        )
        let outcome = try compaction.run(policy, now: Story.start)
        if let failure = outcome.failure { throw failure }
    }

    /// A log of more than 30 segments, of whose records one is needed, and where they begin.
    static func many() throws -> (log: StoredLog, bases: [Offset]) {
        var story = Story()
        story.set("k", 1, over: nil)
        story.fill(420)
        let log = try StoredLog(story)
        var reader = LogReader(directory: log.path)
        return (log, try reader.headers().map(\.header.base))
    }
}

/// Retention that has come to the next segment whenever it is told to go on.
final class Advancing {
    private let log: StoredLog
    private let bases: ArraySlice<Offset>
    private(set) var segments = 0

    /// It goes through the first `count` segments of a log.
    init(_ log: StoredLog, _ bases: [Offset], count: Int) {
        self.log = log
        self.bases = bases[1...count]
    }

    func goOn() throws {
        guard segments < bases.count else { return }
        segments += 1
        try log.retain(below: bases[segments])
    }
}

/// The segments of a directory that something happens to while they are read.
final class ChangingSource: SegmentSource {
    private let directory: ReadOnlyDirectory
    /// Called before the segments are listed.
    var willList: () throws -> Void = {}
    /// Called before some bytes of a segment are read.
    var willRead: (_ segment: UInt64, _ count: Int) throws -> Void = { _, _ in }

    init(_ path: String) { directory = ReadOnlyDirectory(path: path) }

    var path: String { directory.path }

    private func change(_ body: () throws -> Void) {
        do { try body() } catch { Issue.record("\(error)") }
    }

    func segments() throws(StorageError) -> [SegmentFile] {
        change(willList)
        return try directory.segments()
    }

    func read(
        segment: UInt64,
        at position: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) -> Int {
        change { try willRead(segment, memory.count) }
        return try directory.read(segment: segment, at: position, into: memory)
    }

    func reopen(segment: UInt64) { directory.reopen(segment: segment) }

    func readManifest(
        slot: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) {
        try directory.readManifest(slot: slot, into: memory)
    }
}

/// The segments of a directory on a device that refuses a page of one.
final class RefusingSource: SegmentSource {
    private let directory: ReadOnlyDirectory
    private let segment: UInt64
    private let page: Range<Int>

    init(_ path: String, segment: UInt64, page position: Int) {
        directory = ReadOnlyDirectory(path: path)
        self.segment = segment
        page = position..<position + 4096
    }

    var path: String { directory.path }

    func segments() throws(StorageError) -> [SegmentFile] { try directory.segments() }

    func read(
        segment: UInt64,
        at position: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) -> Int {
        if segment == self.segment, page.overlaps(position..<position + memory.count) {
            throw .system("read", path: path, code: EIO)
        }
        return try directory.read(segment: segment, at: position, into: memory)
    }

    func reopen(segment: UInt64) { directory.reopen(segment: segment) }

    func readManifest(
        slot: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) {
        try directory.readManifest(slot: slot, into: memory)
    }
}
