import CommitLog
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

    /// `ok`, `torn tail`, `2 damages` or `7 offsets given up`.
    package var checksums: String {
        if damages > 0 { return Text.count(damages, "damage") }
        if lost > 0 { return "\(Text.count(lost, "offset")) given up" }
        return isTorn ? "torn tail" : state == .spare ? "-" : "ok"
    }
}

/// Lists segments, having read and checked all of them.
package struct SegmentList: Equatable, Sendable {
    package let segments: [SegmentSummary]
    package let damages: [String]

    package init(_ pass: LogPass) throws(ToolError) {
        var segments = try pass.segments().map { page in
            var summary = SegmentSummary(
                number: page.number,
                byteCount: page.byteCount,
                state: .unreadable
            )
            switch page.reading {
            case .valid(let header):
                summary.state = .active
                summary.first = header.base
            case .zero: summary.state = .spare
            case .damaged, .refused: break
            }
            return summary
        }
        let begun = segments.indices.filter { segments[$0].first != nil }
        var place = 0
        let scan = try pass.verify { record in
            while place + 1 < begun.count,
                let next = segments[begun[place + 1]].first, next <= record.offset
            {
                place += 1
            }
            guard place < begun.count else { return }
            segments[begun[place]].add(record.time)
        }
        for index in segments.indices {
            let number = segments[index].number
            segments[index].damages = scan.damages.count { $0.segment == number }
            segments[index].isTorn = scan.torn?.segment == number
            let span = scan.spans.first { $0.header.number == number }
            let isFollowed = index < (begun.last ?? index)
            if segments[index].state == .active, isFollowed || span?.isSealed == true {
                segments[index].state = .sealed
            }
            segments[index].storedBytes = span?.storedBytes ?? 0
            segments[index].plainBytes = span?.plainBytes ?? 0
            segments[index].lost = scan.gaps.filter { $0.segment == number }
                .reduce(0) { $0 + $1.lost.lowerBound.distance(to: $1.lost.upperBound) }
        }
        self.segments = segments
        damages = scan.damages.map(\.description)
    }

    /// Writes the list as a table with headings.
    package func writeTable(to output: Output, palette: Palette) {
        var table = TextTable(
            [
                "SEGMENT", "FIRST", "RECORDS", "BYTES", "STORED", "PLAIN", "FIRST TIME",
                "LAST TIME", "STATE", "CHECKSUMS",
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
                    segment.checksums,
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
    fileprivate mutating func add(_ time: Timestamp) {
        records += 1
        firstTime = firstTime ?? time
        lastTime = time
    }
}
