/// A segment as the directory lists it.
package struct SegmentFile: Equatable, Sendable {
    package let number: UInt64
    /// Bytes of the file.
    package let size: Int

    package init(number: UInt64, size: Int) {
        self.number = number
        self.size = size
    }
}

/// What a log is read from. Positions and lengths are multiples of 4096 and memory starts on such a
/// boundary, so that an implementation may bypass the page cache.
package protocol SegmentSource: ~Copyable {
    /// Where the files are, for messages.
    var path: String { get }

    /// The segments there are, ascending by number, files in the making left out.
    mutating func segments() throws(StorageError) -> [SegmentFile]

    /// Reads what the medium holds, not what a cache believes.
    ///
    /// - Returns: the bytes read, fewer than asked for only at the end of the file.
    mutating func read(
        segment: UInt64,
        at position: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) -> Int

    /// Lets the next read of a segment find the file that has its name by then: retention puts a
    /// smaller one in its place.
    mutating func reopen(segment: UInt64)

    /// Forgets what was read ahead: the next read finds what the medium holds by then.
    mutating func lookAgain()

    /// Reads one of the two slots of MANIFEST, 4096 bytes; what the file lacks is zero.
    mutating func readManifest(
        slot: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError)
}

extension SegmentSource where Self: ~Copyable {
    /// Nothing is kept open.
    package mutating func reopen(segment: UInt64) {}
    /// Nothing is read ahead.
    package mutating func lookAgain() {}
}

/// Where a write goes.
package enum WriteTarget: Equatable, Sendable {
    case segment(UInt64)
    /// Slot 0 or 1.
    case manifest(slot: Int)
}

/// The end of one submitted write or read.
package struct Completion: Equatable, Sendable {
    package let ticket: UInt64
    /// Nil when every byte is on the medium, or what the file has of them is in memory.
    package let failure: StorageError?
    /// How many bytes were read.
    package let count: Int

    package init(ticket: UInt64, failure: StorageError?, count: Int = 0) {
        self.ticket = ticket
        self.failure = failure
        self.count = count
    }
}

/// How the segment made ahead stands.
package enum Preparation: Equatable, Sendable {
    case none
    case running(UInt64)
    case ready(UInt64)
    case failed(UInt64, StorageError)
}

/// A data directory that belongs to one engine: durable writes without waiting for them, and the
/// chores around. Knows neither batches nor records.
///
/// One thread owns a storage from its first write or wait on; before, it may be handed over.
///
/// Invariants:
/// * A write is reported once, and as done only when it is on the medium, not in a cache.
/// * A failed or short write is never repeated: nobody knows what the medium holds.
package protocol Storage: SegmentSource, ~Copyable {
    /// How bytes reach the device, as an operator should read it.
    var backend: String { get }

    /// Whether the directory is there and an engine's own; touches nothing.
    ///
    /// - Returns: false when it is missing, or empty but for what may stand beside a log.
    /// - Throws: ``StorageError/foreignDirectory(path:found:)``.
    mutating func isInUse() throws(StorageError) -> Bool

    /// Makes the directory if need be, and takes it for this engine until the process ends.
    ///
    /// - Throws: ``StorageError/locked(path:holder:)``.
    mutating func lock() throws(StorageError)

    /// Makes sure that MANIFEST has its two slots and that the folder of segments exists, durably;
    /// removes what an interrupted ``prepareSegment(_:size:)`` left.
    mutating func arrange() throws(StorageError)

    /// Makes a segment of zeros, durable on return.
    mutating func createSegment(_ number: UInt64, size: Int) throws(StorageError)

    /// Begins to make a segment of zeros ahead of its use; rings the waker when it is done.
    mutating func prepareSegment(_ number: UInt64, size: Int)

    /// How the segment made ahead stands; leaves it.
    mutating func preparation() -> Preparation

    /// Removes a segment, durably.
    mutating func removeSegment(_ number: UInt64) throws(StorageError)

    /// Cuts or extends a segment to `size` bytes, durably; what is added reads as zero.
    mutating func resizeSegment(_ number: UInt64, to size: Int) throws(StorageError)

    /// Hands over a write of whole pages that is to be on the medium when it is reported. The bytes
    /// must stay where and as they are until then.
    mutating func submit(
        _ bytes: UnsafeRawBufferPointer,
        to target: WriteTarget,
        at position: Int,
        ticket: UInt64
    ) throws(StorageError)

    /// Begins to read as ``SegmentSource/read(segment:at:into:)`` does, without waiting for it. The
    /// memory belongs to the storage until the read is reported; writes have other tickets.
    ///
    /// - Throws: when the segment cannot be opened; nothing is reported then.
    mutating func submitRead(
        segment: UInt64,
        at position: Int,
        into memory: UnsafeMutableRawBufferPointer,
        ticket: UInt64
    ) throws(StorageError)

    /// The next finished write or read, if there is one; never waits.
    mutating func reap() throws(StorageError) -> Completion?

    /// Looks for what would end a ``wait(nanoseconds:)``, for at most so long and without giving
    /// the processor up.
    ///
    /// - Returns: whether there was something.
    mutating func poll(nanoseconds: UInt64) -> Bool

    /// Sleeps until a write or a read is finished, the waker is rung, or the time is over; may
    /// return for none of these reasons. Nil nanoseconds: no limit.
    mutating func wait(nanoseconds: UInt64?) throws(StorageError)

    /// Writes whole pages, on the medium on return. For the time before and after the log runs.
    mutating func write(
        _ bytes: UnsafeRawBufferPointer,
        to target: WriteTarget,
        at position: Int
    ) throws(StorageError)

    /// Puts on the medium whatever a cache still holds of a segment.
    mutating func sync(segment: UInt64) throws(StorageError)

    /// Says that a segment is not written any more.
    mutating func release(segment: UInt64)

    /// Returns when no submitted write or read is running: memory handed over may then be freed.
    func drain()
}

extension Storage where Self: ~Copyable {
    /// One that finds nothing without sleeping.
    package func poll(nanoseconds: UInt64) -> Bool { false }
}
