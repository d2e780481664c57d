import Dispatch
import Glibc
import Synchronization

/// SIGTERM and SIGINT as requests to stop, until ``cancel()``.
final class ShutdownSignals {
    let arrivals = Arrivals()
    private let sources: [any DispatchSourceSignal]

    init() {
        let arrivals = arrivals
        sources = [SIGTERM, SIGINT].map { number in
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { arrivals.add(number) }
            source.resume()
            return source
        }
    }

    func cancel() {
        for source in sources { source.cancel() }
    }

    /// The signals that came, each for one who waits.
    final class Arrivals: Sendable {
        private struct State {
            var pending: [Int32] = []
            var handlers: [@Sendable (Int32) -> Void] = []
        }

        private let state = Mutex(State())

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

        fileprivate func add(_ number: Int32) {
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
}
