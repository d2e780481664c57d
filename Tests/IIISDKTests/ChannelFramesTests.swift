import NIOCore
import NIOEmbedded
import NIOWebSocket
import Testing

@testable import IIISDK

@Suite("Frames of a data channel")
struct ChannelFramesTests {
    @Test("a sign of life is sent as often as was said, while nothing is written")
    func pings() throws {
        let channel = EmbeddedChannel(handler: ChannelFrames())
        let address = try SocketAddress(ipAddress: "127.0.0.1", port: 1)
        try channel.connect(to: address).wait()
        for _ in 0..<3 {
            channel.embeddedEventLoop.advanceTime(by: ChannelFrames.pingInterval)
            let frame = try #require(try channel.readOutbound(as: WebSocketFrame.self))
            #expect(frame.opcode == .ping)
            #expect(frame.maskKey != nil)
            #expect(try channel.readOutbound(as: WebSocketFrame.self) == nil)
        }
    }

    @Test("what is written becomes masked frames")
    func messages() throws {
        let channel = EmbeddedChannel(handler: ChannelFrames())
        try channel.writeOutbound(ChannelOrder.message(.text("hello")))
        let frame = try #require(try channel.readOutbound(as: WebSocketFrame.self))
        #expect(frame.opcode == .text)
        #expect(frame.maskKey != nil)
        #expect(String(buffer: frame.data) == "hello")
    }
}
