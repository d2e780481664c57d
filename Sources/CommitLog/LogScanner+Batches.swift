import Disk
import Primitives
import RecordFormat

extension LogScanner where Source: ~Copyable {
    /// Where in a segment the pass stands.
    struct Place {
        let header: SegmentHeader
        let isLast: Bool
        /// Where the file ends, in whole pages: behind it there is nothing to look for.
        let fileEnd: Int
        var position = Layout.segmentHeader
        var isSealed = false
        /// Whether what stands here was read twice: a log that is being written may have changed
        /// between two looks, and only what stays wrong is damage.
        var isSettled = false
        /// Bytes of the bodies gone by, as stored and decompressed.
        var storedBytes = 0
        var plainBytes = 0

        init(header: SegmentHeader, isLast: Bool, fileSize: Int) {
            self.header = header
            self.isLast = isLast
            fileEnd = min(Int(header.size), Layout.padded(fileSize))
        }

        var size: Int { Int(header.size) }
        /// The end of the space for batches.
        var limit: Int { size - Layout.segmentFooter }

        /// Whether a header was written for this place in this segment.
        func owns(_ batch: BatchHeader, at position: Int) -> Bool {
            (batch.salt == header.salt || Mutant.is(.noSaltCheck))
                && (batch.position == UInt64(position) || Mutant.is(.noPositionCheck))
                && batch.segment == UInt32(truncatingIfNeeded: header.number)
                && position + batch.extent <= limit
                && batch.bodyLength >= UInt32(Layout.bodyPrefix)
        }

        mutating func move(to position: Int) {
            self.position = position
            isSettled = false
        }
    }

    /// What stands where the next batch is expected.
    private struct Observation {
        let tailCase: TailCase
        /// The header, when there is a whole one of this place.
        var batch: BatchHeader?
    }

    /// Deals with what stands at `place` and moves behind it.
    ///
    /// - Returns: false at the end of the segment's batches.
    mutating func advance(
        _ place: inout Place,
        _ source: inout Source,
        _ visit: Visit
    ) throws(LogError) -> Bool {
        guard !place.isSealed, place.position + Layout.page <= place.limit else { return false }
        let observation = try observe(place, &source)
        let decision = try planted(
            observation.tailCase.decision,
            observation.batch,
            place,
            &source,
            visit
        )
        switch decision {
        case .accept:
            guard let batch = observation.batch else { preconditionFailure("intact has a header") }
            if try !isPadded(batch, place, &source) {
                if looksAgain(&place, &source) { return true }
                let none = batch.base..<batch.base
                let segment = place.header.number
                report(.padding, segment: segment, position: place.position, lost: none)
            }
            try take(batch, &place, &source, visit)
            return true
        case .end:
            return false
        case .cut:
            let end = try survey(place, from: place.position, &source).end
            found.torn = LogScan.TornTail(
                segment: place.header.number,
                position: place.position,
                byteCount: end - place.position
            )
            return false
        case .damage(let reason):
            if looksAgain(&place, &source) { return true }
            return try skip(reason, observation.batch, &place, &source, visit)
        }
    }

    /// Has what stands at `place` read a second time, before it counts as damage.
    ///
    /// - Returns: false where it was.
    private mutating func looksAgain(_ place: inout Place, _ source: inout Source) -> Bool {
        guard !place.isSettled else { return false }
        window.forget()
        source.lookAgain()
        place.isSettled = true
        return true
    }

    /// Whether zeros follow the body of `batch`. No record depends on it, so it is looked at only
    /// where every byte is.
    private mutating func isPadded(
        _ batch: BatchHeader,
        _ place: Place,
        _ source: inout Source
    ) throws(LogError) -> Bool {
        guard salvages, !isQuick, reads(batch, place) else { return true }
        let whole = try bytes(place, at: place.position, count: batch.extent, &source)
        let end = Layout.batchHeader + Int(batch.bodyLength)
        return isZero(UnsafeRawBufferPointer(rebasing: whole[end...]))
    }

    // MARK: Observing

    private mutating func observe(
        _ place: Place,
        _ source: inout Source
    ) throws(LogError) -> Observation {
        let sector = try bytes(place, at: place.position, count: Layout.page, &source)
        switch BatchHeader.read(sector) {
        case .header(let batch):
            return try observe(batch, place, &source)
        case .unknown:
            let name = DataDirectory.segmentName(place.header.number)
            throw .refused(path: "\(source.path)/log/\(name)", .newer(major: Layout.major + 1))
        case .damaged:
            return Observation(tailCase: .garbage)
        case .zero:
            let rest = try survey(place, from: place.position, &source)
            let reach = rest.end - place.position
            let kind: TailCase.Rest =
                if !place.isLast || rest.next != nil || reach > CommitLogLimits.batchExtent {
                    .more
                } else {
                    reach > 0 ? .fragment : .nothing
                }
            let isBelowMark = expected < found.mark
            return Observation(tailCase: .blank(rest: kind, isBelowMark: isBelowMark))
        }
    }

    private mutating func observe(
        _ batch: BatchHeader,
        _ place: Place,
        _ source: inout Source
    ) throws(LogError) -> Observation {
        let continues = isLossOpen ? batch.base >= expected : batch.base == expected
        guard place.owns(batch, at: place.position), continues else {
            return Observation(tailCase: .misplaced, batch: nil)
        }
        // A batch before the wanted records: its header alone says where the next one is.
        if !reads(batch, place) { return Observation(tailCase: .intact, batch: batch) }
        let whole = try bytes(place, at: place.position, count: batch.extent, &source)
        if Checksum.crc32c(batch.storedBody(in: whole)) == batch.bodyChecksum
            || Mutant.is(.bodyUnchecked)
        {
            return Observation(tailCase: .intact, batch: batch)
        }
        // How many offsets a gap stands for is in its body.
        if batch.kind == .gap { return Observation(tailCase: .garbage) }
        guard zeroSectors(whole) > Int(batch.zeroSectors) else {
            return Observation(tailCase: .changed, batch: batch)
        }
        let end = place.position + batch.extent
        let rest = try survey(place, from: end, &source)
        return Observation(
            tailCase: .incomplete(
                isFollowed: !place.isLast || rest.end > end,
                isBelowMark: batch.base < found.mark
            ),
            batch: batch
        )
    }

    /// Whether the body of `batch` is wanted, and not only what its header says.
    private func reads(_ batch: BatchHeader, _ place: Place) -> Bool {
        if batch.kind == .gap { return true }
        if isQuick, !place.isLast { return false }
        return batch.end > start || start == .zero
    }

    /// Looks through a segment from `start` to its end.
    ///
    /// - Returns: the first batch header of this segment there, and the end of the last page that
    ///   is not zero; `start` when there is none.
    mutating func survey(
        _ place: Place,
        from start: Int,
        _ source: inout Source
    ) throws(LogError) -> (next: Int?, end: Int) {
        var next: Int?
        var end = start
        var position = start
        while position + Layout.page <= place.fileEnd {
            let page = try bytes(place, at: position, count: Layout.page, &source)
            if !isZero(page) {
                end = position + Layout.page
                if case .header(let batch) = BatchHeader.read(page),
                    place.owns(batch, at: position)
                {
                    next = next ?? position
                    found.mark = max(found.mark, batch.durable)
                }
            }
            position += Layout.page
        }
        return (next, end)
    }

    mutating func bytes(
        _ place: Place,
        at position: Int,
        count: Int,
        _ source: inout Source
    ) throws(LogError) -> UnsafeRawBufferPointer {
        try window.bytes(
            of: place.header.number,
            at: position,
            count: count,
            size: place.size,
            from: &source
        )
    }

    // MARK: Reading

    /// Hands over the records of a batch whose header holds, names those that are damaged, and
    /// moves behind it.
    private mutating func take(
        _ batch: BatchHeader,
        _ place: inout Place,
        _ source: inout Source,
        _ visit: Visit,
        losing reason: Damage.Reason = .changedBits
    ) throws(LogError) {
        meet(batch.base, segment: place.header.number, position: place.position)
        var end = batch.end
        if reads(batch, place) {
            let whole = try bytes(place, at: place.position, count: batch.extent, &source)
            let body = bodies.body(of: batch, in: whole)
            if batch.kind == .gap {
                end = accept(batch, body, place)
            } else {
                try handOver(batch, body, place, visit, reason)
            }
            tally?.add(batch, whole)
        } else if isQuick {
            found.records += Int(batch.recordCount)
            found.unreadBatches += 1
            found.unreadBytes += Int(batch.bodyLength)
        }
        found.batches += 1
        place.storedBytes += Int(batch.bodyLength)
        place.plainBytes += Int(batch.rawLength)
        if batch.recordCount > 0 {
            found.index.note(batch.base, segment: place.header.number, position: place.position)
        }
        found.mark = max(found.mark, batch.durable)
        expected = end
        place.isSealed = batch.kind == .seal
        place.move(to: place.position + batch.extent)
    }

    /// Goes by the offsets that a gap stands for.
    ///
    /// - Returns: the offset behind them.
    private mutating func accept(
        _ batch: BatchHeader,
        _ body: UnsafeRawBufferPointer?,
        _ place: Place
    ) -> Offset {
        guard let gap = body.flatMap(GapBody.init), let end = gap.end(from: batch.base) else {
            lose(batch.base..<batch.base, .changedBits, place)
            return batch.base
        }
        found.lastTime = max(found.lastTime, gap.time)
        let segment = place.header.number
        let lost = batch.base..<end
        switch gap.reason {
        case .lost:
            found.gaps.append(LogScan.Gap(segment: segment, position: place.position, lost: lost))
        case .removed:
            found.removed += lost.lowerBound.distance(to: lost.upperBound)
            // An engine has no use for them: there may be many.
            if salvages { found.removedRanges.append(lost) }
        }
        return end
    }

    mutating func handOver(
        _ batch: BatchHeader,
        _ body: UnsafeRawBufferPointer?,
        _ place: Place,
        _ visit: Visit,
        _ reason: Damage.Reason
    ) throws(LogError) {
        guard let body, var reader = BatchReader(batch, body: body) else {
            return lose(batch.base..<batch.end, reason, place)
        }
        found.lastTime = max(found.lastTime, reader.time)
        while true {
            let offset = reader.next
            let record: RecordView?
            do throws(BatchReader.Failure) {
                record = try reader.record()
            } catch .checksum {
                lose(offset..<offset.advanced(by: 1), reason, place)
                continue
            } catch {
                return lose(offset..<batch.end, reason, place)
            }
            guard let record else { return }
            found.records += 1
            found.lastTime = max(found.lastTime, record.time)
            if record.offset >= start, salvages || found.damages.isEmpty { try visit(record) }
        }
    }

    /// Names lost records of the batch at `place`; neighbours make one range.
    private mutating func lose(_ lost: Range<Offset>, _ reason: Damage.Reason, _ place: Place) {
        if let last = found.damages.last, last.segment == place.header.number,
            last.position == place.position, last.reason == reason,
            last.lost.upperBound == lost.lowerBound
        {
            found.damages.removeLast()
            return report(
                reason,
                segment: last.segment,
                position: last.position,
                lost: last.lost.lowerBound..<lost.upperBound
            )
        }
        report(reason, segment: place.header.number, position: place.position, lost: lost)
    }

    /// Reports a damage and moves to the next place that can be read.
    ///
    /// - Returns: false when the segment has none.
    private mutating func skip(
        _ reason: Damage.Reason,
        _ batch: BatchHeader?,
        _ place: inout Place,
        _ source: inout Source,
        _ visit: Visit
    ) throws(LogError) -> Bool {
        let segment = place.header.number
        guard let batch else {
            reportOpen(reason, segment: segment, position: place.position)
            let isElsewhere = reason == .misplacedBatch
            let from = isElsewhere ? place.position : place.position + Layout.page
            let rest = try survey(place, from: from, &source)
            guard var next = rest.next else { return false }
            if next == place.position, try !leadsOn(place, &source) {
                let behind = try survey(place, from: place.position + Layout.page, &source)
                guard let other = behind.next else { return false }
                next = other
            }
            place.move(to: next)
            return true
        }
        let known = found.damages.count
        let position = place.position
        try take(batch, &place, &source, visit, losing: reason)
        // Every record may hold although the body does not: the bits that changed are in none.
        if found.damages.count == known {
            report(reason, segment: segment, position: position, lost: batch.base..<batch.base)
        }
        return true
    }

    /// Whether the header at `place` goes on from here, perhaps behind a loss.
    private mutating func leadsOn(_ place: Place, _ source: inout Source) throws(LogError) -> Bool {
        let sector = try bytes(place, at: place.position, count: Layout.page, &source)
        guard case .header(let batch) = BatchHeader.read(sector) else { return false }
        return batch.base >= expected
    }
}

/// The bounds that follow from ``Limits``.
enum CommitLogLimits {
    /// Bytes of the largest batch: one that has just room and gets one record more.
    static let batchExtent = Layout.padded(
        Limits.batchBytes + Limits.recordBytes + 4 * Layout.page
    )
}
