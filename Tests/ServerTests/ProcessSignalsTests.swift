import Primitives
import Testing

@testable import Server

@Suite("Requests to stop")
struct ProcessSignalsTests {
    @Test("signals that come together are one request, and a later one is another")
    func echoes() async {
        let arrivals = ProcessSignals.Arrivals()
        let start: UInt64 = 1_000_000_000_000
        arrivals.add("SIGTERM", at: start)
        // In either order, as threads tell of them.
        arrivals.add("SIGINT", at: start - 1)
        arrivals.add("SIGTERM", at: start + Limits.signalEcho - 1)
        arrivals.add("SIGINT", at: start + Limits.signalEcho)
        #expect(await arrivals.next() == "SIGTERM")
        #expect(await arrivals.next() == "SIGINT")
        arrivals.add("SIGHUP", at: start + 2 * Limits.signalEcho)
        #expect(await arrivals.next() == "SIGHUP", "none was left between")
    }
}
