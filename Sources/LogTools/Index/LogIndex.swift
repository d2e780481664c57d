import CommitLog
import Disk
import Primitives
import RecordFormat

/// The segments of a log, with the indexes that there are: which part of the log a question needs.
///
/// The last segment has none, and others may lack theirs: of those everything is read.
final class LogIndex {
    struct Part {
        let header: SegmentHeader
        /// Where the next segment begins; the end of time for the last one.
        let end: Offset
    }

    let parts: [Part]
    private let folder: IndexFolder
    /// What was opened, and what cannot be.
    private var opened: [UInt64: SegmentIndex?] = [:]

    /// Nil where no segment has an index, or where the segments do not follow each other: who reads
    /// everything says what is wrong.
    init?(_ pass: LogPass) throws(ToolError) {
        guard let folder = pass.indexes else { return nil }
        do throws(StorageError) {
            guard try !folder.numbers().isEmpty else { return nil }
        } catch {
            return nil
        }
        var headers: [SegmentHeader] = []
        for page in try pass.segments() {
            switch page.reading {
            case .valid(let header):
                guard page.number == header.number, page.byteCount >= Int(clamping: header.size),
                    headers.last.map({ $0.number + 1 == header.number && $0.base <= header.base })
                        ?? true
                else { return nil }
                headers.append(header)
            case .zero:
                continue
            case .damaged, .refused:
                return nil
            }
        }
        let ends = headers.dropFirst().map(\.base) + [Offset.max]
        parts = zip(headers, ends).map { Part(header: $0, end: $1) }
        self.folder = folder
    }

    /// Bytes that were read of indexes.
    var byteCount: Int { opened.values.reduce(0) { $0 + ($1?.byteCount ?? 0) } }

    /// The index of a segment; nil: everything has to be read.
    func index(of part: Part) -> SegmentIndex? {
        guard part.end < .max else { return nil }
        if let known = opened[part.header.number] { return known }
        let index = try? SegmentIndex(folder, of: part.header, end: part.end)
        opened[part.header.number] = .some(index)
        return index
    }

    // MARK: Where to begin

    /// Where to begin looking for the record at `offset`; nil: at the beginning of its segment.
    func entrance(to offset: Offset) -> Entrance? {
        guard
            let part = parts.last(where: { $0.header.base <= offset }),
            let index = index(of: part)
        else { return nil }
        defer { index.forget() }
        return try? index.entrance(to: offset)
    }

    /// An offset with no record before it that is as young as `time`: where to begin to look for
    /// those that are.
    func offset(before time: Timestamp) -> Offset {
        for part in parts.reversed() {
            guard let index = index(of: part) else { continue }
            defer { index.forget() }
            if let offset = try? index.offset(before: time) { return offset }
        }
        return .zero
    }
}
