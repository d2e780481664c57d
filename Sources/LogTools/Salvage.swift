package import CommitLog
import JSON
package import Primitives
import RecordFormat

/// Brings every intact record of a log into a fresh one, under its own offset: what is lost is
/// named, and a gap stands for it. The log that it is taken from is only read.
package struct Salvage: Equatable, Sendable {
    package let target: String
    package let records: Int
    package let segments: Int
    /// The offset behind the last one that is taken: open ends count as 2^20 offsets.
    package let next: Offset
    package let damages: [Damage]
    /// That MANIFEST is lost, and what becomes of that; nil: it is there.
    private let lostManifest: String?
    /// Offsets that were given up, here or before.
    package let lost: UInt64

    /// How many offsets may have been given where nothing tells any more.
    static let openEnd = 1 << 20

    /// What retention removes meanwhile would pass for lost, and what was read before it does not
    /// go with what was read behind it. So the segments of which that is true are read again, and
    /// the end of the log, until nothing was removed meanwhile from what was taken: then all of it
    /// was in the log when its end was read.
    ///
    /// `pieceBytes` is the size from which on a segment of the new log ends where one of the old
    /// log does.
    ///
    /// - Throws: ``ToolError`` where `target` holds something, or cannot be written, and where
    ///   files are not in their places: what is in them would be left behind.
    package init(
        _ pass: LogPass,
        to target: String,
        pieceBytes: Int = 1 << 20
    ) throws(ToolError) {
        let known = try pass.survey()
        if let places = Misplacement(of: known.damages, in: pass.path) { throw places.error }
        let directory = try TargetDirectory(target, isEmpty: true)
        var log = SalvagedLog(in: directory, of: known, pieceBytes: pieceBytes)
        var scan = try log.take(pass, known)
        var damages = scan.damages
        var budget = RetryBudget(end: UInt64(log.pieces.count))
        while true {
            let salts = try pass.salts(of: log.segments)
            let outdated = log.outdated(salts)
            guard let first = outdated.first else { break }
            guard budget.suffices(for: UInt64(first)) else { throw Self.unsettled(pass.path) }
            let last = log.pieces.count - 1
            let start = log.pieces[last].first
            let listing = try LogListing(pass)
            let section = try listing.section(from: start)
            scan = try log.take(section, section.survey())
            damages = damages.filter { $0.segment < start ?? 0 } + scan.damages
            for place in outdated where place < last {
                let (from, upTo) = (log.pieces[place].first, log.pieces[place + 1].first)
                let section = try listing.section(from: from, upTo: upTo)
                try log.renew(place, from: section, salts, damages)
            }
        }
        records = log.records
        segments = log.pieces.count
        next = Self.end(of: scan)
        self.damages = damages
        lostManifest = pass.lostManifest(known)
        self.target = target
        lost = try log.finish(at: next)
    }

    private static func unsettled(_ path: String) -> ToolError {
        ToolError(
            .unreadable,
            "\(path): retention removed records again and again while they were read; try again, "
                + "or stop the engine"
        )
    }

    /// The offset at which a log goes on of which this is known.
    static func end(of scan: LogScan) -> Offset {
        let seen = scan.damages.map(\.lost.upperBound).reduce(scan.next, max)
        let end = max(seen, scan.mark)
        return scan.damages.contains(where: \.isOpenEnded) ? end.advanced(by: openEnd) : end
    }

    /// The identity of the log that was read; a new one where nothing tells it any more.
    static func engine(of scan: LogScan) -> UUID128 {
        if let engine = scan.manifest?.engine { return engine }
        // Of a header that is made of batches the engine is not known.
        let nobody = UUID128(high: 0, low: 0)
        let known = scan.spans.lazy.map(\.header.engine).first { $0 != nobody }
        if let known { return known }
        var random = SystemEntropy()
        return UUID128(from: &random)
    }

    /// Whether the log is damaged, and not one record of it is in the new one.
    package var isFruitless: Bool { records == 0 && !damages.isEmpty }

    private var allDamages: [String] {
        [lostManifest].compactMap { $0 } + damages.map(\.description)
    }

    package func write(to output: Output, palette: Palette) {
        for damage in allDamages { output.line(palette.red("damaged: ") + damage) }
        output.line(
            "\(Text.count(records, "record")) in \(Text.count(segments, "segment")) of \(target); "
                + (lost == 0
                    ? "no offset is lost" : palette.yellow("\(lost) offsets are given up"))
        )
    }

    /// Everything as one JSON object on one line.
    package var json: String {
        var json = JSONBuilder()
        json.beginObject()
        json.key("target")
        json.string(target)
        json.key("records")
        json.integer(records)
        json.key("segments")
        json.integer(segments)
        json.key("next_offset")
        json.integer(next.rawValue)
        json.key("offsets_lost")
        json.integer(lost)
        json.key("damages")
        json.beginArray()
        for damage in allDamages { json.string(damage) }
        json.endArray()
        json.endObject()
        return json.finish().description
    }
}
