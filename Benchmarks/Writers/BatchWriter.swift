import Glibc

/// Carries out one write at a time and says when it is on the medium.
protocol BatchWriter: AnyObject {
    /// Begins a write to an open file.
    func begin(_ bytes: UnsafeRawBufferPointer, to file: Int32, at position: Int)

    /// Whether the write has ended, and its error number or 0; waits for it when told to.
    func end(waits: Bool) -> Int32?
}

/// System calls, which are over when the write has begun.
final class CallingWriter: BatchWriter {
    private let sync: Way.Sync
    private var code: Int32?

    init(_ sync: Way.Sync) { self.sync = sync }

    func begin(_ bytes: UnsafeRawBufferPointer, to file: Int32, at position: Int) {
        code = Self.write(bytes, to: file, at: position, sync)
    }

    func end(waits: Bool) -> Int32? {
        defer { code = nil }
        return code
    }

    static func write(
        _ bytes: UnsafeRawBufferPointer,
        to file: Int32,
        at position: Int,
        _ sync: Way.Sync
    ) -> Int32 {
        let count = pwrite(file, bytes.baseAddress, bytes.count, off_t(position))
        guard count == bytes.count else { return count < 0 ? errno : EIO }
        return sync == .behind && fdatasync(file) != 0 ? errno : 0
    }
}

/// The same calls by a thread of their own, woken for each write.
final class ThreadWriter: BatchWriter {
    private let desk: Desk

    init(_ sync: Way.Sync) throws(Failure) {
        desk = Desk(sync)
        let context = Unmanaged.passRetained(desk)
        var thread = pthread_t()
        let code = pthread_create(
            &thread,
            nil,
            { context in
                if let context { Unmanaged<Desk>.fromOpaque(context).takeRetainedValue().work() }
                return nil
            },
            context.toOpaque()
        )
        guard code == 0 else {
            context.release()
            throw Failure("cannot start a thread: \(String(cString: strerror(code)))")
        }
        pthread_detach(thread)
    }

    deinit { desk.close() }

    func begin(_ bytes: UnsafeRawBufferPointer, to file: Int32, at position: Int) {
        desk.begin(bytes, file, position)
    }

    func end(waits: Bool) -> Int32? { desk.end(waits: waits) }

    /// What the two threads share.
    private final class Desk {
        private let sync: Way.Sync
        private let begun = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
        private let ended = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
        // Belong to the one whom the last semaphore woke.
        private var bytes = UnsafeRawBufferPointer(start: nil, count: 0)
        private var file: Int32 = -1
        private var position = 0
        private var code: Int32 = 0
        private var isClosed = false

        init(_ sync: Way.Sync) {
            self.sync = sync
            sem_init(begun, 0, 0)
            sem_init(ended, 0, 0)
        }

        deinit {
            sem_destroy(begun)
            sem_destroy(ended)
            begun.deallocate()
            ended.deallocate()
        }

        func begin(_ bytes: UnsafeRawBufferPointer, _ file: Int32, _ position: Int) {
            self.bytes = bytes
            self.file = file
            self.position = position
            sem_post(begun)
        }

        func end(waits: Bool) -> Int32? {
            let status = waits ? sem_wait(ended) : sem_trywait(ended)
            return status == 0 ? code : nil
        }

        func close() {
            isClosed = true
            sem_post(begun)
        }

        func work() {
            while true {
                guard sem_wait(begun) == 0 else { continue }
                if isClosed { return }
                code = CallingWriter.write(bytes, to: file, at: position, sync)
                sem_post(ended)
            }
        }
    }
}
