import CPlatform
import Glibc
import Synchronization

/// Makes one segment at a time on a thread of its own, so that a log that needs the next one finds
/// it ready.
///
/// Overwriting blocks that were written before costs a sync no allocation and no file-system
/// journal: more than twice the syncs a second of a growing file. And a tail that reads as zero
/// where nothing was written is what lets recovery tell a torn write from damage.
final class SegmentMaker: Sendable {
    private let log: Int32
    private let path: String
    private let waker: Waker
    private let state = Mutex(Preparation.none)
    private let thread = Mutex<SystemThread?>(nil)
    private let isCancelled = Atomic(false)

    /// A maker of segments in the open folder `log`, which outlives the maker's thread.
    init(log: Int32, path: String, waker: Waker) {
        self.log = log
        self.path = path
        self.waker = waker
    }

    var preparation: Preparation { state.withLock { $0 } }

    func start(_ number: UInt64, size: Int) {
        let before = preparation
        if case .running = before { preconditionFailure("one segment at a time") }
        join()
        state.withLock { $0 = .running(number) }
        let body: @Sendable () -> Void = { [self] in
            platform_name_thread("iii-segment")
            if case .failed = before { rest() }
            let end: Preparation
            do throws(StorageError) {
                try Self.make(number, size: size, in: log, path: path, isCancelled: isCancelled)
                end = .ready(number)
            } catch {
                end = .failed(number, error)
            }
            state.withLock { $0 = end }
            waker.wake()
        }
        do throws(SystemThread.Refusal) {
            let started = try SystemThread(body)
            thread.withLock { $0 = started }
        } catch {
            let refusal = StorageError.system(
                "start a thread",
                path: "segment maker",
                code: error.code
            )
            state.withLock { $0 = .failed(number, refusal) }
        }
    }

    /// Returns when the thread has ended, with its work or without.
    func cancel() {
        isCancelled.store(true, ordering: .relaxed)
        join()
    }

    /// A full disk is looked at five times a second. The rest comes before another attempt, not
    /// behind a failed one: that there is no room has to be known while there is a reserve.
    private func rest() {
        for _ in 0..<10 where !isCancelled.load(ordering: .relaxed) { usleep(20_000) }
    }

    private func join() {
        let running = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        running?.join()
    }
}

extension SegmentMaker {
    /// Makes a segment of zeros under a temporary name, then gives it its own: a segment that has
    /// its name is complete.
    static func make(
        _ number: UInt64,
        size: Int,
        in log: Int32,
        path: String,
        isCancelled: borrowing Atomic<Bool> = Atomic(false)
    ) throws(StorageError) {
        precondition(size > 0)
        precondition(size % DataDirectory.page == 0)
        let name = DataDirectory.segmentName(number)
        let full = "\(path)/log/\(name)"
        do throws(StorageError) {
            try fill("\(name).tmp", size: size, in: log, path: full, isCancelled: isCancelled)
        } catch {
            unlinkat(log, "\(name).tmp", 0)
            throw error
        }
        guard renameat(log, "\(name).tmp", log, name) == 0 else {
            throw .failed("rename", full, errno)
        }
        guard fsync(log) == 0 else { throw .failed("fsync", "\(path)/log", errno) }
    }

    private static func fill(
        _ name: String,
        size: Int,
        in log: Int32,
        path: String,
        isCancelled: borrowing Atomic<Bool>
    ) throws(StorageError) {
        let options = [PLATFORM_OPEN_WRITE, PLATFORM_OPEN_CREATE, PLATFORM_OPEN_TRUNCATE]
        let file = try Descriptor.direct(name, in: log, options, path: path)
        try check(platform_allocate(file.number, off_t(size)), "allocate", path)
        let zeros = Zeros()
        var position = 0
        while position < size {
            guard !isCancelled.load(ordering: .relaxed) else {
                throw .failed("make ahead", path, ECANCELED)
            }
            let count = min(Zeros.count, size - position)
            let result = platform_write_all(file.number, zeros.start, count, off_t(position))
            try check(result, "write", path)
            position += count
        }
        try file.sync(path)
    }
}

/// A mebibyte of zeros on a page boundary.
struct Zeros: ~Copyable {
    static let count = 1 << 20
    let start: UnsafeMutableRawPointer

    init() {
        start = .allocate(byteCount: Self.count, alignment: DataDirectory.page)
        start.initializeMemory(as: UInt8.self, repeating: 0, count: Self.count)
    }

    deinit { start.deallocate() }
}
