import Engine
import NIOCore
import NetServer
import Primitives

/// Messages as one transport sends them, encoded once for everybody.
struct Parcel {
    /// Each with its bytes.
    let messages: [(message: StreamMessage, bytes: ByteBuffer)]
    /// All of them.
    let bytes: ByteBuffer
}

/// What one group is sent at once: all of it, or what one item is about.
struct Fan {
    let all: Parcel

    init(_ messages: [StreamMessage], isEvents: Bool) {
        var bytes = ByteBuffer()
        bytes.reserveCapacity(messages.reduce(0) { $0 + $1.json.count + 64 })
        var ends: [Int] = []
        for message in messages {
            message.json.withUnsafeBufferPointer { json in
                if isEvents {
                    EventStreamSocket.append(json, id: message.offset?.rawValue, to: &bytes)
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
        all = Parcel(messages: parts, bytes: bytes)
    }

    /// Those about one item, each by itself.
    func parcels(of item: String) -> [Parcel] {
        all.messages.lazy.filter {
            $0.message.item.map { $0.utf8.elementsEqual(item.utf8) } ?? false
        }.map { Parcel(messages: [$0], bytes: $0.bytes) }
    }
}
