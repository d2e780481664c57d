import CLiburing
import CPlatform
import Glibc
import Primitives

/// Writes by io_uring: one system call hands a batch over, and the thread goes on filling the next.
///
/// A batch is on the medium in one of two ways, both past the page cache. Measured on ext4 over a
/// virtual disk without FUA, overwriting zero-filled blocks, syncs a second in one run:
///
///                                  idle, 4 KiB   64 KiB    two busy cores, 4 KiB   64 KiB
///     one write with `RWF_DSYNC`         9,300    1,800                      260      320
///     a write linked to an fdatasync     6,500    5,000                    5,300    5,600
///     (the latter through the cache      8,300    5,600                    3,600    4,900)
///
/// The single write is the fastest until the processors are busy: it ends on a kernel worker, which
/// then waits for a tick of the scheduler. A linked sync runs on a worker of the ring, which
/// inherits the short slices of the thread that owns it. So a single write is tried, and after two
/// of sixteen that took longer than ``Limits/slowSync`` the next ``Limits/linkedSyncs`` are linked:
/// one alone the device may have held up. Nothing else that was tried is better in both worlds:
/// `Benchmarks/WRITER.md`.
///
/// Invariants:
/// * At most `inFlightMax` writes with their syncs, `readsMax` reads and one poll of the waker are
///   in the ring, so its queues never overflow.
/// * The memory of a write or a read is the kernel's until its completion is reaped.
package struct UringStorage: FileStorage, ~Copyable {
    package let directory: DataDirectory
    package var waker: Waker { flight.waker }
    package let backend = "io_uring"
    fileprivate let flight: Flight

    private static let inFlightMax = 6
    private static let readsMax = Limits.readsInFlight
    private static let pollTag = UInt64.max
    /// `RWF_DSYNC` (pwritev2(2)): the write is on the medium when it ends.
    private static let writeSynced: Int32 = 2

    /// - Throws: ``StorageError/ringUnavailable(code:)`` when the kernel refuses io_uring; nothing
    ///   was touched, and ``PlainStorage`` will do.
    package init(path: String, waker: Waker) throws(StorageError) {
        directory = DataDirectory(path: path, writesThrough: false)
        flight = Flight(ring: try Ring(entries: 128), waker: waker)
    }

    /// What is in the ring. A class, so that ``drain()`` can run in a deinitialiser.
    fileprivate final class Flight {
        let ring: Ring
        let waker: Waker
        var writes: [RingWrite] = []
        /// The paths of what is read, by ticket.
        var reads: [UInt64: String] = [:]
        var finished: [Completion] = []
        /// How many writes are to be linked to a sync before a single one is tried again.
        var linkedLeft = 0
        /// A bit for each of the last single writes: whether it was slow.
        private var slowOnes: UInt16 = 0
        var isPolling = false

        init(ring: Ring, waker: Waker) {
            self.ring = ring
            self.waker = waker
        }

        /// Takes every completion there is off the ring.
        func harvest() {
            while let (tag, result) = ring.next() {
                if tag == pollTag {
                    isPolling = false
                    waker.clear()
                } else {
                    land(tag: tag, result: result)
                }
            }
        }

        /// A write is reported under an even tag, the sync linked to it under the odd one that
        /// follows.
        private func land(tag: UInt64, result: Int32) {
            if let path = reads.removeValue(forKey: tag / 2) {
                let failure = result < 0 ? StorageError.failed("read", path, -result) : nil
                return finished.append(
                    Completion(ticket: tag / 2, failure: failure, count: max(0, Int(result)))
                )
            }
            guard let index = writes.firstIndex(where: { $0.ticket == tag / 2 }) else {
                preconditionFailure("a write is reported once")
            }
            if tag % 2 == 0, !writes[index].isLinked {
                let time = platform_boottime() - writes[index].submitted
                note(wasSlow: time > Limits.slowSync)
            }
            let end = tag % 2 == 0 ? writes[index].written(result) : writes[index].synced(result)
            guard let end else { return }
            writes.remove(at: index)
            finished.append(end)
        }

        private func note(wasSlow: Bool) {
            slowOnes = slowOnes << 1 | (wasSlow ? 1 : 0)
            guard slowOnes.nonzeroBitCount > 1 else { return }
            linkedLeft = Limits.linkedSyncs
            // Where the next one that is tried is as slow, the processors are as busy as before.
            slowOnes = 1
        }
    }

    package func submit(
        _ bytes: UnsafeRawBufferPointer,
        to target: WriteTarget,
        at position: Int,
        ticket: UInt64
    ) throws(StorageError) {
        precondition(ticket < Self.pollTag / 2)
        precondition(flight.writes.count < Self.inFlightMax)
        precondition(bytes.count > 0)
        precondition(bytes.count % DataDirectory.page == 0)
        let (descriptor, path) = try directory.descriptor(for: target)
        let start = UInt64(directory.offset(of: target, position))
        let isLinked = flight.linkedLeft > 0
        if isLinked { flight.linkedLeft -= 1 }
        flight.ring.enqueue(tag: 2 * ticket) { entry in
            io_uring_prep_write(entry, descriptor, bytes.baseAddress, UInt32(bytes.count), start)
            if isLinked {
                entry.pointee.flags |= UInt8(1 << IOSQE_IO_LINK_BIT)
            } else {
                entry.pointee.rw_flags = Self.writeSynced
            }
        }
        if isLinked {
            flight.ring.enqueue(tag: 2 * ticket + 1) { entry in
                io_uring_prep_fsync(entry, descriptor, IORING_FSYNC_DATASYNC)
            }
        }
        flight.writes.append(
            RingWrite(
                ticket: ticket,
                length: bytes.count,
                path: path,
                isLinked: isLinked,
                submitted: platform_boottime()
            )
        )
        let isSplit = try flight.ring.submit()
        if isLinked, isSplit { flight.writes[flight.writes.count - 1].loseLink() }
    }

    package func submitRead(
        segment: UInt64,
        at position: Int,
        into memory: UnsafeMutableRawBufferPointer,
        ticket: UInt64
    ) throws(StorageError) {
        precondition(ticket < Self.pollTag / 2)
        precondition(flight.reads.count < Self.readsMax)
        let (descriptor, path) = try directory.readingDescriptor(segment)
        flight.ring.enqueue(tag: 2 * ticket) { entry in
            io_uring_prep_read(
                entry,
                descriptor,
                memory.baseAddress,
                UInt32(memory.count),
                UInt64(position)
            )
        }
        flight.reads[ticket] = path
        // The kernel has the file from here on, whatever becomes of the descriptor. What it does
        // not take is in the queue, and has the memory until it is reported: the next write or
        // sleep hands it over, or tells what is wrong with the ring.
        _ = try? flight.ring.submit()
    }

    package func reap() -> Completion? {
        if flight.finished.isEmpty { flight.harvest() }
        return flight.finished.isEmpty ? nil : flight.finished.removeFirst()
    }

    package func poll(nanoseconds: UInt64) -> Bool {
        flight.waker.poll(nanoseconds: nanoseconds) {
            flight.harvest()
            return !flight.finished.isEmpty
        }
    }

    package func wait(nanoseconds: UInt64?) throws(StorageError) {
        flight.harvest()
        guard flight.finished.isEmpty, flight.waker.prepareToSleep() else { return }
        defer { flight.waker.wokeUp() }
        if !flight.isPolling {
            flight.ring.enqueue(tag: Self.pollTag) { entry in
                io_uring_prep_poll_add(entry, flight.waker.descriptor, UInt32(POLLIN))
            }
            flight.isPolling = true
        }
        try flight.ring.wait(nanoseconds: nanoseconds)
        flight.harvest()
    }

    package func drain() {
        flight.harvest()
        while !flight.writes.isEmpty || !flight.reads.isEmpty {
            do throws(StorageError) {
                try flight.ring.wait(nanoseconds: nil)
            } catch {
                // Not this ring's thread. Leaving it to the kernel would let it read freed memory.
                preconditionFailure("a storage ends on the thread that used it: \(error)")
            }
            flight.harvest()
        }
    }
}
