import Disk
import Primitives
import RecordFormat

/// Reads a log in order, batch by batch, checks everything, and hands over what is intact: the same
/// pass for recovery, for readers and for verification.
///
/// Invariants:
/// * Every record between the first and `expected` was handed over, skipped on request, or is in
///   the range of a damage.
/// * At most one damage, `openLoss`, has an end that is not known yet: the next base that can be
///   trusted closes it.
struct LogScanner<Source: SegmentSource & ~Copyable>: ~Copyable {
    typealias Visit = (RecordView) throws(LogError) -> Void

    /// Nil also where it is that of another log.
    private(set) var manifest: Manifest?
    let start: Offset
    /// The first offset that is not wanted: a segment that begins there ends the pass.
    let end: Offset
    /// Whether records behind a damage are handed over too.
    let salvages: Bool
    /// Whether headers suffice, but for the last segment: only there may a write be unfinished.
    let isQuick: Bool
    /// Whether a segment is damaged that has lost no more than its first page.
    private let needsHeaders: Bool
    var window: SegmentWindow
    var bodies = BatchDecompressor()
    /// What the segment's footer has to say; nil where none is compared.
    var tally: SegmentTally?
    var found = LogScan()
    /// The offset that the next record must have.
    var expected = Offset.zero
    /// Which damage waits for its end.
    var openLoss: Int?
    /// Up to where snapshots of the log were made.
    let reach: Offset
    /// Where to begin in a segment that holds older records, too.
    private let entrance: ScanStart?

    /// A pass that hands over records from `start` on; bodies of batches that end before are not
    /// read. Without a manifest nothing is known beside the segments, but that they went up to
    /// `reach`.
    init(
        manifest: Manifest?,
        from start: Offset = .zero,
        until end: Offset = .max,
        reaching reach: Offset = .zero,
        salvages: Bool,
        isQuick: Bool = false,
        needsHeaders: Bool = true,
        entrance: ScanStart? = nil,
        indexSpacing: Int = OffsetIndex.spacing
    ) {
        self.entrance = entrance
        self.needsHeaders = needsHeaders
        self.manifest = manifest
        self.reach = reach
        self.start = start
        self.end = end
        self.salvages = salvages
        self.isQuick = isQuick
        // Whoever enters in the midst of a segment often wants little of it.
        let ahead = entrance == nil ? 1 << 20 : OffsetIndex.spacing
        window = isQuick ? .forHeaders : SegmentWindow(ahead: ahead, most: 1 << 20)
        found.index = OffsetIndex(spacing: indexSpacing)
        found.manifest = manifest
        found.mark = max(manifest?.durable ?? .zero, reach)
    }

    /// What a segment's first page says about it.
    enum State {
        case begun(SegmentHeader, isSalvaged: Bool)
        /// Made ahead, never written to; or its first header was being written. Bytes that are in
        /// it nevertheless are written over when it is used.
        case unused
        /// It holds something, and nothing tells what.
        case unreadable
        /// The medium does not give its first page; its header, where batches tell it.
        case refused(StorageError, SegmentHeader?)

        var header: SegmentHeader? {
            switch self {
            case .begun(let header, _): header
            case .refused(_, let header): header
            case .unused, .unreadable: nil
            }
        }

        /// Whose log it is, where its own header says so.
        var told: UUID128? {
            guard case .begun(let header, isSalvaged: false) = self else { return nil }
            return header.engine
        }
    }

    consuming func run(_ source: inout Source, _ visit: Visit) throws(LogError) -> LogScan {
        let files = try source.listed()
        var states = try self.states(of: files, &source)
        if let manifest, manifest.isForeign(among: states.compactMap { $0.told }) {
            disown(manifest, files)
            // Of some a header was made with what it says.
            states = try self.states(of: files, &source)
        }
        let begun = states.lastIndex { if case .unused = $0 { false } else { true } }
        let count = begun.map { $0 + 1 } ?? 0
        found.unused = Array(files[count...])
        var number = manifest?.oldestSegment ?? files.first?.number ?? 0
        for index in 0..<count {
            let file = files[index]
            if file.number > number {
                reportOpen(.missingSegment, segment: number, position: 0)
            }
            number = file.number + 1
            let header = trusted(states[index], file)
            if ends(before: header) {
                found.next = expected
                return found
            }
            if let next = successor(of: index, files[..<count], states) {
                pass(header, next, file)
                continue
            }
            switch states[index] {
            case .begun(let strange, _) where header == nil:
                let reason = foreignness(of: strange, files, states)
                reportOpen(reason, segment: file.number, position: 0)
            case .begun(let header, let isSalvaged):
                if isSalvaged, needsHeaders {
                    let lost = expected..<expected
                    report(.segmentHeader, segment: file.number, position: 0, lost: lost)
                }
                let current = isSalvaged ? header : try reread(header, file, &source)
                try read(current, file, isLast: index == count - 1, &source, visit)
            case .unused, .unreadable:
                reportOpen(.segmentHeader, segment: file.number, position: 0)
            case .refused(_, let header?) where !needsHeaders:
                try read(header, file, isLast: index == count - 1, &source, visit)
            case .refused(let error, _):
                throw .storage(error)
            }
        }
        if let active = manifest?.active, active >= number {
            reportOpen(.missingSegment, segment: number, position: 0)
        }
        finish()
        return found
    }

    // MARK: Segments

    /// Goes on as if there were no MANIFEST, and names it.
    private mutating func disown(_ manifest: Manifest, _ files: [SegmentFile]) {
        let oldest = files.first?.number ?? manifest.oldestSegment
        report(.foreignManifest, segment: oldest, position: 0, lost: expected..<expected)
        self.manifest = nil
        found.mark = reach
    }

    private mutating func states(
        of files: [SegmentFile],
        _ source: inout Source
    ) throws(LogError) -> [State] {
        var states: [State] = []
        for file in files { states.append(try state(of: file, &source)) }
        return states
    }

    /// What a segment is; one whose first page the medium does not give is not taken for damaged
    /// where it is needed: it may be given the next time.
    mutating func state(
        of file: SegmentFile,
        _ source: inout Source
    ) throws(LogError) -> State {
        guard file.size >= 2 * Layout.page else { return .unused }
        do throws(LogError) {
            return try readState(of: file, &source)
        } catch .storage(let error) where error.isOfMedium {
            return .refused(error, try batchesTell(file, &source))
        }
    }

    private mutating func readState(
        of file: SegmentFile,
        _ source: inout Source
    ) throws(LogError) -> State {
        switch SegmentHeader.read(try head(of: file, &source)) {
        case .valid(let header):
            return .begun(header, isSalvaged: false)
        case .refused(let refusal):
            let name = DataDirectory.segmentName(file.number)
            throw .refused(path: "\(source.path)/log/\(name)", refusal)
        case .zero:
            if isZero(try self.page(of: file, at: Layout.page, &source)) {
                return .unused
            }
            return try salvage(file, &source)
        case .damaged:
            return try salvage(file, &source)
        }
    }

    /// The header of a segment whose first page the medium does not give; nil where it gives no
    /// batch, either.
    private mutating func batchesTell(
        _ file: SegmentFile,
        _ source: inout Source
    ) throws(LogError) -> SegmentHeader? {
        do throws(LogError) {
            return try salvage(file, &source).header
        } catch .storage(let error) where error.isOfMedium {
            return nil
        }
    }

    /// A segment's first page alone: the headers of all segments are read first, and little else of
    /// most.
    private mutating func head(
        of file: SegmentFile,
        _ source: inout Source
    ) throws(LogError) -> UnsafeRawBufferPointer {
        window.forget()
        source.reopen(segment: file.number)
        return try window.bytes(
            of: file.number,
            at: 0,
            count: Layout.page,
            size: Layout.page,
            from: &source
        )
    }

    /// The header of the file that is read from now on: retention or a repair may have put another
    /// one in the place of that which was looked at first.
    private mutating func reread(
        _ header: SegmentHeader,
        _ file: SegmentFile,
        _ source: inout Source
    ) throws(LogError) -> SegmentHeader {
        guard case .valid(let current) = SegmentHeader.read(try head(of: file, &source)) else {
            return header
        }
        return current
    }

    /// Rebuilds a lost header from the first batch that has one. A header is on the medium before
    /// the first batch is written, so a body of zeros means that it was being written.
    private mutating func salvage(
        _ file: SegmentFile,
        _ source: inout Source
    ) throws(LogError) -> State {
        var isBlank = true
        var position = Layout.segmentHeader
        while position + Layout.page <= file.size {
            let page = try page(of: file, at: position, &source)
            if case .header(let batch) = BatchHeader.read(page),
                batch.position == UInt64(position),
                batch.segment == UInt32(truncatingIfNeeded: file.number)
            {
                // Without its first batch nothing tells where the oldest segment began: whatever is
                // older than what is found is missed, rather than too little.
                let isOldest = file.number == manifest?.oldestSegment ?? 0
                let isWhole = position == Layout.segmentHeader || !isOldest
                let header = SegmentHeader(
                    number: file.number,
                    base: isWhole ? batch.base : .zero,
                    salt: batch.salt,
                    engine: manifest?.engine ?? UUID128(high: 0, low: 0),
                    created: Timestamp(nanoseconds: 0),
                    size: UInt64(file.size)
                )
                return .begun(header, isSalvaged: true)
            }
            isBlank = isBlank && isZero(page)
            position += Layout.page
        }
        // MANIFEST names a segment before its first batch is written.
        let isAhead = manifest?.active.map { file.number > $0 } ?? false
        return isBlank || isAhead ? .unused : .unreadable
    }

    private mutating func page(
        of file: SegmentFile,
        at position: Int,
        _ source: inout Source
    ) throws(LogError) -> UnsafeRawBufferPointer {
        try window.bytes(
            of: file.number,
            at: position,
            count: Layout.page,
            size: file.size,
            from: &source
        )
    }

    /// Whether nothing is wanted any more of the segment with `header`, or of one that has none:
    /// where a loss is open, it ends there.
    private mutating func ends(before header: SegmentHeader?) -> Bool {
        guard end > .zero else { return false }
        guard let header else { return expected >= end && openLoss == nil }
        guard header.base >= end else { return false }
        closeLoss(at: header.base, isOpenEnded: false)
        return true
    }

    private mutating func read(
        _ header: SegmentHeader,
        _ file: SegmentFile,
        isLast: Bool,
        _ source: inout Source,
        _ visit: Visit
    ) throws(LogError) {
        enter(header, file)
        var place = Place(header: header, isLast: isLast, fileSize: file.size)
        if try !passByFooter(&place, file, &source) {
            if let entrance, entrance.leads(into: header), entrance.base >= expected {
                expected = entrance.base
                place.move(to: entrance.position)
            }
            let known = found.damages.count
            // Of a segment that is read from its midst on no footer can be compared.
            tally = salvages && !isQuick && header.base >= start ? SegmentTally() : nil
            while try advance(&place, &source, visit) {}
            try checkFooter(place, file, isSound: found.damages.count == known, &source)
        }
        if !isLast, !place.isSealed, openLoss == nil {
            reportOpen(.missingBatches, segment: file.number, position: place.position)
        }
        found.spans.append(
            LogScan.Span(
                header: header,
                end: expected,
                position: place.position,
                isSealed: place.isSealed,
                storedBytes: place.storedBytes,
                plainBytes: place.plainBytes
            )
        )
        found.tail = LogScan.Tail(
            header: header,
            fileSize: file.size,
            position: place.position,
            isSealed: place.isSealed
        )
    }
}
