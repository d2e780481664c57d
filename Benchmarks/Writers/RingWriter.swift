import CLiburing
import Glibc

/// An io_uring, set up and used in one of many ways.
final class RingWriter: BatchWriter {
    private let options: Way.RingOptions
    private let ring: UnsafeMutablePointer<io_uring>
    private var length = 0
    /// Completions that are still to come.
    private var pending = 0
    private var code: Int32 = 0
    /// The file in the ring's table.
    private var file: Int32 = -1
    /// The memory in the ring's table: a log fills two buffers in turn.
    private var buffers: [iovec] = []

    /// `RWF_DSYNC` (pwritev2(2)).
    private static let writeSynced: Int32 = 2

    init(_ options: Way.RingOptions) throws(Failure) {
        self.options = options
        ring = .allocate(capacity: 1)
        ring.initialize(to: io_uring())
        var parameters = io_uring_params()
        parameters.flags = options.flags
        parameters.sq_thread_idle = 1000
        let code = io_uring_queue_init_params(8, ring, &parameters)
        guard code == 0 else {
            ring.deallocate()
            throw Failure("io_uring refused: \(String(cString: strerror(-code)))")
        }
    }

    deinit {
        io_uring_queue_exit(ring)
        ring.deallocate()
    }

    func begin(_ bytes: UnsafeRawBufferPointer, to file: Int32, at position: Int) {
        precondition(pending == 0)
        if options.isFileRegistered { register(file) }
        let buffer = options.areBuffersRegistered ? register(bytes) : nil
        let target = options.isFileRegistered ? 0 : file
        length = bytes.count
        code = 0
        guard let write = io_uring_get_sqe(ring) else { return code = EAGAIN }
        let (start, count) = (UInt64(position), UInt32(length))
        if let buffer {
            io_uring_prep_write_fixed(write, target, bytes.baseAddress, count, start, buffer)
        } else {
            io_uring_prep_write(write, target, bytes.baseAddress, count, start)
        }
        write.pointee.user_data = 0
        finish(write)
        pending = 1
        if options.sync == .behind {
            write.pointee.flags |= UInt8(1 << IOSQE_IO_LINK_BIT)
            guard let sync = io_uring_get_sqe(ring) else { return code = EAGAIN }
            io_uring_prep_fsync(sync, target, IORING_FSYNC_DATASYNC)
            sync.pointee.user_data = 1
            finish(sync)
            pending = 2
        } else {
            write.pointee.rw_flags = Self.writeSynced
        }
        if options.isAsync { write.pointee.flags |= UInt8(1 << IOSQE_ASYNC_BIT) }
        let submitted = io_uring_submit(ring)
        if submitted < 0 { code = -submitted }
    }

    private func finish(_ entry: UnsafeMutablePointer<io_uring_sqe>) {
        if options.isFileRegistered {
            entry.pointee.flags |= UInt8(1 << IOSQE_FIXED_FILE_BIT)
        }
    }

    func end(waits: Bool) -> Int32? {
        while pending > 0, code == 0 {
            var completion: UnsafeMutablePointer<io_uring_cqe>?
            let status =
                waits ? io_uring_wait_cqe(ring, &completion) : io_uring_peek_cqe(ring, &completion)
            if status == -EAGAIN || status == -EINTR { return nil }
            guard status == 0, let completion else { return -status }
            let result = completion.pointee.res
            if result < 0 {
                code = -result
            } else if completion.pointee.user_data == 0, Int(result) != length {
                code = EIO
            }
            io_uring_cqe_seen(ring, completion)
            pending -= 1
        }
        pending = 0
        return code
    }

    private func register(_ file: Int32) {
        guard file != self.file else { return }
        var number = file
        let status =
            self.file < 0
            ? io_uring_register_files(ring, &number, 1)
            : io_uring_register_files_update(ring, 0, &number, 1)
        precondition(status >= 0, "a ring takes one file")
        self.file = file
    }

    /// - Returns: the place in the ring's table.
    private func register(_ bytes: UnsafeRawBufferPointer) -> Int32? {
        let start = UnsafeMutableRawPointer(mutating: bytes.baseAddress)
        if let index = buffers.firstIndex(where: {
            $0.iov_base == start && $0.iov_len >= bytes.count
        }) {
            return Int32(index)
        }
        if !buffers.isEmpty { io_uring_unregister_buffers(ring) }
        buffers.removeAll { $0.iov_base == start }
        buffers.append(iovec(iov_base: start, iov_len: bytes.count))
        // A buffer that grew is elsewhere now. Keep the two that are in use, and one for chores.
        if buffers.count > 3 { buffers.removeFirst() }
        let status = io_uring_register_buffers(ring, buffers, UInt32(buffers.count))
        guard status == 0 else {
            buffers = []
            return nil
        }
        return Int32(buffers.count - 1)
    }
}
