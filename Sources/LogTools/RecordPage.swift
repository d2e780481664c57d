import CommitLog
package import JSON
package import Primitives
import RecordFormat

/// A few records that follow each other, as `iii-log show --json` writes them.
package struct RecordPage {
    /// As many as were asked for and fit.
    package private(set) var records: [String] = []
    /// The first offset that was not looked at.
    package private(set) var next: Offset

    /// - Parameters:
    ///   - start: the first offset to look at.
    ///   - end: the one to end before.
    ///   - limit: the most records.
    ///   - room: how many bytes they may have together, if there is more than one.
    /// - Throws: ``ToolError`` when the files cannot be read.
    package init(
        _ pass: LogPass,
        from start: Offset,
        until end: Offset,
        limit: Int,
        room: Int
    ) throws(ToolError) {
        next = start
        guard limit > 0, start < end else { return }
        var page: [String] = []
        var size = 0
        var seen = start
        _ = try pass.read(from: start) { record in
            guard record.offset < end else { return false }
            let text = LogRecord(record).json
            guard page.isEmpty || size + text.utf8.count <= room else { return false }
            size += text.utf8.count
            page.append(text)
            seen = record.offset.advanced(by: 1)
            return page.count < limit
        }
        records = page
        next = seen
    }

    package func write(into json: inout JSONBuilder) {
        json.beginArray()
        for record in records { json.raw(bytes: Array(record.utf8)) }
        json.endArray()
    }
}
