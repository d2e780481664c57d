import Glibc

/// A thread that runs one function and ends.
enum CoreThread {
    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Starts a thread that the engine cannot do without.
    static func start(_ body: @escaping @Sendable () -> Void) {
        let isStarted = tryStart(body)
        precondition(isStarted, "the system has no room for one more thread")
    }

    /// - Returns: false where the system has no room for one more thread: nothing runs.
    static func tryStart(_ body: @escaping @Sendable () -> Void) -> Bool {
        var thread = pthread_t()
        let work = Unmanaged.passRetained(Body(body))
        let status = pthread_create(
            &thread,
            nil,
            { context in
                guard let context else { return nil }
                Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run()
                return nil
            },
            work.toOpaque()
        )
        guard status == 0 else {
            work.release()
            return false
        }
        pthread_detach(thread)
        return true
    }
}
