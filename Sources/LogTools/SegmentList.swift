import CommitLog
import Folding
package import Primitives
import RecordFormat

/// What one segment holds.
package struct SegmentSummary: Equatable, Sendable {
    package enum State: String, Sendable {
        /// Its last batch is a seal, or later segments follow: it does not change any more.
        case sealed
        /// The one that takes batches.
        case active
        /// Made ahead; holds nothing yet.
        case spare
        /// Its header is damaged.
        case unreadable
    }

    package let number: UInt64
    /// Bytes of the file.
    package let byteCount: Int
    package internal(set) var state: State
    /// The offset of its first record, or of the one to come.
    package internal(set) var first: Offset?
    /// Records that can be read.
    package internal(set) var records = 0
    /// Offsets in it that were given up.
    package internal(set) var lost = 0
    /// Bytes of the bodies of its batches as they are stored, and once they are decompressed.
    package internal(set) var storedBytes = 0
    package internal(set) var plainBytes = 0
    package internal(set) var firstTime: Timestamp?
    package internal(set) var lastTime: Timestamp?
    /// Damages in it.
    package internal(set) var damages = 0
    /// Whether it ends in a batch that was not finished.
    package internal(set) var isTorn = false
    /// What keeps retention from it, once it is sealed; nil also where that is not known, because
    /// the log is damaged.
    package internal(set) var pins: SegmentPins?

    /// `ok`, `torn tail`, `2 damages` or `7 offsets given up`.
    package var checksums: String {
        if damages > 0 { return Text.count(damages, "damage") }
        if lost > 0 { return "\(Text.count(lost, "offset")) given up" }
        return isTorn ? "torn tail" : state == .spare ? "-" : "ok"
    }
}

/// Lists segments, having read and checked all of them, and what is needed of them.
package struct SegmentList: Equatable, Sendable {
    package let segments: [SegmentSummary]
    package let damages: [String]

    /// Folds the log while it is checked, and reads what is sealed of it once more: only its end
    /// tells what is needed of its beginning.
    package init(_ pass: LogPass) throws(ToolError) {
        var segments = try pass.segments().map { SegmentSummary($0) }
        var places = SegmentPlaces(segments)
        var views = Views(cacheBytes: 0)
        var isFolded = true
        let scan = try pass.verify { record in
            if isFolded {
                do throws(DecodeError) { try views.apply(record) } catch { isFolded = false }
            }
            guard let place = places.place(of: record.offset) else { return }
            segments[place].add(record.time)
        }
        for index in segments.indices {
            segments[index].take(scan, isFollowed: index < (places.last ?? index))
        }
        // What a fold with holes needs, or one of an excerpt, is what nobody needs.
        if isFolded, scan.damages.isEmpty, pass.isWholeLog {
            try segments.pin(pass, by: views, at: scan.next)
        }
        self.segments = segments
        damages = scan.damages.map(\.description)
    }

    /// Writes the list as a table with headings.
    package func writeTable(to output: Output, palette: Palette) {
        var table = TextTable(
            [
                "SEGMENT", "FIRST", "RECORDS", "BYTES", "STORED", "PLAIN", "FIRST TIME",
                "LAST TIME", "STATE", "CHECKSUMS", "PINNED BY",
            ],
            numbers: [0, 1, 2, 3, 4, 5]
        )
        for segment in segments {
            table.add(
                [
                    "\(segment.number)", segment.first.map { "\($0)" } ?? "-",
                    "\(segment.records)", "\(segment.byteCount)", "\(segment.storedBytes)",
                    "\(segment.plainBytes)", segment.firstTime.map(RecordFormatter.time) ?? "-",
                    segment.lastTime.map(RecordFormatter.time) ?? "-", segment.state.rawValue,
                    segment.checksums, segment.pinnedBy,
                ]
            )
        }
        let lines = table.lines(heading: palette.bold)
        if let heading = lines.first { output.line(heading) }
        for (segment, row) in zip(segments, lines.dropFirst()) {
            let isSound = segment.checksums == "ok" || segment.checksums == "-"
            output.line(isSound ? row : palette.red(row))
        }
    }
}

extension SegmentSummary {
    /// As far as its first page tells.
    fileprivate init(_ page: SegmentPage) {
        self.init(number: page.number, byteCount: page.byteCount, state: .unreadable)
        switch page.reading {
        case .valid(let header):
            state = .active
            first = header.base
        case .zero: state = .spare
        case .damaged, .refused: break
        }
    }

    fileprivate mutating func add(_ time: Timestamp) {
        records += 1
        firstTime = firstTime ?? time
        lastTime = time
    }

    /// Adds what a check of the whole log has found in it; `isFollowed` says whether a later one
    /// was begun.
    fileprivate mutating func take(_ scan: LogScan, isFollowed: Bool) {
        let span = scan.spans.first { $0.header.number == number }
        damages = scan.damages.count { $0.segment == number && $0.reason != .foreignManifest }
        isTorn = scan.torn?.segment == number
        if state == .active, isFollowed || span?.isSealed == true { state = .sealed }
        storedBytes = span?.storedBytes ?? 0
        plainBytes = span?.plainBytes ?? 0
        lost = scan.gaps.filter { $0.segment == number }
            .reduce(0) { $0 + $1.lost.lowerBound.distance(to: $1.lost.upperBound) }
    }

    /// In a cell: what pins it, a question mark where that is not known.
    fileprivate var pinnedBy: String {
        state == .sealed ? pins?.text ?? "?" : "-"
    }
}
