import Glibc
import Synchronization

/// A thread of the operating system that runs one function and ends. Whoever starts one joins or
/// detaches it, once.
package struct SystemThread: Sendable {
    private let identifier: pthread_t

    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Where there is no thread to be had: the number of the system's error (pthread_create(3)).
    package struct Refusal: Error {
        let code: Int32
    }

    /// Starts a thread that runs `body`.
    ///
    /// - Throws: where the system has no room for one more thread: nothing runs.
    package init(_ body: @escaping @Sendable () -> Void) throws(Refusal) {
        var thread = pthread_t()
        let work = Unmanaged.passRetained(Body(body))
        let code = pthread_create(
            &thread,
            nil,
            { context in
                guard let context else { return nil }
                Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run()
                return nil
            },
            work.toOpaque()
        )
        guard code == 0 else {
            work.release()
            throw Refusal(code: code)
        }
        identifier = thread
    }

    /// Returns when the thread has ended.
    func join() { pthread_join(identifier, nil) }

    /// Nobody waits for its end.
    package func detach() { pthread_detach(identifier) }

    /// Whether so many threads can be had at once, beside those that there are: they are made, and
    /// have ended when it returns.
    package static func canStart(_ count: Int) -> Bool {
        let gate = Gate()
        var threads: [SystemThread] = []
        gate.isShut.withLock { _ in
            do throws(Refusal) {
                while threads.count < count { threads.append(try SystemThread { gate.pass() }) }
            } catch {
                // How many there are tells.
            }
        }
        for thread in threads { thread.join() }
        return threads.count == count
    }

    /// Lets nobody through while its lock is held.
    private final class Gate: Sendable {
        let isShut = Mutex(())

        func pass() { isShut.withLock { _ in } }
    }
}
