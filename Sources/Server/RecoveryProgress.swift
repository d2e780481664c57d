import CommitLog
import Disk
import Primitives
import RecordFormat

/// How much of the log a start has read, for whoever waits for it: by the segments that it has come
/// past. Of the last one nobody knows how full it is before it was read.
struct RecoveryProgress {
    /// Where the segments begin that are read.
    private let bases: [Offset]
    private let tell: (Double) -> Void

    /// Records between two looks.
    private static let stride: UInt64 = 16_384

    /// - Parameters:
    ///   - path: the data directory; one that is none yet has nothing to read.
    ///   - start: the first record that is read.
    ///   - tell: gets the part that was read, from 0 to 1.
    init(path: String, from start: Offset, tell: @escaping (Double) -> Void) {
        var reader = LogReader(directory: path)
        // What cannot be read the recovery itself complains of.
        let frames = (try? reader.headers()) ?? []
        let all = frames.map(\.header.base)
        let first = all.lastIndex { $0 <= start } ?? 0
        bases = Array(all.dropFirst(first))
        self.tell = tell
    }

    /// Called with every record.
    func passed(_ offset: Offset) {
        guard offset.rawValue % Self.stride == 0, bases.count > 1 else { return }
        let past = bases.count { $0 <= offset }
        tell(Double(max(0, past - 1)) / Double(bases.count))
    }
}
