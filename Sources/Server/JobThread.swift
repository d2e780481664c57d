import CPlatform
import DequeModule
import Disk
import Synchronization

/// Does one job after the other, in the order in which they came, on a thread of its own that
/// begins with the first one and works behind everything else.
final class JobThread: Sendable {
    typealias Job = @Sendable () -> Void

    private let name: StaticString
    private let waker: Waker
    private let isStarted = Atomic(false)
    private let waiting = Mutex(Deque<Job>())

    /// - Parameter name: of the thread, at most 15 bytes (pthread_setname_np(3)).
    /// - Throws: what the system refused: it has no descriptor left.
    init(_ name: StaticString) throws(ServeError) {
        self.name = name
        do throws(StorageError) { waker = try Waker() } catch { throw ServeError(error) }
    }

    /// Any thread.
    func add(_ job: @escaping Job) {
        waiting.withLock { $0.append(job) }
        guard isStarted.exchange(true, ordering: .relaxed) else {
            // Where there is no room for one more thread, the next call tries again.
            let hasBegun = ServerThread.tryStart { self.run() }
            return isStarted.store(hasBegun, ordering: .relaxed)
        }
        waker.wake()
    }

    private func run() -> Never {
        name.utf8Start.withMemoryRebound(to: CChar.self, capacity: name.utf8CodeUnitCount + 1) {
            platform_name_thread($0)
        }
        platform_lower_priority(19)
        while true {
            while let job = waiting.withLock({ $0.popFirst() }) { job() }
            waker.sleep(nanoseconds: nil)
        }
    }
}
