import Synchronization

/// Something that happens once, and that tasks can wait for.
final class Gathering: Sendable {
    private struct State {
        var hasHappened = false
        var waiting: [UInt64: UnsafeContinuation<Void, Never>] = [:]
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
        for continuation in waiting { continuation.resume() }
    }

    /// Returns when it has happened, or `limit` is over.
    func wait(limit: Duration) async {
        let ticket = state.withLock { state in
            state.count += 1
            return state.count
        }
        let timer = Task {
            try await Task.sleep(for: limit)
            self.leave(ticket)
        }
        await withUnsafeContinuation { continuation in
            let isOver = state.withLock { state in
                if !state.hasHappened { state.waiting[ticket] = continuation }
                return state.hasHappened
            }
            if isOver { continuation.resume() }
        }
        timer.cancel()
    }

    private func leave(_ ticket: UInt64) {
        state.withLock { $0.waiting.removeValue(forKey: ticket) }?.resume()
    }
}
