import Glibc
import Synchronization

/// SIGTERM and SIGINT, waited for by a thread of its own.
///
/// The signals are blocked in every thread, since ``block()`` runs before any other is started, and
/// so go to the one that waits.
final class ShutdownSignals: Sendable {
    private struct State {
        var pending: [Int32] = []
        var handlers: [@Sendable (Int32) -> Void] = []
    }

    private let state = Mutex(State())

    static func block() {
        var set = signals()
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    init() {
        CoreThread.start { self.run() }
    }

    private static func signals() -> sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGTERM)
        sigaddset(&set, SIGINT)
        return set
    }

    private func run() {
        var set = Self.signals()
        while true {
            var number: Int32 = 0
            guard sigwait(&set, &number) == 0 else { continue }
            let handler = state.withLock { state -> (@Sendable (Int32) -> Void)? in
                guard !state.handlers.isEmpty else {
                    state.pending.append(number)
                    return nil
                }
                return state.handlers.removeFirst()
            }
            handler?(number)
        }
    }

    /// Calls `handler` for the next signal, once.
    func onNext(_ handler: @escaping @Sendable (Int32) -> Void) {
        let pending = state.withLock { state -> Int32? in
            guard state.pending.isEmpty else { return state.pending.removeFirst() }
            state.handlers.append(handler)
            return nil
        }
        if let pending { handler(pending) }
    }

    /// The next signal.
    func next() async -> Int32 {
        await withUnsafeContinuation { continuation in
            onNext { continuation.resume(returning: $0) }
        }
    }
}
