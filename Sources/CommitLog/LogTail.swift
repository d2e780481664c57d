package import Disk
package import Primitives
package import RecordFormat

/// Goes along with a log that an engine writes, from a place on, and keeps its place: each record
/// is read once, and nothing that lies before.
///
/// What is asked for must be durable: then a batch that is expected stands there whole, and there
/// is no torn tail to tell from damage.
package struct LogTail<Source: SegmentSource & ~Copyable>: ~Copyable {
    private var source: Source
    private var scanner: LogScanner<Source>
    /// Nil until ``start(bytes:before:)`` has found one.
    private var place: LogScanner<Source>.Place?
    private var page = AlignedMemory(capacity: Layout.page)
    /// What the window holds was read when all below this was durable: that much of it is whole.
    private var covered = Offset.zero

    /// The offset of the record that comes next.
    package var next: Offset { scanner.expected }

    package init(_ source: consuming Source) {
        self.source = source
        scanner = Self.scanner(at: .zero)
    }

    private static func scanner(at offset: Offset, isQuick: Bool = false) -> LogScanner<Source> {
        var scanner = LogScanner<Source>(
            manifest: nil,
            salvages: false,
            isQuick: isQuick,
            indexSpacing: .max
        )
        scanner.expected = offset
        // What there is new at a time is little, as a rule.
        if !isQuick { scanner.window = SegmentWindow(ahead: 64 << 10, most: 1 << 20) }
        return scanner
    }

    // MARK: Beginning

    /// Takes a place such that at most about `bytes` of batches lie from there to `end`, a durable
    /// offset, and the batch before them would be more.
    ///
    /// - Throws: what of the log cannot be read; there is no place then.
    package mutating func start(bytes: Int, before end: Offset) throws(LogError) {
        place = nil
        let headers = try headers(bytes, before: end)
        guard let oldest = headers.first else { throw Self.lost(at: end, in: 0) }
        var batches: [(base: Offset, header: SegmentHeader, position: Int, before: Int)] = []
        let total = try walk(headers, to: end) { base, header, position, before in
            batches.append((base, header, position, before))
        }
        let first = batches.first { total - $0.before <= bytes }
        let header = first?.header ?? headers.last ?? oldest
        scanner = Self.scanner(at: first?.base ?? max(end, header.base))
        var place = LogScanner<Source>.Place(
            header: header,
            isLast: true,
            fileSize: Int(header.size)
        )
        if let first {
            place.move(to: first.position)
        } else if let last = batches.last {
            // Nothing is asked for: behind the last batch.
            place.move(to: last.position)
            scanner = Self.scanner(at: last.base)
        }
        self.place = place
        if first == nil { try skip(to: end) }
    }

    /// The headers of the youngest segments that begin before `end`, in order: so many that
    /// `bytes` fit in, but none from before one whose header is lost, which no way leads over.
    private mutating func headers(
        _ bytes: Int,
        before end: Offset
    ) throws(LogError) -> [SegmentHeader] {
        var headers: [SegmentHeader] = []
        var room = bytes
        for file in try source.listed().reversed() {
            guard let header = try headerIfGiven(of: file.number) else {
                // Behind the end it is one that was made ahead, as a rule.
                if headers.isEmpty { continue }
                break
            }
            guard header.base < end || headers.isEmpty && header.base == end else { continue }
            headers.append(header)
            // How full the youngest is only its batches tell.
            if headers.count > 1 { room -= Int(header.size) }
            if room <= 0 || header.base == .zero { break }
        }
        return headers.reversed()
    }

    /// Nil also where the medium does not give it: whoever needs it says so.
    private mutating func headerIfGiven(
        of segment: UInt64
    ) throws(LogError) -> SegmentHeader? {
        do throws(LogError) {
            return try header(of: segment)
        } catch .storage(let error) where error.isOfMedium {
            return nil
        }
    }

    /// Goes over the headers of batches alone.
    ///
    /// - Returns: the bytes of all of them.
    /// - Throws: at the first that is damaged.
    private mutating func walk(
        _ headers: [SegmentHeader],
        to end: Offset,
        _ note: (Offset, SegmentHeader, Int, Int) -> Void
    ) throws(LogError) -> Int {
        var total = 0
        for header in headers {
            var walker = Self.scanner(at: header.base, isQuick: true)
            // As a segment that is not the last one its batches are taken by their headers.
            var place = LogScanner<Source>.Place(
                header: header,
                isLast: false,
                fileSize: Int(header.size)
            )
            while walker.expected < end {
                let (base, position) = (walker.expected, place.position)
                let isOn = try walker.advance(&place, &source) { (_) throws(LogError) in }
                if !walker.found.damages.isEmpty { throw .damaged(walker.damages()) }
                guard isOn else { break }
                // What looks wrong is looked at a second time, from where it is.
                guard place.position > position else { continue }
                note(base, header, position, total)
                total += place.position - position
            }
        }
        return total
    }

    private mutating func header(of segment: UInt64) throws(LogError) -> SegmentHeader? {
        source.reopen(segment: segment)
        page.bytes.initializeMemory(as: UInt8.self, repeating: 0)
        _ = try source.load(segment: segment, at: 0, into: page.bytes)
        guard case .valid(let header) = SegmentHeader.read(page.prefix(Layout.page)),
            header.number == segment
        else { return nil }
        return header
    }

    // MARK: Going on

    /// Hands over the records below `end`, a durable offset, in order, until about `bytes` were
    /// gone by or what was read ahead is used up; `visit` gets views that are valid during the
    /// call.
    ///
    /// - Returns: whether everything below `end` was handed over.
    /// - Throws: where the log cannot be read on from here; ``skip(to:)`` or
    ///   ``start(bytes:before:)`` may find a way round.
    package mutating func read(
        below end: Offset,
        bytes: Int,
        _ visit: (RecordView) -> Void
    ) throws(LogError) -> Bool {
        if next >= covered {
            // What was read ahead may have been written to since.
            scanner.window.forget()
            covered = end
        }
        let near = min(end, covered)
        var rest = bytes
        while next < near {
            guard rest > 0 else { return false }
            rest -= try step(visit)
        }
        return next >= end
    }

    /// Goes to `end`, a durable offset, by headers alone.
    ///
    /// - Throws: as ``read(below:bytes:_:)``.
    package mutating func skip(to end: Offset) throws(LogError) {
        guard next < end else { return }
        guard let old = place else { throw Self.lost(at: next, in: 0) }
        scanner = Self.scanner(at: next, isQuick: true)
        place = old.passing
        defer {
            scanner = Self.scanner(at: next)
            place = place?.reading
        }
        while next < end { _ = try step { _ in } }
    }

    /// Deals with one batch, or goes on to the next segment.
    ///
    /// - Returns: the bytes gone by.
    private mutating func step(_ visit: (RecordView) -> Void) throws(LogError) -> Int {
        guard var place else { throw Self.lost(at: next, in: 0) }
        let position = place.position
        let isOn = try scanner.advance(&place, &source) { (record) throws(LogError) in
            visit(record)
        }
        self.place = place
        if !scanner.found.damages.isEmpty { throw .damaged(scanner.damages()) }
        if !isOn { try roll(place) }
        return max(0, place.position - position)
    }

    private mutating func roll(_ place: LogScanner<Source>.Place) throws(LogError) {
        let number = place.header.number + 1
        guard let header = try header(of: number), header.base >= next else {
            throw Self.lost(at: next, in: number, .segmentHeader)
        }
        guard header.base == next else {
            let damage = Damage(
                .missingBatches,
                segment: place.header.number,
                position: place.position,
                lost: next..<header.base
            )
            throw .damaged([damage])
        }
        scanner.window.forget()
        self.place = LogScanner<Source>.Place(
            header: header,
            isLast: place.isLast,
            fileSize: Int(header.size)
        )
    }

    private static func lost(
        at offset: Offset,
        in segment: UInt64,
        _ reason: Damage.Reason = .missingBatches
    ) -> LogError {
        let damage = Damage(
            reason,
            segment: segment,
            position: 0,
            lost: offset..<offset,
            isOpenEnded: true
        )
        return .damaged([damage])
    }
}

extension LogScanner.Place where Source: ~Copyable {
    /// The same place, where bodies are not wanted.
    fileprivate var passing: Self { standing(isLast: false) }
    fileprivate var reading: Self { standing(isLast: true) }

    private func standing(isLast: Bool) -> Self {
        var place = Self(header: header, isLast: isLast, fileSize: Int(header.size))
        place.move(to: position)
        place.isSealed = isSealed
        return place
    }
}
