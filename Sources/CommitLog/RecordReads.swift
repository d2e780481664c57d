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

/// A part of a segment in memory of its own.
final class SegmentPiece {
    private let segment: UInt64
    private let start: Int
    private let memory: AlignedMemory
    /// Bytes that were read.
    var count = 0

    init(_ segment: UInt64, _ range: Range<Int>) {
        self.segment = segment
        start = range.lowerBound
        memory = AlignedMemory(capacity: range.count)
    }

    /// Where the device puts it.
    var target: UnsafeMutableRawBufferPointer { memory.bytes }

    /// Nil: it does not hold all of them.
    func bytes(
        of segment: UInt64,
        at position: Int,
        count: Int
    ) -> UnsafeRawBufferPointer? {
        guard segment == self.segment, position >= start,
            position + count <= start + self.count
        else { return nil }
        let range = position - start..<position - start + count
        return UnsafeRawBufferPointer(rebasing: memory.bytes[range])
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
            let (segment, range) = index.place(of: offset), range.count <= Self.longestPiece
        else { return false }
        let piece = SegmentPiece(segment, range)
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
