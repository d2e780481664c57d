import Disk
import LogTools
import Primitives
import RecordFormat
import Testing

/// The segments of a directory, and how much of them was read.
final class CountingSource: SegmentSource {
    private let directory: ReadOnlyDirectory
    private(set) var byteCount = 0

    init(_ path: String) { directory = ReadOnlyDirectory(path: path) }

    var path: String { directory.path }

    func segments() throws(StorageError) -> [SegmentFile] { try directory.segments() }

    func read(
        segment: UInt64,
        at position: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) -> Int {
        byteCount += memory.count
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

extension StoredLog {
    static let now = Story.start.advanced(by: .seconds(86_400))

    var care: SegmentCare { SegmentCare(LogPass(CountingSource(path)), folder) }

    var folder: IndexFolder { IndexFolder(dataDirectory: path) }

    /// Makes every index that there may be.
    func index() throws {
        for duty in try care.duties(since: Story.start, now: Self.now) {
            let outcome = try care.attend(to: duty, now: Self.now)
            #expect(outcome == .sound, "segment \(duty.header.number)")
        }
    }

    /// What `replay` prints, and whether it came by way of indexes; or the error that it ends with.
    func replay(_ id: String, indexed: Bool) throws -> (text: String, isIndexed: Bool, bytes: Int) {
        let source = CountingSource(path)
        var finder = HistoryFinder(LogPass(source, indexes: indexed ? folder : nil))
        let output = Output()
        do throws(ToolError) {
            let tree = HistoryTree(try finder.history(of: HistoryID(id)))
            output.line(tree.json)
            HistoryText(isFull: true).write(tree: tree, to: output)
            HistoryText(isFull: true).write(timeline: tree, to: output)
        } catch {
            output.line("\(error.code): \(error.message)")
        }
        return (output.collected, finder.isIndexed, source.byteCount)
    }
}
