import NIOEmbedded
import NetServer
import Testing

@Suite("Who sent what is handed over")
struct BatchSendersTests {
    private final class Sender: BatchSender {
        var isSender = false
        private(set) var told: [String] = []

        func pauseReading() { told.append("pause") }
        func resumeReading() { told.append("resume") }
    }

    @Test("who sent what found no room reads nothing until there is some, and nobody else pauses")
    func full() {
        let loop = EmbeddedEventLoop()
        let senders = BatchSenders(loop: loop)
        let all = (0..<3).map { _ in Sender() }
        for sender in [all[0], all[1], all[0]] { senders.add(sender) }
        let resume = senders.resumption()
        senders.handedOver(isFull: true)
        senders.add(all[2])
        senders.handedOver(isFull: false)
        // Whoever has room again may be on any thread.
        resume()
        #expect(all.map(\.told) == [["pause"], ["pause"], []])
        loop.run()
        #expect(all.map(\.told) == [["pause", "resume"], ["pause", "resume"], []])
        resume()
        loop.run()
        #expect(all[0].told.count == 2)
        #expect(all.allSatisfy { !$0.isSender })
    }
}
