import Disk
package import Primitives
import RecordFormat

/// Single records on their way from the device, each with the piece of its segment that holds it.
struct RecordReads: ~Copyable {
    private var underWay: [UInt64: Read] = [:]
    private var finished: [Read] = []
    private var last = firstTicket

    /// Writes have smaller tickets.
    private static let firstTicket: UInt64 = 1 << 62

    struct Read {
        /// What whoever asked calls it.
        let name: UInt64
        let piece: SegmentPiece
    }

    var hasRoom: Bool { underWay.count < Limits.readsInFlight }

    mutating func begin(_ read: Read) -> UInt64 {
        last += 1
        underWay[last] = read
        return last
    }

    /// It was not begun after all.
    mutating func forget(_ ticket: UInt64) { underWay[ticket] = nil }

    /// False: the completion is no read's.
    mutating func finish(_ completion: Completion) -> Bool {
        guard completion.ticket > Self.firstTicket else { return false }
        guard let read = underWay.removeValue(forKey: completion.ticket) else {
            preconditionFailure("a read is reported once")
        }
        // After a failure there are no bytes, and whoever wants them reads again, and waits.
        read.piece.count = completion.count / Layout.page * Layout.page
        finished.append(read)
        return true
    }

    mutating func next() -> Read? { finished.popLast() }
}

/// A part of a segment in memory of its own: some whole batches, and what the segment was called
/// when they were asked for. Retention may have put another file in its place since.
final class SegmentPiece {
    private let header: SegmentHeader
    private let start: Int
    private let memory: AlignedMemory
    /// Bytes that were read.
    var count = 0

    init(_ header: SegmentHeader, _ range: Range<Int>) {
        self.header = header
        start = range.lowerBound
        memory = AlignedMemory(capacity: range.count)
    }

    /// Where the device puts it.
    var target: UnsafeMutableRawBufferPointer { memory.bytes }

    /// The record at `offset`, valid as long as the piece and `bodies` stay as they are; nil: it is
    /// not here, or not what was written.
    func record(at offset: Offset, through bodies: inout BatchDecompressor) -> RecordView? {
        var place = 0
        while place + Layout.page <= count {
            let rest = UnsafeRawBufferPointer(rebasing: memory.bytes[place..<count])
            guard case .header(let batch) = BatchHeader.read(rest), batch.salt == header.salt,
                batch.position == UInt64(start + place), batch.extent <= rest.count,
                batch.base <= offset
            else { return nil }
            if batch.end <= offset {
                place += batch.extent
                continue
            }
            let whole = UnsafeRawBufferPointer(rebasing: rest[..<batch.extent])
            guard let body = bodies.body(of: batch, in: whole),
                var reader = BatchReader(batch, body: body)
            else { return nil }
            do throws(BatchReader.Failure) {
                try reader.skip(to: offset)
                return try reader.record()
            } catch {
                return nil
            }
        }
        return nil
    }
}

extension CommitLog where Store: ~Copyable {
    /// Begins to read the record at `offset`, without waiting for it; ``takeRead()`` then tells
    /// `name`.
    ///
    /// - Returns: false where ``record(at:_:)`` finds it in memory, or must wait for it: too many
    ///   are on their way.
    package mutating func beginRead(_ offset: Offset, name: UInt64) -> Bool {
        precondition(offset < staged)
        guard offset < writing.base, offset < filling.base, reads.hasRoom,
            let (segment, range) = index.place(of: offset), range.count <= Self.longestPiece,
            let header = try? fetcher.header(of: segment, &device.store)
        else { return false }
        let piece = SegmentPiece(header, range)
        let ticket = reads.begin(RecordReads.Read(name: name, piece: piece))
        let hasBegun = device.beginRead(
            segment,
            at: range.lowerBound,
            into: piece.target,
            ticket: ticket
        )
        if !hasBegun { reads.forget(ticket) }
        return hasBegun
    }

    /// The name of a record that has arrived: until the next call, ``record(at:_:)`` need not wait
    /// for it. Nil: none has.
    package mutating func takeRead() -> UInt64? {
        let read = reads.next()
        fetcher.piece = read?.piece
        return read?.name
    }

    private static var longestPiece: Int { 1 << 20 }
}
