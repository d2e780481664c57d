import Disk
import Primitives
import RecordFormat

// Footers say nothing that the batches before them do not say: a start goes without them, a quick
// pass goes by what they stand for, and a full one compares.

extension LogScanner where Source: ~Copyable {
    /// On a quick pass, takes a segment's footer at its word, if it has one and no gap: those are
    /// wanted one by one.
    ///
    /// - Returns: whether the segment is dealt with.
    mutating func passByFooter(
        _ place: inout Place,
        _ file: SegmentFile,
        _ source: inout Source
    ) throws(LogError) -> Bool {
        guard isQuick, !place.isLast,
            case .valid(let footer) = try footer(of: place, file, &source),
            footer.gaps == 0, footer.end >= place.header.base
        else { return false }
        found.records += Int(clamping: footer.records)
        found.batches += Int(clamping: footer.batches)
        found.unreadBatches += Int(clamping: footer.batches)
        found.unreadBytes += Int(clamping: footer.storedBytes)
        found.mark = max(found.mark, footer.end)
        expected = footer.end
        place.storedBytes = Int(clamping: footer.storedBytes)
        place.plainBytes = Int(clamping: footer.plainBytes)
        place.isSealed = true
        place.move(to: place.limit)
        return true
    }

    /// Reports a sealed segment's footer that is not one, or that says something else than the
    /// segment does; the latter can be told of a segment only that `isSound`. No record depends on
    /// it, so whoever reads records and goes by none that is damaged does not ask.
    mutating func checkFooter(
        _ place: Place,
        _ file: SegmentFile,
        isSound: Bool,
        _ source: inout Source
    ) throws(LogError) {
        defer { tally = nil }
        guard salvages, place.isSealed else { return }
        if !isQuick, let position = try strayPage(place, &source) {
            let none = expected..<expected
            report(.padding, segment: file.number, position: position, lost: none)
        }
        switch try footer(of: place, file, &source) {
        case .zero:
            return
        case .valid(let footer):
            let actual = tally?.footer(
                number: place.header.number,
                salt: place.header.salt,
                end: expected,
                compression: footer.compression
            )
            if actual == nil || actual == footer || !isSound { return }
        case .damaged, .refused:
            break
        }
        report(
            .footer,
            segment: file.number,
            position: place.limit,
            lost: expected..<expected
        )
    }

    /// The first page behind a seal that is not zero, as all of them are up to the footer.
    private mutating func strayPage(
        _ place: Place,
        _ source: inout Source
    ) throws(LogError) -> Int? {
        var position = place.position
        while position + Layout.page <= min(place.limit, place.fileEnd) {
            let page = try bytes(place, at: position, count: Layout.page, &source)
            if !isZero(page) { return position }
            position += Layout.page
        }
        return nil
    }

    /// A segment's last page; zero for a file that ends before.
    private mutating func footer(
        of place: Place,
        _ file: SegmentFile,
        _ source: inout Source
    ) throws(LogError) -> PageReading<SegmentFooter> {
        guard place.size % Layout.page == 0, place.size <= file.size,
            place.limit > Layout.segmentHeader
        else { return .zero }
        let page = try bytes(place, at: place.limit, count: Layout.page, &source)
        let reading = SegmentFooter.read(page)
        guard case .valid(let footer) = reading else { return reading }
        let header = place.header
        return footer.number == header.number && footer.salt == header.salt ? reading : .damaged
    }
}
