import CLiburing
import Glibc

/// Reads a segment a few mebibytes ahead of whoever passes over it, so that the device works while
/// what it gave is looked at.
///
///     pieces   |---- read ----|---- read ----|-- on the way --|-- on the way --|
///                    |===== asked for =====|
///
/// Invariants:
/// * `pieces` lie behind one another in one segment, at most ``piecesMax`` of them.
/// * The memory of a piece that is on the way is the kernel's.
/// * What is asked for again is read again: only who goes forward gets what was read ahead.
///
/// One thread owns it from the first read on.
final class ReadAhead {
    private let ring: Ring
    private var segment: UInt64 = 0
    /// Where the last read began.
    private var last = Int.max
    private var pieces: [Piece] = []
    private var spare: [UnsafeMutableRawBufferPointer]
    private var nextTag: UInt64 = 0

    private struct Piece {
        let tag: UInt64
        let memory: UnsafeMutableRawBufferPointer
        let position: Int
        /// What the read answered; nil while it is on the way.
        var result: Int32?

        var end: Int { position + memory.count }
    }

    private static let pieceBytes = 512 << 10
    private static let piecesMax = 10
    /// Larger reads, and small ones, are not worth it.
    private static let sizes = 64 << 10...(piecesMax - 5) * pieceBytes

    /// - Throws: ``StorageError/ringUnavailable(code:)``.
    init() throws(StorageError) {
        ring = try Ring(entries: UInt32(Self.piecesMax))
        spare = (0..<Self.piecesMax).map { _ in
            .allocate(byteCount: Self.pieceBytes, alignment: DataDirectory.page)
        }
    }

    deinit {
        drop()
        // What the kernel may still write to is not given back.
        for memory in spare { memory.deallocate() }
    }

    /// Reads bytes of a segment by way of what was read ahead of them, and goes on reading.
    ///
    /// - Returns: how many: all; nil when they are to be read in the plain way, which tells what
    ///   is wrong, or that the file ends there.
    func read(
        _ descriptor: Int32,
        segment: UInt64,
        at position: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) -> Int? {
        guard Self.sizes.contains(memory.count) else { return nil }
        if segment != self.segment || position <= last { drop() }
        self.segment = segment
        last = position
        release(before: position)
        if let first = pieces.first, position < first.position || position > ahead { drop() }
        do throws(StorageError) {
            try submit(descriptor, from: position)
            var done = 0
            for index in pieces.indices where done < memory.count {
                let piece = pieces[index]
                guard piece.end > position + done else { continue }
                // A short piece is the end of the file, or was interrupted.
                guard try arrived(index) == piece.memory.count else { break }
                let start = position + done - piece.position
                let taken = min(piece.memory.count - start, memory.count - done)
                UnsafeMutableRawBufferPointer(rebasing: memory[done...]).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: piece.memory[start..<start + taken])
                )
                done += taken
            }
            if done == memory.count { return done }
        } catch {
            // The plain read meets it again, and says what it is.
        }
        drop()
        return nil
    }

    /// Forgets what was read ahead, when it has arrived.
    func drop() {
        last = .max
        do throws(StorageError) {
            while true {
                harvest()
                guard pieces.contains(where: { $0.result == nil }) else { break }
                try ring.wait(nanoseconds: nil)
            }
        } catch {
            // Not this ring's thread: the memory that is on the way is lost.
        }
        spare += pieces.filter { $0.result != nil }.map(\.memory)
        pieces = []
    }

    // MARK: Pieces

    private var ahead: Int { pieces.last?.end ?? 0 }

    private func release(before position: Int) {
        while let first = pieces.first, first.end <= position, first.result != nil {
            spare.append(first.memory)
            pieces.removeFirst()
        }
    }

    private func submit(_ descriptor: Int32, from start: Int) throws(StorageError) {
        guard !spare.isEmpty else { return }
        var position = pieces.last?.end ?? start
        while let memory = spare.popLast() {
            nextTag += 1
            ring.enqueue(tag: nextTag) { entry in
                io_uring_prep_read(
                    entry,
                    descriptor,
                    memory.baseAddress,
                    UInt32(memory.count),
                    UInt64(position)
                )
            }
            pieces.append(Piece(tag: nextTag, memory: memory, position: position))
            position += memory.count
        }
        try ring.submit()
    }

    /// The bytes of a piece, waited for.
    private func arrived(_ index: Int) throws(StorageError) -> Int {
        while true {
            harvest()
            if let result = pieces[index].result {
                guard result >= 0 else { throw .failed("read", "a segment", -result) }
                return Int(result)
            }
            try ring.wait(nanoseconds: nil)
        }
    }

    private func harvest() {
        while let (tag, result) = ring.next() {
            if let landed = pieces.firstIndex(where: { $0.tag == tag }) {
                pieces[landed].result = result
            }
        }
    }
}

/// As ``ReadOnlyDirectory``, for whoever passes over whole segments: reads ahead where the kernel
/// has an io_uring for it.
package struct ReadAheadDirectory: SegmentSource, ~Copyable {
    private let directory: ReadOnlyDirectory
    private let ahead: ReadAhead?

    package init(path: String) {
        directory = ReadOnlyDirectory(path: path)
        ahead = try? ReadAhead()
    }

    package var path: String { directory.path }

    package func segments() throws(StorageError) -> [SegmentFile] { try directory.segments() }

    package func read(
        segment: UInt64,
        at position: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) -> Int {
        if let ahead {
            let descriptor = try directory.descriptor(segment)
            let count = ahead.read(descriptor, segment: segment, at: position, into: memory)
            if let count { return count }
        }
        return try directory.read(segment: segment, at: position, into: memory)
    }

    package func reopen(segment: UInt64) {
        ahead?.drop()
        directory.reopen(segment: segment)
    }

    package func lookAgain() { ahead?.drop() }

    package func readManifest(
        slot: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) {
        try directory.readManifest(slot: slot, into: memory)
    }
}
