import Dispatch
import Glibc
import Primitives
import Synchronization

/// SIGTERM and SIGINT as requests to stop, and SIGHUP as one to read the configuration again, until
/// ``cancel()``. Where SIGHUP tells that the process's terminal has gone, it is a request to stop.
final class ProcessSignals {
    let arrivals = Arrivals()
    private let hangUps = HangUps()
    private let sources: [any DispatchSourceSignal]

    init() {
        let arrivals = arrivals
        let hangUps = hangUps
        let terminal = (STDIN_FILENO...STDERR_FILENO).first { isatty($0) == 1 }
        sources = [
            Self.source(SIGTERM) { arrivals.add("SIGTERM", at: Self.now) },
            Self.source(SIGINT) { arrivals.add("SIGINT", at: Self.now) },
            Self.source(SIGHUP) {
                // Who has sat there can stop it in no other way any more.
                if let terminal, isatty(terminal) == 0 { return arrivals.hangUp(at: Self.now) }
                hangUps.arrive()
            },
        ]
    }

    /// On the monotonic clock, in nanoseconds.
    private static var now: UInt64 { SystemClock().now().monotonic }

    private static func source(
        _ number: Int32,
        _ handler: @escaping @Sendable () -> Void
    ) -> any DispatchSourceSignal {
        let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        source.setEventHandler { handler() }
        source.resume()
        return source
    }

    /// Calls `handler` for each SIGHUP from now on that is no request to stop.
    func onHangUp(_ handler: @escaping @Sendable () -> Void) { hangUps.set(handler) }

    func cancel() {
        for source in sources { source.cancel() }
    }

    private final class HangUps: Sendable {
        private let handler = Mutex<(@Sendable () -> Void)?>(nil)

        func set(_ handler: @escaping @Sendable () -> Void) {
            self.handler.withLock { $0 = handler }
        }

        func arrive() {
            let handler = handler.withLock { $0 }
            handler?()
        }
    }

    /// The requests to stop that came, by the names of their signals, each for one who waits.
    ///
    /// Who asks once may send more than one signal: `timeout` signals its child and then its whole
    /// group, and a wrapper passes on what its terminal has sent to both. What comes within
    /// ``Limits/signalEcho`` is the same request.
    final class Arrivals: Sendable {
        private struct State {
            var pending: [String] = []
            var handlers: [@Sendable (String) -> Void] = []
            var hasHungUp = false
            /// When the last request came.
            var last: UInt64?
        }

        private let state = Mutex(State())

        /// Calls `handler` for the next one, once.
        func onNext(_ handler: @escaping @Sendable (String) -> Void) {
            let pending = state.withLock { state -> String? in
                guard state.pending.isEmpty else { return state.pending.removeFirst() }
                state.handlers.append(handler)
                return nil
            }
            if let pending { handler(pending) }
        }

        /// The next one.
        func next() async -> String {
            await withUnsafeContinuation { continuation in
                onNext { continuation.resume(returning: $0) }
            }
        }

        /// The terminal has gone. Both the kernel and the shell tell of that: it is one request.
        fileprivate func hangUp(at time: UInt64) {
            let isFirst = state.withLock { state in
                defer { state.hasHungUp = true }
                return !state.hasHungUp
            }
            if isFirst { add("SIGHUP", at: time) }
        }

        /// A signal came at `time`, on the monotonic clock, in nanoseconds.
        func add(_ name: String, at time: UInt64) {
            let handler = state.withLock { state -> (@Sendable (String) -> Void)? in
                // Two threads may tell of two signals in either order.
                if let last = state.last, time < last + Limits.signalEcho { return nil }
                state.last = time
                guard !state.handlers.isEmpty else {
                    state.pending.append(name)
                    return nil
                }
                return state.handlers.removeFirst()
            }
            handler?(name)
        }
    }
}
