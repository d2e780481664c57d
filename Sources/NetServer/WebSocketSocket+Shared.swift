package import NIOCore

/// Frames that are the same for every peer: a server masks nothing. Encoded once, sent to many.
package enum SharedFrames {
    /// Appends the frames of one text message, fragments where it is large.
    package static func append(
        text: UnsafeBufferPointer<UInt8>,
        fragmentBytes: Int = WebSocketSettings().sentFrameBytes,
        to buffer: inout ByteBuffer
    ) {
        var place = 0
        repeat {
            var end = min(place + fragmentBytes, text.count)
            // Texts are cut between code points.
            while end < text.count, end > place + 1, text[end] & 0xC0 == 0x80 { end -= 1 }
            let count = end - place
            let size = WebSocketSocket.headerSize(payload: count)
            let start = buffer.writerIndex
            buffer.writeRepeatingByte(0, count: size)
            WebSocketSocket.setHeader(
                place == 0 ? .text : .continuation,
                isFinal: end == text.count,
                payload: count,
                in: &buffer,
                at: start
            )
            buffer.writeBytes(UnsafeBufferPointer(rebasing: text[place..<end]))
            place = end
        } while place < text.count
    }
}
