import Synchronization

/// Something that happens once, and that tasks can wait for.
final class AsyncEvent: Sendable {
    private struct State {
        var hasHappened = false
        /// Resumed with whether it happened.
        var waiting: [UInt64: UnsafeContinuation<Bool, Never>] = [:]
        var count: UInt64 = 0
    }

    private let state = Mutex(State())

    /// It happened. Any thread; only the first time counts.
    func arrive() {
        let waiting = state.withLock { state in
            state.hasHappened = true
            defer { state.waiting = [:] }
            return Array(state.waiting.values)
        }
        for continuation in waiting { continuation.resume(returning: true) }
    }

    /// Waits until it has happened, or `limit` is over.
    ///
    /// - Returns: whether it has happened.
    @discardableResult
    func wait(limit: Duration) async -> Bool {
        var timer: Task<Void, any Error>?
        let hasHappened: Bool = await withUnsafeContinuation { continuation in
            guard let ticket = enter(continuation) else {
                return continuation.resume(returning: true)
            }
            // Not before: a time that is over finds who waits.
            timer = Task {
                try await Task.sleep(for: limit)
                self.leave(ticket)
            }
        }
        timer?.cancel()
        return hasHappened
    }

    /// - Returns: nil where it has happened already: nobody need wait.
    private func enter(_ continuation: UnsafeContinuation<Bool, Never>) -> UInt64? {
        state.withLock { state in
            guard !state.hasHappened else { return nil }
            state.count += 1
            state.waiting[state.count] = continuation
            return state.count
        }
    }

    private func leave(_ ticket: UInt64) {
        state.withLock { $0.waiting.removeValue(forKey: ticket) }?.resume(returning: false)
    }
}
