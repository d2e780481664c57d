import Testing

@testable import Server

@Suite("Waiting for what happens once")
struct AsyncEventTests {
    @Test("whoever waits is told whether it has happened")
    func told() async {
        let gathering = AsyncEvent()
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
        for _ in 0..<2000 {
            let hasHappened = await AsyncEvent().wait(limit: .zero)
            #expect(!hasHappened)
        }
    }
}
