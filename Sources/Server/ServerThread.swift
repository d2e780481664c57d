import Disk

/// A thread that runs one function and ends.
enum ServerThread {
    /// Runs what it is given on a thread of its own; false: the system has no room for one more,
    /// and nothing runs.
    typealias Start = @Sendable (@escaping @Sendable () -> Void) -> Bool

    /// Starts a thread that the engine cannot do without.
    ///
    /// - Throws: where the system has no room for one more thread.
    static func start(_ body: @escaping @Sendable () -> Void) throws(ServeError) {
        guard tryStart(body) else { throw .noThread }
    }

    /// - Returns: false where the system has no room for one more thread: nothing runs.
    @Sendable
    static func tryStart(_ body: @escaping @Sendable () -> Void) -> Bool {
        do throws(SystemThread.Refusal) {
            try SystemThread(body).detach()
            return true
        } catch {
            return false
        }
    }
}

extension Server {
    /// What an engine has beside its event loops before it listens: the core, what follows and
    /// keeps its log, and the runtime's. It has more later.
    private static let fewThreads = 8

    /// Looks whether the threads can be had that an engine begins with. To be asked before the
    /// first: where there is no room for one of their own, the runtime waits for it without an end,
    /// and the event loops end the process.
    ///
    /// - Throws: where the system has no room for so many.
    package static func checkThreads() throws(ServeError) {
        guard SystemThread.canStart(loops + fewThreads) else { throw .noThread }
    }
}
