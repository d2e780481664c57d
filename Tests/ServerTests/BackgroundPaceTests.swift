import CPlatform
import Testing

@testable import Server

@Suite("The pace of what nobody waits for")
struct BackgroundPaceTests {
    /// Keeps the processor busy for so many nanoseconds of this thread's time.
    private func work(_ nanoseconds: UInt64) -> UInt64 {
        let start = platform_thread_time()
        while platform_thread_time() - start < nanoseconds {}
        return platform_thread_time() - start
    }

    @Test(
        "it rests in proportion to what it has worked: a twentieth of the machine, in bounds",
        arguments: [(1, 0.1), (2, 0.1), (4, 0.2), (10, 0.5), (64, 0.5)]
    )
    func share(processors: Int, share: Double) {
        var pace = BackgroundPace(processors: processors)
        var worked: UInt64 = 0
        var rested: UInt64 = 0
        for _ in 0..<40 {
            worked += work(100_000)
            rested += pace.rest() ?? 0
        }
        // What is saved up is less than a millisecond; calls of the clock are work as well.
        let wanted = Double(worked) * (1 / share - 1)
        #expect(Double(rested) > wanted - 1_000_000)
        #expect(Double(rested) < wanted * 1.5 + 1_000_000)
    }

    @Test("short rests are saved up")
    func saving() {
        var pace = BackgroundPace(processors: 2)
        _ = pace.rest()
        #expect(pace.rest() == nil)
    }
}
