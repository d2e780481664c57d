import Disk
import RecordFormat

/// How far whoever reads a log has come in it.
package struct ReadProgress: Equatable, Sendable {
    /// Bytes of the log's files that lie before the place that was read to, read or not.
    package let bytes: Int
    /// Bytes of all files.
    package let total: Int

    /// For a line on a terminal.
    package var text: String {
        let percent = total > 0 ? bytes * 100 / total : 100
        return "reading: \(bytes >> 20) of \(total >> 20) MiB, \(percent) %"
    }
}

/// Tells how far reading has come, by where in the log is read. So whoever goes through it twice is
/// seen to do so, and whoever wants a part of it only begins in the middle.
final class ReadMeter {
    /// Bytes of the segments before each.
    private let starts: [UInt64: Int]
    private let total: Int
    private let tell: (ReadProgress) -> Void

    /// - Parameters:
    ///   - files: all segments, in order; what is made later counts as the end.
    ///   - tell: called with every read, on the thread that reads.
    init(_ files: [SegmentFile], tell: @escaping (ReadProgress) -> Void) {
        var starts: [UInt64: Int] = [:]
        var total = 0
        for file in files {
            starts[file.number] = total
            total += file.size
        }
        self.starts = starts
        self.total = total
        self.tell = tell
    }

    /// A segment was read up to `end`, in bytes. First pages alone tell nothing: those of all
    /// segments are looked at before a pass begins.
    func passed(_ segment: UInt64, to end: Int) {
        guard end > Layout.page else { return }
        let bytes = starts[segment].map { min($0 + end, total) } ?? total
        tell(ReadProgress(bytes: bytes, total: total))
    }
}
