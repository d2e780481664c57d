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

    /// From the record at `start` on and before `end`: at most `limit` of them, and, if there is
    /// more than one, with `room` bytes at most.
    ///
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
