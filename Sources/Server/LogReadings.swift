import CPlatform
import DequeModule
import Disk
import Engine
import LogTools
import Primitives
import Synchronization

/// Answers what the log is asked about the state, one question after the other, on a thread of its
/// own: it reads the files beside the core, which goes on.
final class LogReadings: Sendable {
    private let path: String
    private let inbox: Inbox
    private let waker: Waker
    private let isStarted = Atomic(false)
    private let waiting = Mutex<Deque<Effect.Reading>>([])

    init(_ configuration: Configuration, inbox: Inbox) throws(ServeError) {
        path = configuration.engine.data
        self.inbox = inbox
        do throws(StorageError) { waker = try Waker() } catch { throw ServeError(error) }
    }

    /// Any thread. How many can wait is the core's business.
    func add(_ reading: Effect.Reading) {
        waiting.withLock { $0.append(reading) }
        guard isStarted.exchange(true, ordering: .relaxed) else {
            return CoreThread.start { self.run() }
        }
        waker.wake()
    }

    private func run() -> Never {
        platform_name_thread("iii-history")
        platform_lower_priority()
        while true {
            while let reading = waiting.withLock({ $0.popFirst() }) {
                let answer = StateReading(reading.question, below: reading.end, of: path)
                let told = Command.Reading(
                    result: answer.result,
                    isEmpty: answer.isEmpty,
                    last: answer.last
                )
                inbox.offer(.logRead(reading.id, told))
            }
            waker.sleep(nanoseconds: nil)
        }
    }
}
