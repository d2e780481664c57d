import Testing

@testable import Server

@Suite("Waiting for what happens once")
struct AsyncEventTests {
    /// Has all of them happen after a minute, unless the test has ended: whoever waits still would
    /// wait for ever.
    private func end(_ events: [AsyncEvent]) async {
        do { try await Task.sleep(for: .seconds(60)) } catch { return }
        for event in events { event.arrive() }
    }

    @Test("whoever waits is told whether it has happened")
    func told() async {
        let gathering = AsyncEvent()
        async let _ = end([gathering])
        #expect(await gathering.wait(limit: .zero) == false)
        async let first = gathering.wait(limit: .seconds(60))
        async let second = gathering.wait(limit: .seconds(60))
        gathering.arrive()
        let both = await [first, second]
        #expect(both == [true, true])
        #expect(await gathering.wait(limit: .zero) == true)
    }

    @Test("a time that is over at once ends every wait")
    func over() async {
        let events = (0..<2000).map { _ in AsyncEvent() }
        async let _ = end(events)
        for event in events {
            let hasHappened = await event.wait(limit: .zero)
            guard !hasHappened else {
                Issue.record("a wait did not end by itself")
                return
            }
        }
    }
}
