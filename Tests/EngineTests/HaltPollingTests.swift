import Engine
import Primitives
import Testing

@Suite("Looking instead of sleeping")
struct HaltPollingTests {
    /// A polling, and what has happened to it.
    private struct Core {
        var polling = HaltPolling()
        var now: UInt64 = 1

        /// One sleep of so many nanoseconds, after so many commands.
        ///
        /// - Returns: how long it would have looked first.
        @discardableResult
        mutating func sleep(_ nanoseconds: UInt64, commands: Int, isIdle: Bool) -> UInt64 {
            polling.handled(commands)
            let span = polling.begin(now: now, isIdle: isIdle)
            now += nanoseconds
            polling.end(now: now)
            return span
        }

        /// A request: its command waits for the device, then the thread for the next request.
        @discardableResult
        mutating func serve(commands: Int = 1, device: UInt64, gap: UInt64) -> [UInt64] {
            let first = sleep(device, commands: commands, isIdle: false)
            return [first, sleep(gap, commands: 0, isIdle: true)]
        }
    }

    private let short: UInt64 = 100_000
    private let long = Limits.haltPoll + 1

    @Test("it looks once a client has sent one request after the other for a while")
    func alone() {
        var core = Core()
        let spans = (0..<10).flatMap { _ in core.serve(device: short, gap: short) }
        #expect(spans.prefix(16).allSatisfy { $0 == 0 })
        #expect(spans.dropFirst(16).allSatisfy { $0 == Limits.haltPoll })
    }

    @Test("it does not while more than one request is under way, and stops at once")
    func crowd() {
        var core = Core()
        for _ in 0..<100 {
            #expect(core.serve(commands: 2, device: short, gap: short) == [0, 0])
        }
        for _ in 0..<100 { core.serve(device: short, gap: short) }
        #expect(core.sleep(short, commands: 1, isIdle: false) == Limits.haltPoll)
        #expect(
            core.sleep(short, commands: 1, isIdle: false) == 0,
            "a second command came before the first was durable"
        )
    }

    @Test("it does not where the client or the device takes longer than it would look")
    func slow() {
        var core = Core()
        for _ in 0..<100 { #expect(core.serve(device: short, gap: long) == [0, 0]) }
        for _ in 0..<100 { #expect(core.serve(device: long, gap: short) == [0, 0]) }
    }

    @Test("a late answer now and then does not end it; a client that has gone does, soon")
    func late() {
        var core = Core()
        for _ in 0..<20 { core.serve(device: short, gap: short) }
        for _ in 0..<100 {
            for _ in 0..<5 {
                #expect(core.serve(device: short, gap: short).allSatisfy { $0 > 0 })
            }
            core.serve(device: long, gap: short)
        }
        let spans = (0..<10).map { _ in core.sleep(long, commands: 0, isIdle: true) }
        #expect(spans.suffix(5) == [0, 0, 0, 0, 0])
    }
}
