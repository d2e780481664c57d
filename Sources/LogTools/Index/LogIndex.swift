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
        guard let headers = try Self.headers(pass),
            zip(headers, headers.dropFirst()).allSatisfy({
                $0.number + 1 == $1.number && $0.base <= $1.base
            })
        else { return nil }
        let ends = headers.dropFirst().map(\.base) + [Offset.max]
        parts = zip(headers, ends).map { Part(header: $0, end: $1) }
        self.folder = folder
    }

    /// The headers of the segments that were begun, or what the batches say of one whose first page
    /// is lost: with an index no more is needed of it. Nil where one cannot be told.
    private static func headers(_ pass: LogPass) throws(ToolError) -> [SegmentHeader]? {
        var headers: [SegmentHeader] = []
        for (place, page) in try pass.segments().enumerated() {
            switch page.reading {
            case .valid(let header) where place == headers.count:
                guard page.number == header.number, page.byteCount >= Int(clamping: header.size)
                else { return nil }
                headers.append(header)
            case .zero:
                continue
            case .valid, .damaged:
                return try headersOfBatches(pass)
            case .refused:
                return nil
            }
        }
        return headers
    }

    private static func headersOfBatches(_ pass: LogPass) throws(ToolError) -> [SegmentHeader]? {
        var reader = LogReader(pass.source)
        do throws(LogError) {
            let list = try reader.frames()
            let isWhole = list.frames.allSatisfy { $0.fileBytes >= Int(clamping: $0.header.size) }
            return isWhole && list.unreadable.isEmpty ? list.frames.map(\.header) : nil
        } catch {
            throw LogPass.converted(error)
        }
    }

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
    func entrance(to offset: Offset) -> ScanStart? {
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
