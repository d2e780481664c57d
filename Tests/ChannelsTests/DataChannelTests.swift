import NIOCore
import Primitives
import Synchronization
import Testing

@testable import Channels

/// What an end was told, in order.
final class Diary: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    func note(_ line: String) { lines.withLock { $0.append(line) } }
}

struct RecordingSource: ChannelSource {
    let diary = Diary()
    func attached() { diary.note("attached") }
    func refused() { diary.note("refused") }
    func took(_ load: Load) { diary.note("took \(load.messages) (\(load.bytes) B)") }
    func readerLeft() { diary.note("reader left") }
}

struct RecordingSink: ChannelSink {
    let diary = Diary()
    func attached() { diary.note("attached") }
    func refused() { diary.note("refused") }
    func deliver(_ batch: [ChannelMessage]) {
        diary.note(batch.map { String(buffer: $0.bytes) }.joined(separator: " "))
    }
    func ended(_ ending: ChannelEnding) { diary.note("ended \(ending)") }
}

func message(_ string: String) -> ChannelMessage {
    ChannelMessage(.text, ByteBuffer(string: string))
}

@Suite("Data channel")
struct DataChannelTests {
    private let channel = DataChannel()
    private let source = RecordingSource()
    private let sink = RecordingSink()

    @Test("what was written before the reader came waits for it, in order")
    func waits() {
        channel.attach(source)
        channel.write([message("a"), message("b")])
        channel.write([message("c")])
        channel.attach(sink)
        #expect(sink.diary.all == ["attached", "a b c"])
    }

    @Test("a batch at a time: the next one when the reader is ready, and the writer hears of it")
    func oneAtATime() {
        channel.attach(sink)
        channel.attach(source)
        channel.write([message("a")])
        channel.write([message("bb")])
        channel.write([message("ccc")])
        #expect(sink.diary.all == ["attached", "a"])
        #expect(source.diary.all == ["attached"])
        channel.ready()
        #expect(sink.diary.all == ["attached", "a", "bb ccc"])
        #expect(source.diary.all == ["attached", "took 1 (1 B)"])
        channel.ready()
        channel.ready()
        #expect(source.diary.all == ["attached", "took 1 (1 B)", "took 2 (5 B)"])
    }

    @Test("each end is taken once, also when it is free again")
    func once() {
        channel.attach(source)
        let second = RecordingSource()
        channel.attach(second)
        channel.attach(sink)
        let other = RecordingSink()
        channel.attach(other)
        #expect(second.diary.all == ["refused"])
        #expect(other.diary.all == ["refused"])
        channel.end(.whole)
        let third = RecordingSource()
        channel.attach(third)
        #expect(third.diary.all == ["refused"])
    }

    @Test("a writer's end comes behind all that it wrote", arguments: [ChannelEnding.whole, .cut])
    func ends(ending: ChannelEnding) {
        var isOver = false
        channel.onOver = { isOver = true }
        channel.attach(source)
        channel.write([message("a")])
        channel.end(ending)
        #expect(!isOver)
        channel.attach(sink)
        #expect(sink.diary.all == ["attached", "a"])
        channel.ready()
        #expect(sink.diary.all == ["attached", "a", "ended \(ending)"])
        #expect(isOver)
    }

    @Test("a reader that goes ends its writer, or the one who would come later")
    func leaves() {
        channel.attach(sink)
        channel.attach(source)
        channel.write([message("lost")])
        channel.leave()
        #expect(source.diary.all == ["attached", "reader left"])
        channel.write([message("lost too")])
        channel.ready()
        #expect(sink.diary.all == ["attached", "lost"])
        let alone = DataChannel()
        alone.attach(RecordingSink())
        alone.leave()
        let late = RecordingSource()
        alone.attach(late)
        #expect(late.diary.all == ["refused"])
    }

    @Test("a channel that expires ends whichever end is there")
    func expires() {
        channel.attach(source)
        channel.write([message("unread")])
        channel.expire()
        #expect(source.diary.all == ["attached", "reader left"])
        let other = DataChannel()
        other.attach(sink)
        other.expire()
        #expect(sink.diary.all == ["attached", "ended cut"])
    }
}
