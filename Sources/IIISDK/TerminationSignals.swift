import Dispatch
import Glibc
import Synchronization

/// SIGTERM and SIGINT as a request instead of an end, until told otherwise.
final class TerminationSignals {
    private let sources: [any DispatchSourceSignal]

    /// - Parameters:
    ///   - whenReady: called once the signals no longer end the process.
    ///   - handler: told how many of the signals have come so far.
    init(
        whenReady: @escaping @Sendable () -> Void = {},
        _ handler: @escaping @Sendable (Int) -> Void
    ) {
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

    /// Gives the signals back to the system.
    func ignore() {
        for source in sources { source.cancel() }
        for number in [SIGTERM, SIGINT] { signal(number, SIG_DFL) }
    }

    private final class Count: Sendable {
        private let value = Atomic(0)

        func next() -> Int { value.add(1, ordering: .relaxed).newValue }
    }
}
