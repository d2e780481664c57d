import CLiburing
import Glibc

/// An io_uring: queues that the kernel and one thread share.
///
/// Made disabled and switched on by the thread that first uses it, which from then on is the only
/// one the kernel lets in; before, it may change hands.
final class Ring {
    private let ring: UnsafeMutablePointer<io_uring>
    private var isEnabled: Bool

    /// - Parameter entries: the most submissions between two calls of ``submit()``.
    /// - Throws: ``StorageError/ringUnavailable(code:)``.
    init(entries: UInt32) throws(StorageError) {
        // The last step that may fail is the first that sets something: behind it `deinit` would
        // end a ring that there is not.
        (ring, isEnabled) = try Self.make(entries: entries)
    }

    /// A ring that is set up, and whether it is switched on; of a refused one nothing is left.
    private static func make(
        entries: UInt32
    ) throws(StorageError) -> (ring: UnsafeMutablePointer<io_uring>, isEnabled: Bool) {
        let ring = UnsafeMutablePointer<io_uring>.allocate(capacity: 1)
        ring.initialize(to: io_uring())
        // Completions are then worked off where this thread asks for them, without interrupting it.
        let wanted =
            IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG
            | IORING_SETUP_R_DISABLED
        var isEnabled = false
        var code = setUp(ring, entries: entries, flags: wanted)
        if code == -EINVAL {
            // Kernels before 6.1 lack these flags; the ring does the same without them.
            code = setUp(ring, entries: entries, flags: 0)
            isEnabled = true
        }
        guard code == 0 else {
            ring.deallocate()
            throw .ringUnavailable(code: -code)
        }
        guard ring.pointee.features & IORING_FEAT_EXT_ARG != 0 else {
            io_uring_queue_exit(ring)
            ring.deallocate()
            throw .ringUnavailable(code: ENOSYS)
        }
        return (ring, isEnabled)
    }

    deinit {
        io_uring_queue_exit(ring)
        ring.deallocate()
    }

    private static func setUp(
        _ ring: UnsafeMutablePointer<io_uring>,
        entries: UInt32,
        flags: UInt32
    ) -> Int32 {
        var parameters = io_uring_params()
        parameters.flags = flags
        return io_uring_queue_init_params(entries, ring, &parameters)
    }

    /// Places one operation in the queue; ``submit()`` hands it over.
    func enqueue(
        tag: UInt64,
        _ prepare: (UnsafeMutablePointer<io_uring_sqe>) -> Void
    ) {
        guard let entry = io_uring_get_sqe(ring) else {
            preconditionFailure("the ring is sized for all that may be in flight")
        }
        prepare(entry)
        entry.pointee.user_data = tag
    }

    /// Hands over what was enqueued. Interrupted or refused for a moment, the kernel is asked
    /// again: what it did not take is still in the queue, once.
    ///
    /// - Returns: whether the kernel took the last operation by itself, after that before it: to
    ///   the kernel a chain of links ends with what it takes at once, so they are not linked.
    @discardableResult
    func submit() throws(StorageError) -> Bool {
        try enable()
        var handover = Handover()
        while true {
            let code = io_uring_submit(ring)
            guard code >= 0 || Self.isPassing(code) else {
                throw .system("submit", path: "io_uring", code: -code)
            }
            handover.took(code, left: io_uring_sq_ready(ring))
            if handover.isOver { return handover.isSplit }
        }
    }

    /// How the kernel takes what was enqueued: mostly at once, and less of it where it is short of
    /// memory.
    struct Handover {
        private(set) var isOver = false
        /// Whether the last operation was left alone when those before it were taken.
        private(set) var isSplit = false

        /// The kernel was asked once more: it took so many (below zero: none), and so many are left
        /// in the queue.
        mutating func took(_ count: Int32, left: UInt32) {
            isOver = left == 0
            if count > 0, left == 1 { isSplit = true }
        }
    }

    /// Hands over what was enqueued and sleeps until there is a completion, at most `nanoseconds`.
    func wait(nanoseconds: UInt64?) throws(StorageError) {
        try enable()
        while true {
            var completion: UnsafeMutablePointer<io_uring_cqe>?
            var code: Int32
            if let nanoseconds {
                var limit = __kernel_timespec(
                    tv_sec: Int64(clamping: nanoseconds / 1_000_000_000),
                    tv_nsec: Int64(nanoseconds % 1_000_000_000)
                )
                code = io_uring_submit_and_wait_timeout(ring, &completion, 1, &limit, nil)
            } else {
                code = io_uring_submit_and_wait(ring, 1)
            }
            // A signal ends the sleep: it may be what the owner is waiting for.
            if code >= 0 || code == -ETIME || code == -EINTR { return }
            guard Self.isPassing(code) else { throw .system("wait", path: "io_uring", code: -code) }
        }
    }

    /// The next completion, if there is one: its tag and what the operation answered.
    func next() -> (tag: UInt64, result: Int32)? {
        guard isEnabled else { return nil }
        var completion: UnsafeMutablePointer<io_uring_cqe>?
        guard io_uring_peek_cqe(ring, &completion) == 0, let completion else { return nil }
        let answer = (completion.pointee.user_data, completion.pointee.res)
        io_uring_cqe_seen(ring, completion)
        return answer
    }

    private func enable() throws(StorageError) {
        guard !isEnabled else { return }
        let code = liburing_enable_rings(ring)
        guard code >= 0 else { throw .system("enable", path: "io_uring", code: -code) }
        isEnabled = true
    }

    private static func isPassing(_ code: Int32) -> Bool {
        code == -EINTR || code == -EAGAIN || code == -EBUSY
    }
}
