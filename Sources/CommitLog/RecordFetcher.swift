import Disk
import Primitives
import RecordFormat

/// Reads single records back from the medium, each checked against its own checksum.
///
/// Records that lie behind one another are read ahead together: working off a backlog costs a read
/// of the device for every mebibyte, not for every record. A single one costs a read of 64 KiB.
struct RecordFetcher: ~Copyable {
    private var window = SegmentWindow(ahead: OffsetIndex.spacing, most: Self.ahead)
    /// Bytes that are read at a time, at the most.
    private static let ahead = 1 << 20
    /// Holds the body that the cursor reads, if it was compressed.
    private var bodies = BatchDecompressor()
    /// Of the segments that were read, for their salts and sizes.
    private var headers: [UInt64: SegmentHeader] = [:]
    /// Of segments that hold neither a header nor a batch: why, and how often that is said before
    /// they are looked at again. A backlog of their records must not search them once for each.
    private var silent: [UInt64: (error: LogError, left: Int)] = [:]
    private static let patience = 1000
    /// Where the device has refused what was to be read ahead: no more than what is needed is read
    /// there.
    private var rough: (segment: UInt64, bytes: Range<Int>)?
    /// So many pages that the device refuses are passed by in search of one record.
    private static let refusedPages = 4
    /// Where the last record was found: the next one is likely behind it.
    private var cursor: Cursor?
    /// A piece of a segment that was read by itself; looked at before anything is read.
    var piece: SegmentPiece?

    private struct Cursor {
        let batch: BatchHeader
        let segment: UInt64
        let position: Int
        /// Into the window as it was then, or a decompressed body.
        var reader: BatchReader
        let generation: UInt64

        func precedes(_ offset: Offset) -> Bool {
            batch.base <= offset && offset < batch.end && reader.next <= offset
        }
    }

    /// Calls `body` with the record at `offset`, which is durable; the view is valid during the
    /// call.
    ///
    /// - Throws: ``LogError/damaged(_:)`` for a record that was not what was written in two
    ///   readings, ``LogError/storage(_:)`` for one that the device does not give. That the first
    ///   page of its segment is lost costs none, nor do pages that it does not need.
    mutating func fetch<Source: SegmentSource & ~Copyable, Result>(
        _ offset: Offset,
        _ index: inout OffsetIndex,
        from source: inout Source,
        _ body: (RecordView) -> Result
    ) throws(LogError) -> Result {
        if let piece {
            // A body that the cursor reads may be gone then.
            cursor = nil
            if let record = piece.record(at: offset, through: &bodies) { return body(record) }
        }
        if cursor?.generation != window.generation || cursor?.precedes(offset) != true {
            // Whatever comes of it, what the cursor reads may be gone then.
            let last = cursor.take()
            cursor = try locate(offset, behind: last, &index, &source)
        }
        do throws(LogError) {
            return body(try take(offset))
        } catch {
            // A device may give other bytes than it holds: what is wrong twice is damaged.
            window.forget()
            cursor = try locate(offset, behind: nil, &index, &source)
            return body(try take(offset))
        }
    }

    /// The record at `offset` of the batch that was located.
    private mutating func take(_ offset: Offset) throws(LogError) -> RecordView {
        guard var found = cursor else { throw missing(offset, in: nil) }
        cursor = nil
        let record: RecordView?
        do throws(BatchReader.Failure) {
            try found.reader.skip(to: offset)
            record = try found.reader.record()
        } catch {
            throw damaged(offset, .changedBits, found.segment, found.position)
        }
        guard let record else { throw missing(offset, in: found) }
        cursor = found
        return record
    }

    /// Walks from the index's entry, or from the last record, to the batch that holds `offset`.
    private mutating func locate<Source: SegmentSource & ~Copyable>(
        _ offset: Offset,
        behind last: Cursor?,
        _ index: inout OffsetIndex,
        _ source: inout Source
    ) throws(LogError) -> Cursor? {
        guard let entry = index.entry(for: offset) else { return nil }
        var position = entry.position
        if let last, last.segment == entry.segment, last.batch.end <= offset {
            position = max(position, last.position + last.batch.extent)
        }
        do throws(LogError) {
            let header = try header(of: entry.segment, &source)
            return try walk(to: offset, in: header, from: position, &source)
        } catch .damaged {
            // What was read ahead may be older than what is there now. Or the segment was written
            // anew, with other places, since it was indexed: then all of it is looked through.
            window.forget()
            source.reopen(segment: entry.segment)
            let salt = headers[entry.segment]?.salt
            let header = try readHeader(entry.segment, &source)
            if header.salt == salt {
                do throws(LogError) {
                    return try walk(to: offset, in: header, from: position, &source)
                } catch .damaged {}
            }
            let places = try places(in: header, &source)
            let begin = places.entry(for: offset)?.position ?? Layout.segmentHeader
            let found = try walk(to: offset, in: header, from: begin, &source)
            index.replace(segment: header.number, by: places)
            return found
        }
    }

    private mutating func walk<Source: SegmentSource & ~Copyable>(
        to offset: Offset,
        in header: SegmentHeader,
        from start: Int,
        _ source: inout Source
    ) throws(LogError) -> Cursor {
        var position = start
        var refusals: [LogError] = []
        while position + Layout.page <= Int(header.size) {
            guard let batch = try batch(at: position, in: header, past: &refusals, &source) else {
                // Which batch a refused page is of, and where that ends, is not known.
                guard !refusals.isEmpty, position < start + 2 * OffsetIndex.spacing else { break }
                position += Layout.page
                continue
            }
            if batch.end <= offset {
                position += batch.extent
                continue
            }
            guard batch.base <= offset else { break }
            let whole = try bytes(header, position, batch.extent, &source)
            guard let body = bodies.body(of: batch, in: whole),
                let reader = BatchReader(batch, body: body)
            else { throw damaged(offset, .changedBits, header.number, position) }
            return Cursor(
                batch: batch,
                segment: header.number,
                position: position,
                reader: reader,
                generation: window.generation
            )
        }
        if let refusal = refusals.first { throw refusal }
        throw damaged(offset, .batchHeader, header.number, position)
    }

    /// Where the batches of a segment are, those behind a damage as well.
    private mutating func places<Source: SegmentSource & ~Copyable>(
        in header: SegmentHeader,
        _ source: inout Source
    ) throws(LogError) -> OffsetIndex {
        var places = OffsetIndex()
        var position = Layout.segmentHeader
        // Whatever its first batch is like: what begins there is looked for in this segment.
        places.note(header.base, segment: header.number, position: position)
        var next = header.base
        var refusals: [LogError] = []
        while position + Layout.page <= Int(header.size) {
            guard let batch = try batch(at: position, in: header, past: &refusals, &source),
                batch.base >= next
            else {
                position += Layout.page
                continue
            }
            if batch.recordCount > 0 {
                places.note(batch.base, segment: header.number, position: position)
            }
            if batch.kind == .seal { break }
            next = batch.end
            position += batch.extent
        }
        return places
    }

    /// As ``batch(at:in:_:)``, and nil for a page that the device does not give, a few times: that
    /// one page is refused does not stand in the way of what is behind it.
    private mutating func batch<Source: SegmentSource & ~Copyable>(
        at position: Int,
        in header: SegmentHeader,
        past refusals: inout [LogError],
        _ source: inout Source
    ) throws(LogError) -> BatchHeader? {
        do throws(LogError) {
            return try batch(at: position, in: header, &source)
        } catch  where error.isOfMedium && refusals.count < Self.refusedPages {
            refusals.append(error)
            return nil
        }
    }

    /// The header of the batch at `position`; nil: there is none.
    private mutating func batch<Source: SegmentSource & ~Copyable>(
        at position: Int,
        in header: SegmentHeader,
        _ source: inout Source
    ) throws(LogError) -> BatchHeader? {
        guard position + Layout.page <= Int(header.size) else { return nil }
        let sector = try bytes(header, position, Layout.page, &source)
        guard case .header(let batch) = BatchHeader.read(sector), batch.salt == header.salt,
            batch.position == UInt64(position), position + batch.extent <= Int(header.size)
        else { return nil }
        return batch
    }

    /// As it was when the segment was first read; a file in its place since has another salt.
    mutating func header<Source: SegmentSource & ~Copyable>(
        of segment: UInt64,
        _ source: inout Source
    ) throws(LogError) -> SegmentHeader {
        if let known = headers[segment] { return known }
        return try readHeader(segment, &source)
    }

    private mutating func readHeader<Source: SegmentSource & ~Copyable>(
        _ segment: UInt64,
        _ source: inout Source
    ) throws(LogError) -> SegmentHeader {
        headers[segment] = nil
        if let known = silent.removeValue(forKey: segment), known.left > 0 {
            silent[segment] = (known.error, known.left - 1)
            throw known.error
        }
        do throws(LogError) {
            if let header = try firstPage(of: segment, &source) {
                headers[segment] = header
                return header
            }
            throw Self.lost(segment)
        } catch {
            guard error.isOfMedium else { throw error }
            guard let header = try salvaged(segment, &source) else {
                // What was refused may be given the next time.
                if case .damaged = error { silent[segment] = (error, Self.patience) }
                throw error
            }
            headers[segment] = header
            return header
        }
    }

    private static func lost(_ segment: UInt64) -> LogError {
        let lost = Offset.zero..<Offset.zero
        return .damaged([Damage(.segmentHeader, segment: segment, position: 0, lost: lost)])
    }

    /// Nil where it is no header.
    private mutating func firstPage<Source: SegmentSource & ~Copyable>(
        of segment: UInt64,
        _ source: inout Source
    ) throws(LogError) -> SegmentHeader? {
        let page = try window.bytes(
            of: segment,
            at: 0,
            count: Layout.page,
            size: Layout.page,
            from: &source
        )
        guard case .valid(let header) = SegmentHeader.read(page) else { return nil }
        return header.number == segment ? header : nil
    }

    /// What its batches say of a segment: none of its records is lost with its first page.
    ///
    /// - Throws: ``LogError/storage(_:)`` where the device gives none of them, and so does not say
    ///   that there are none.
    private func salvaged<Source: SegmentSource & ~Copyable>(
        _ segment: UInt64,
        _ source: inout Source
    ) throws(LogError) -> SegmentHeader? {
        let files = try source.listed()
        guard let file = files.first(where: { $0.number == segment }) else { return nil }
        // Somebody waits: of a segment that holds no batch any more not all is looked through.
        let start = SegmentFile(number: segment, size: min(file.size, Self.salvageBytes))
        var scanner = LogScanner<Source>(manifest: nil, salvages: true, isQuick: true)
        let state = try scanner.state(of: start, &source)
        if case .refused(let refusal, nil) = state { throw .storage(refusal) }
        // Another segment's file in its place has a header, too.
        guard var header = state.header, header.number == segment else { return nil }
        header.size = UInt64(file.size / Layout.page * Layout.page)
        return header
    }

    /// Where a segment's first batches are, as a rule.
    private static let salvageBytes = 1 << 20

    private mutating func bytes<Source: SegmentSource & ~Copyable>(
        _ header: SegmentHeader,
        _ position: Int,
        _ count: Int,
        _ source: inout Source
    ) throws(LogError) -> UnsafeRawBufferPointer {
        let number = header.number
        let isRough = rough.map { $0.segment == number && $0.bytes.contains(position) } ?? false
        let end = position + count
        do throws(LogError) {
            return try window.bytes(
                of: number,
                at: position,
                count: count,
                size: isRough ? end : Int(header.size),
                from: &source
            )
        } catch  where error.isOfMedium && !isRough {
            // What was to be read along may be what the device refuses.
            rough = (number, position..<position + Self.ahead)
            return try window.bytes(
                of: number,
                at: position,
                count: count,
                size: end,
                from: &source
            )
        }
    }

    private func missing(_ offset: Offset, in cursor: Cursor?) -> LogError {
        damaged(offset, .missingBatches, cursor?.segment ?? 0, cursor?.position ?? 0)
    }

    private func damaged(
        _ offset: Offset,
        _ reason: Damage.Reason,
        _ segment: UInt64,
        _ position: Int
    ) -> LogError {
        let lost = offset..<offset.advanced(by: 1)
        return .damaged([Damage(reason, segment: segment, position: position, lost: lost)])
    }
}
