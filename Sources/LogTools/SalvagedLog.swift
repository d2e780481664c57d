import CommitLog
import Primitives
import RecordFormat

/// The new log of a ``Salvage`` while it is written: in pieces, which are its segments. A piece has
/// what some neighbouring segments of the old log have, and is written again by itself when these
/// have lost records to retention meanwhile.
///
/// Invariant: the place of a piece is the number of its segment.
struct SalvagedLog: ~Copyable {
    struct Piece {
        /// The segment of the old log that it begins with; nil: whatever is the oldest.
        let first: UInt64?
        let base: Offset
        /// When the record before it was written.
        let time: Timestamp
        var records = 0
        /// What was given up in it.
        var gaps: [Manifest.Quarantine] = []
        /// What retention had removed from it, ascending; nil: it does not count, and is to be
        /// written again.
        var removed: [Range<Offset>]?
        /// Of the files that it was made of, by segment.
        var salts: [UInt64: UInt64] = [:]
    }

    private var directory: TargetDirectory
    private let engine: UUID128
    private let compression: Compression
    /// Bytes from which on the next piece begins with the next segment of the old log.
    private let pieceBytes: Int
    private(set) var pieces: [Piece] = []
    /// The first of the pieces that were begun since ``begin(_:)``.
    private var fresh = 0
    /// Of the last piece.
    private var writer: SegmentWriter?
    private var missing = MissingRecords.allRemoved(but: [])
    /// Where a piece may begin, ascending: where a segment of the old log does that is sound.
    private var starts: ArraySlice<(segment: UInt64, base: Offset)> = []
    private var next = Offset.zero
    private var time = Timestamp(nanoseconds: 0)
    private var failure: ToolError?

    /// The copy of a log of which `known` tells.
    init(in directory: consuming TargetDirectory, of known: LogScan, pieceBytes: Int) {
        self.directory = directory
        self.pieceBytes = pieceBytes
        engine = Salvage.engine(of: known)
        // What a large segment holds may be many times larger where it is not compressed.
        let isCompressed = known.spans.contains { $0.header.hasCompressed }
        compression = isCompressed ? .zstd : .none
    }

    var records: Int { pieces.reduce(0) { $0 + $1.records } }

    // MARK: From some segment on

    /// Takes all that `pass` has: the whole log, or in the place of the last piece what there is
    /// from its first segment on. `known` is what a look at the same has told just before.
    ///
    /// - Returns: what was read.
    mutating func take(_ pass: LogPass, _ known: LogScan) throws(ToolError) -> LogScan {
        try begin(known)
        let scan = try pass.verify { take($0) }
        if let failure { throw failure }
        for place in fresh..<pieces.count {
            let range = pieces[place].base..<end(of: place)
            pieces[place].note(known, scan, range)
        }
        return scan
    }

    private mutating func begin(_ known: LogScan) throws(ToolError) {
        missing = MissingRecords(known)
        let damaged = Set(known.damages.map(\.segment))
        let sound = known.spans.map(\.header).filter { !damaged.contains($0.number) }
        let places = sound.map { (segment: $0.number, base: $0.base) }
        starts = places[...]
        let last = pieces.popLast()
        fresh = pieces.count
        let base = fresh == 0 ? known.first : last?.base ?? known.first
        let time = last?.time ?? Timestamp(nanoseconds: 0)
        try open(Piece(first: last?.first, base: base, time: time))
    }

    private mutating func open(_ piece: Piece) throws(ToolError) {
        writer = try segment(pieces.count, piece, missing)
        pieces.append(piece)
        next = piece.base
        time = piece.time
    }

    /// Begins to write a piece, in the place of what was written there before.
    private func segment(
        _ place: Int,
        _ piece: Piece,
        _ missing: MissingRecords
    ) throws(ToolError) -> SegmentWriter {
        try SegmentWriter(
            UInt64(place),
            base: piece.base,
            engine: engine,
            time: piece.time,
            missing: missing,
            compression: compression,
            in: directory.files,
            as: directory.name(UInt64(place))
        )
    }

    /// After a failure it takes no more.
    private mutating func take(_ record: RecordView) {
        guard failure == nil else { return }
        do throws(ToolError) {
            try advance(to: record.offset)
            try writer?.append(record)
            pieces[pieces.count - 1].records += 1
            time = record.time
            next = record.offset.advanced(by: 1)
        } catch {
            failure = error
        }
    }

    private mutating func advance(to offset: Offset) throws(ToolError) {
        while let start = starts.first, start.base <= offset {
            starts.removeFirst()
            guard start.base >= next, start.base > pieces[pieces.count - 1].base,
                let count = writer?.byteCount, count >= pieceBytes
            else { continue }
            try skip(to: start.base)
            try end()
            try open(Piece(first: start.segment, base: start.base, time: time))
        }
        try skip(to: offset)
    }

    private mutating func skip(to end: Offset) throws(ToolError) {
        guard end > next else { return }
        try writer?.skip(to: end)
        next = end
    }

    private mutating func end() throws(ToolError) {
        if let writer = writer.take() {
            pieces[pieces.count - 1].gaps = try writer.finish().gaps
        }
    }

    // MARK: Piece by piece

    /// The segments of the old log that this was made of.
    var segments: [UInt64] { pieces.flatMap { Array($0.salts.keys) } }

    /// The pieces that are not what the old log has by now, where its segments have these salts.
    func outdated(_ salts: [UInt64: UInt64]) -> [Int] {
        var places: [Int] = []
        for (place, piece) in pieces.enumerated()
        where piece.removed == nil || !piece.agrees(with: salts) {
            places.append(place)
        }
        return places
    }

    /// Brings a piece, which is not the last one, up to what its segments are by now: `section` has
    /// them, and the one behind them. `damages` is what is known to be damaged.
    ///
    /// `salts` is what they had before the last piece was taken. What has changed since may rest on
    /// records that are not there: it does not count.
    mutating func renew(
        _ place: Int,
        from section: LogPass,
        _ salts: [UInt64: UInt64],
        _ damages: [Damage]
    ) throws(ToolError) {
        var piece = pieces[place]
        let range = piece.base..<end(of: place)
        let known = try section.survey(until: range.upperBound)
        if let removed = piece.removed, removed == known.removals(in: range) {
            // It was compressed, and has what it had.
            piece.salts = known.salts(in: range)
            if piece.agrees(with: salts) { pieces[place] = piece }
        } else {
            piece = try written(piece, at: place, section, known, range, damages)
            if !piece.agrees(with: salts) { piece.removed = nil }
            pieces[place] = piece
        }
    }

    private func written(
        _ old: Piece,
        at place: Int,
        _ section: LogPass,
        _ known: LogScan,
        _ range: Range<Offset>,
        _ damages: [Damage]
    ) throws(ToolError) -> Piece {
        var piece = Piece(first: old.first, base: old.base, time: old.time)
        var writer = try segment(place, piece, MissingRecords(known))
        var failure: ToolError?
        var count = 0
        let scan = try section.verify(until: range.upperBound) { record in
            guard failure == nil else { return }
            do throws(ToolError) {
                try writer.append(record)
                count += 1
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        if let loss = scan.damages.first(where: { !$0.lost.isEmpty && !damages.contains($0) }) {
            throw ToolError(.unreadable, "\(section.path): this was not so before: \(loss)")
        }
        try writer.skip(to: range.upperBound)
        piece.gaps = try writer.finish().gaps
        piece.records = count
        piece.note(known, scan, range)
        return piece
    }

    /// Where the next piece begins; the end of time for the last one.
    private func end(of place: Int) -> Offset {
        place + 1 < pieces.count ? pieces[place + 1].base : .max
    }

    // MARK: The end

    /// Ends the log at `end`; from then on an engine opens it.
    ///
    /// - Returns: how many offsets were given up.
    consuming func finish(at end: Offset) throws(ToolError) -> UInt64 {
        try skip(to: end)
        try self.end()
        let last = UInt64(pieces.count - 1)
        var manifest = Manifest(engine: engine)
        manifest.lastSealed = last
        manifest.active = last
        manifest.durable = end
        manifest.isClean = true
        let gaps = pieces.flatMap(\.gaps)
        manifest.add(gaps)
        let lost = gaps.reduce(0) { sum, gap in
            sum + gap.lost.upperBound.rawValue - gap.lost.lowerBound.rawValue
        }
        try directory.finish(manifest)
        return lost
    }
}

extension SalvagedLog.Piece {
    /// Says what it was made of: `known` was known before `scan` read it.
    fileprivate mutating func note(_ known: LogScan, _ scan: LogScan, _ range: Range<Offset>) {
        let expected = known.removals(in: range)
        removed = scan.removals(in: range) == expected ? expected : nil
        salts = scan.salts(in: range)
    }

    /// Whether its segments have these salts, as far as they are known.
    fileprivate func agrees(with salts: [UInt64: UInt64]) -> Bool {
        self.salts.allSatisfy { segment, salt in salts[segment] ?? salt == salt }
    }
}

extension LogScan {
    /// What retention has removed of some offsets, ascending; neighbours make one range.
    fileprivate func removals(in offsets: Range<Offset>) -> [Range<Offset>] {
        var low = 0
        var high = removedRanges.count
        while low < high {
            let middle = (low + high) / 2
            if removedRanges[middle].upperBound <= offsets.lowerBound {
                low = middle + 1
            } else {
                high = middle
            }
        }
        var ranges: [Range<Offset>] = []
        for range in removedRanges[low...].prefix(while: { $0.lowerBound < offsets.upperBound }) {
            let part = range.clamped(to: offsets)
            if let last = ranges.last, last.upperBound == part.lowerBound {
                ranges[ranges.count - 1] = last.lowerBound..<part.upperBound
            } else {
                ranges.append(part)
            }
        }
        return ranges
    }

    /// Of the segments that begin there.
    fileprivate func salts(in offsets: Range<Offset>) -> [UInt64: UInt64] {
        var salts: [UInt64: UInt64] = [:]
        for span in spans where offsets.contains(span.header.base) {
            salts[span.header.number] = span.header.salt
        }
        return salts
    }
}
