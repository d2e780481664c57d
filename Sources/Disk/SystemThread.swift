import Glibc

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
}
