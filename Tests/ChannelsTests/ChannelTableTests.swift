import NIOCore
import NIOEmbedded
import Primitives
import Testing

@testable import Channels

private final class Ended { var ids: [ChannelID] = [] }

@Suite("Channel table")
struct ChannelTableTests {
    private let loop = EmbeddedEventLoop()
    private let table: ChannelTable
    private let ended = Ended()
    private let id: ChannelID
    private let key: UUID128

    init() {
        table = ChannelTable(loop: loop) { [ended] in ended.ids.append($0) }
        var entropy = SeededEntropy(seed: 7)
        id = ChannelID(onLoop: 3, from: &entropy)
        key = UUID128(from: &entropy)
        table.open(id, key: key, bounds: ChannelBounds(messages: 2))
    }

    @Test("only who has the key finds a channel")
    func keys() {
        #expect(table.find(id, key: key)?.bounds.messages == 2)
        #expect(table.find(id, key: UUID128(high: key.high, low: key.low ^ 1)) == nil)
        #expect(table.find(id, key: UUID128(high: key.high ^ 1, low: key.low)) == nil)
        var entropy = SeededEntropy(seed: 8)
        #expect(table.find(ChannelID(onLoop: 3, from: &entropy), key: key) == nil)
    }

    @Test("what has both its ends stays until the reader is done, and is forgotten then")
    func forgotten() throws {
        let channel = try #require(table.find(id, key: key))
        channel.attach(RecordingSource())
        channel.attach(RecordingSink())
        loop.advanceTime(by: .hours(1))
        #expect(table.count == 1)
        #expect(ended.ids.isEmpty)
        channel.end(.whole)
        #expect(table.count == 0)
        #expect(ended.ids == [id], "told once")
    }

    @Test("what lacks an end is forgotten after five minutes, whoever waits")
    func expires() throws {
        let source = RecordingSource()
        try #require(table.find(id, key: key)).attach(source)
        loop.advanceTime(by: .seconds(299))
        #expect(table.count == 1)
        #expect(source.diary.all == ["attached"])
        loop.advanceTime(by: .seconds(61))
        #expect(table.count == 0)
        #expect(ended.ids == [id])
        #expect(source.diary.all == ["attached", "reader left"])
    }

    @Test("an id says its loop, and of an exchange its number and stream")
    func ids() throws {
        #expect(id.loop == 3)
        #expect(id.exchange == nil)
        #expect(ChannelID(id.description) == id)
        for stream in [ChannelID.Stream.requestBody, .response] {
            let number: UInt64 = 1 << 47 | 5
            let own = ChannelID(stream, ofExchange: number, onLoop: 65_535)
            let read = try #require(ChannelID(own.description))
            #expect(read.loop == 65_535)
            #expect(read.exchange?.number == number)
            #expect(read.exchange?.stream == stream)
        }
        #expect(ChannelID("c-1") == nil)
    }
}
