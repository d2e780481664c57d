import Dispatch
import Glibc
import Synchronization

/// SIGTERM and SIGINT as a request instead of an end, until told otherwise.
final class TerminationSignals {
    /// How many of these there are: the signals go back to the system with the last.
    private static let active = Mutex(0)

    private let sources: [any DispatchSourceSignal]

    /// - Parameters:
    ///   - whenReady: called once the signals no longer end the process.
    ///   - handler: told how many of the signals have come so far.
    init(
        whenReady: @escaping @Sendable () -> Void = {},
        _ handler: @escaping @Sendable (Int) -> Void
    ) {
        Self.active.withLock { $0 += 1 }
        let received = Count()
        let registered = Count()
        let numbers = [SIGTERM, SIGINT]
        sources = numbers.map { number in
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { handler(received.next()) }
            source.setRegistrationHandler {
                if registered.next() == numbers.count { whenReady() }
            }
            source.resume()
            return source
        }
    }

    /// Stops listening. Call it once.
    func ignore() {
        for source in sources { source.cancel() }
        Self.active.withLock { active in
            active -= 1
            guard active == 0 else { return }
            for number in [SIGTERM, SIGINT] { signal(number, SIG_DFL) }
        }
    }

    private final class Count: Sendable {
        private let value = Atomic(0)

        func next() -> Int { value.add(1, ordering: .relaxed).newValue }
    }
}
