import Dispatch
import Glibc
import Synchronization

/// SIGTERM and SIGINT as a request instead of an end, while anyone listens.
///
/// libdispatch installs its handler of a signal once in a process. Were a signal given back to the
/// system when the last listener goes, it would end the process under the next one. So both stay
/// taken, and end the process here when nobody listens.
final class TerminationSignals: Sendable {
    private static let numbers = [SIGTERM, SIGINT]

    private struct State {
        /// Made with the first listener, and kept.
        var sources: [any DispatchSourceSignal] = []
        var listeners: [ObjectIdentifier: @Sendable () -> Void] = [:]
        /// Those that wait for both signals to be taken; nil once they are.
        var waiting: [@Sendable () -> Void]? = []
        var registered = 0
    }

    private static let state = Mutex(State())

    /// - Parameters:
    ///   - whenReady: called once the signals no longer end the process.
    ///   - handler: told how many of the signals have come so far.
    init(
        whenReady: @escaping @Sendable () -> Void = {},
        _ handler: @escaping @Sendable (Int) -> Void
    ) {
        let received = Count()
        let isReady = Self.state.withLock { state in
            state.listeners[ObjectIdentifier(self)] = { handler(received.next()) }
            if state.sources.isEmpty { state.sources = Self.numbers.map(Self.source) }
            state.waiting?.append(whenReady)
            return state.waiting == nil
        }
        if isReady { whenReady() }
    }

    /// Stops listening. To be called once, or the handler stays.
    func ignore() {
        Self.state.withLock { $0.listeners[ObjectIdentifier(self)] = nil }
    }

    private static func source(of number: Int32) -> any DispatchSourceSignal {
        let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        source.setEventHandler { arrived(number) }
        source.setRegistrationHandler { registered() }
        source.resume()
        return source
    }

    private static func registered() {
        let ready = state.withLock { state -> [@Sendable () -> Void] in
            state.registered += 1
            guard state.registered == numbers.count else { return [] }
            defer { state.waiting = nil }
            return state.waiting ?? []
        }
        for tell in ready { tell() }
    }

    private static func arrived(_ number: Int32) {
        let listeners = state.withLock { Array($0.listeners.values) }
        for tell in listeners { tell() }
        guard listeners.isEmpty else { return }
        signal(number, SIG_DFL)
        kill(getpid(), number)
    }

    private final class Count: Sendable {
        private let value = Atomic(0)

        func next() -> Int { value.add(1, ordering: .relaxed).newValue }
    }
}
