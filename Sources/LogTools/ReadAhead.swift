import Disk
import Glibc
import RecordFormat

/// Segments of a directory, read one piece ahead: while a piece is looked at, the next one comes
/// from the device. Reads bypass the page cache, so nobody else does that for us.
///
/// What was read ahead is as old as the read before: not for a log that is followed as it grows.
final class ReadAhead {
    private let directory: Directory
    private var next: Piece?
    /// Of the piece before: memory that is mapped already, which fresh memory of this size is not.
    private var spare: Buffer?

    private final class Buffer {
        let memory: AlignedMemory
        init(count: Int) { memory = AlignedMemory(capacity: count) }
    }

    /// Only one thread at a time has it: whoever reads waits for the piece that is under way first,
    /// and starts the next one when it has finished itself. Joining and starting a thread order
    /// what they do.
    private final class Directory: @unchecked Sendable {
        let files: ReadOnlyDirectory
        init(path: String) { files = ReadOnlyDirectory(path: path) }
    }

    /// Bytes on their way. Its thread is the only one to touch the buffer and `outcome` until
    /// ``finish()`` has joined it, and nobody but the owner of the piece afterwards.
    private final class Piece: @unchecked Sendable {
        let segment: UInt64
        let position: Int
        let buffer: Buffer
        private var outcome = Result<Int, StorageError>.success(0)
        private var thread: WorkThread?

        /// - Throws: when the system has no room for a thread.
        init(
            of directory: Directory,
            segment: UInt64,
            at position: Int,
            into buffer: Buffer
        ) throws(StorageError) {
            self.segment = segment
            self.position = position
            self.buffer = buffer
            thread = try WorkThread("iii-read-ahead") { [self] in
                do throws(StorageError) {
                    outcome = .success(
                        try directory.files.read(
                            segment: segment,
                            at: position,
                            into: self.buffer.memory.bytes
                        )
                    )
                } catch {
                    outcome = .failure(error)
                }
            }
        }

        deinit { precondition(thread == nil, "a piece is finished before it is dropped") }

        func finish() throws(StorageError) -> UnsafeRawBufferPointer {
            thread?.join()
            thread = nil
            return buffer.memory.prefix(try outcome.get())
        }
    }

    /// - Throws: when the directory cannot be listed.
    init(path: String) throws(StorageError) {
        directory = Directory(path: path)
        _ = try directory.files.segments()
    }

    deinit { drop() }

    /// As ``SegmentSource/read(segment:at:into:)``.
    func read(
        segment: UInt64,
        at position: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) -> Int {
        let count: Int
        if let taken = try take(segment, position, memory) {
            count = taken
        } else {
            count = try directory.files.read(segment: segment, at: position, into: memory)
        }
        if count == memory.count {
            start(segment, position + count, memory.count)
        }
        return count
    }

    private func start(_ segment: UInt64, _ position: Int, _ count: Int) {
        let fitting = spare.flatMap { $0.memory.capacity == Layout.padded(count) ? $0 : nil }
        // Without a thread the next read is made when it is asked for.
        next = try? Piece(
            of: directory,
            segment: segment,
            at: position,
            into: fitting ?? Buffer(count: count)
        )
    }

    /// As ``SegmentSource/reopen(segment:)``.
    func reopen(segment: UInt64) {
        drop()
        directory.files.reopen(segment: segment)
    }

    /// Nobody asked for what is on its way, so its failure is nobody's.
    private func drop() {
        _ = try? next?.finish()
        next = nil
    }

    /// What was read ahead, if it is what is asked for; nil: it was something else.
    private func take(
        _ segment: UInt64,
        _ position: Int,
        _ memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) -> Int? {
        guard let piece = next, piece.segment == segment, piece.position == position else {
            drop()
            return nil
        }
        next = nil
        let bytes = try piece.finish()
        guard bytes.count <= memory.count else { return nil }
        memory.copyMemory(from: bytes)
        spare = piece.buffer
        return bytes.count
    }
}
