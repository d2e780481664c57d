import CommitLog
import Disk
package import JSON
package import Primitives
import RecordFormat

/// What the segments of a log hold, as far as their headers and footers tell: however large the log
/// is, little of it is read. ``SegmentList`` reads and checks everything.
package struct LogOverview {
    fileprivate struct Row {
        let frame: SegmentFrame
        /// Where the next one begins; nil: it takes batches.
        let end: Offset?
        /// The offset behind its last record.
        let next: Offset
        let firstTime: Timestamp?
    }

    private let rows: [Row]
    /// The offsets up to which the snapshots were folded, the newest first.
    package let snapshots: [Offset]

    /// The log is known to go on to `end`, and `firstTimes` is what was found before, by the salts
    /// of segments; it is added to.
    ///
    /// - Throws: ``ToolError`` when the files cannot be read.
    package init(
        _ pass: LogPass,
        until end: Offset,
        firstTimes: inout [UInt64: Timestamp]
    ) throws(ToolError) {
        var reader = LogReader(pass.source)
        let frames: [SegmentFrame]
        do throws(LogError) {
            frames = try reader.headers()
        } catch {
            throw LogPass.converted(error)
        }
        var rows: [Row] = []
        for (place, frame) in frames.enumerated() {
            let base = frame.header.base
            let follower = place + 1 < frames.count ? frames[place + 1].header.base : nil
            let salt = frame.header.salt
            let next = max(base, follower ?? end)
            if firstTimes[salt] == nil, next > base, !frame.isHeaderLost {
                firstTimes[salt] = try Self.firstTime(of: base, pass)
            }
            rows.append(Row(frame: frame, end: follower, next: next, firstTime: firstTimes[salt]))
        }
        self.rows = rows
        guard let folder = pass.snapshots else {
            snapshots = []
            return
        }
        do throws(StorageError) {
            snapshots = try folder.numbers().map { Offset($0) }
        } catch {
            throw ToolError(.unreadable, error.description)
        }
    }

    /// Nil where nothing can be read there, or is not yet.
    private static func firstTime(of base: Offset, _ pass: LogPass) throws(ToolError) -> Timestamp?
    {
        var time: Timestamp?
        do throws(ToolError) {
            _ = try pass.readAll(from: base) { record in
                time = record.time
                return false
            }
        } catch  where error.code == .damaged {
            return nil
        }
        return time
    }

    /// The segments, with the members that `iii-log ls --json` has; what would have to be read for
    /// is null.
    package func writeSegments(into json: inout JSONBuilder) {
        json.beginArray()
        for row in rows { row.write(into: &json) }
        json.endArray()
    }
}

extension LogOverview.Row {
    fileprivate func write(into json: inout JSONBuilder) {
        func integer(_ name: String, _ value: UInt64?) {
            json.key(name)
            if let value { json.integer(value) } else { json.null() }
        }
        let header = frame.header
        let isSealed = end != nil
        json.beginObject()
        integer("segment", header.number)
        integer("first_offset", header.base.rawValue)
        integer("next_offset", end?.rawValue)
        integer("records", frame.footer?.records ?? next.rawValue - header.base.rawValue)
        integer("bytes", UInt64(frame.fileBytes))
        integer("stored_bytes", frame.footer?.storedBytes)
        integer("plain_bytes", frame.footer?.plainBytes)
        json.key("first_time")
        if let firstTime { json.string(firstTime.rfc3339()) } else { json.null() }
        json.key("state")
        json.string(isSealed ? "sealed" : "active")
        json.key("sealed")
        json.bool(isSealed)
        json.key("compression")
        if let footer = frame.footer { json.string("\(footer.compression)") } else { json.null() }
        integer("gaps", frame.footer?.gaps)
        json.endObject()
    }
}
