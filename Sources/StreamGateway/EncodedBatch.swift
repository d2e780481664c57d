import Engine
import NIOCore
import NetServer
import Primitives

/// Messages as one transport sends them, encoded once for everybody.
struct EncodedBatch {
    /// Each with its bytes.
    let messages: [(message: StreamMessage, bytes: ByteBuffer)]
    /// All of them, as they lie in memory.
    let pieces: [ByteBuffer]
}

/// What one group is sent at once: all of it, or what one item is about.
struct Broadcast {
    let all: EncodedBatch

    init(_ messages: [StreamMessage], isEvents: Bool) {
        var bytes = ByteBuffer()
        bytes.reserveCapacity(messages.reduce(0) { $0 + $1.json.count + 64 })
        var ends: [Int] = []
        for message in messages {
            message.json.withUnsafeBufferPointer { json in
                if isEvents {
                    EventStreamSocket.append(
                        json,
                        id: message.offset?.rawValue,
                        // Who is refused is not to ask again every second.
                        retry: message.isRefusal ? 3_600_000 : nil,
                        to: &bytes
                    )
                } else {
                    SharedFrames.append(text: json, to: &bytes)
                }
            }
            ends.append(bytes.writerIndex)
        }
        var start = 0
        let parts = zip(messages, ends).map { message, end in
            defer { start = end }
            // What was written is there.
            let part = bytes.getSlice(at: start, length: end - start) ?? ByteBuffer()
            return (message: message, bytes: part)
        }
        all = EncodedBatch(messages: parts, pieces: [bytes])
    }

    /// Those about one item; nil: there is none.
    func parcel(of item: String) -> EncodedBatch? {
        let messages = all.messages.filter {
            $0.message.item.map { $0.utf8.elementsEqual(item.utf8) } ?? false
        }
        guard !messages.isEmpty else { return nil }
        return EncodedBatch(messages: messages, pieces: messages.map { $0.bytes })
    }
}
