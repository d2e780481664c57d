import CLiburing
import CPlatform
import Glibc
import Primitives

/// Writes by io_uring: one system call hands a batch over, and the thread goes on filling the next.
///
/// Each write goes past the page cache and is on the medium when it ends (`RWF_DSYNC`), and is run
/// by a worker of the ring (`IOSQE_ASYNC`). A write that the submitting thread begins itself ends
/// on a worker of the kernel instead, which waits for a scheduler tick, 4 ms, where the processors
/// are busy; the ring's worker inherits the short slices of the thread that owns it. What was
/// measured against it is in `Benchmarks/WRITER.md`.
///
/// Invariants:
/// * At most `inFlightMax` writes and one poll of the waker are in the ring, so its queues never
///   overflow.
/// * A write's memory is the kernel's until its completion is reaped.
package struct UringStorage: FileStorage, ~Copyable {
    package let directory: DataDirectory
    package var waker: Waker { flight.waker }
    package let backend = "io_uring"
    fileprivate let flight: Flight

    private static let inFlightMax = 6
    private static let pollTag = UInt64.max
    /// `RWF_DSYNC` (pwritev2(2)): the write is on the medium when it ends.
    private static let writeSynced: Int32 = 2

    /// - Throws: ``StorageError/ringUnavailable(code:)`` when the kernel refuses io_uring; nothing
    ///   was touched, and ``PlainStorage`` will do.
    package init(path: String, waker: Waker) throws(StorageError) {
        directory = DataDirectory(path: path, writesThrough: false)
        flight = Flight(ring: try Ring(entries: 16), waker: waker)
    }

    /// What is in the ring. A class, so that ``drain()`` can run in a deinitialiser.
    fileprivate final class Flight {
        let ring: Ring
        let waker: Waker
        var writes: [Write] = []
        var finished: [Completion] = []
        var isPolling = false

        struct Write {
            let ticket: UInt64
            let length: Int
            let path: String
        }

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

        private func land(tag: UInt64, result: Int32) {
            guard let index = writes.firstIndex(where: { $0.ticket == tag }) else {
                preconditionFailure("a write is reported once")
            }
            let write = writes.remove(at: index)
            let failure = write.problem(of: result)
            finished.append(Completion(ticket: write.ticket, failure: failure))
        }
    }

    package func submit(
        _ bytes: UnsafeRawBufferPointer,
        to target: WriteTarget,
        at position: Int,
        ticket: UInt64
    ) throws(StorageError) {
        precondition(ticket < Self.pollTag)
        precondition(flight.writes.count < Self.inFlightMax)
        precondition(bytes.count > 0)
        precondition(bytes.count % DataDirectory.page == 0)
        let (descriptor, path) = try directory.descriptor(for: target)
        let start = UInt64(directory.offset(of: target, position))
        flight.ring.enqueue(tag: ticket) { entry in
            io_uring_prep_write(entry, descriptor, bytes.baseAddress, UInt32(bytes.count), start)
            entry.pointee.rw_flags = Self.writeSynced
            entry.pointee.flags |= UInt8(1 << IOSQE_ASYNC_BIT)
        }
        flight.writes.append(Flight.Write(ticket: ticket, length: bytes.count, path: path))
        try flight.ring.submit()
    }

    package func reap() -> Completion? {
        if flight.finished.isEmpty { flight.harvest() }
        return flight.finished.isEmpty ? nil : flight.finished.removeFirst()
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
        while !flight.writes.isEmpty {
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

extension UringStorage.Flight.Write {
    func problem(of result: Int32) -> StorageError? {
        if result < 0 { return .failed("write", path, -result) }
        if Int(result) == length { return nil }
        return .shortWrite(path: path, expected: length, written: Int(result))
    }
}
