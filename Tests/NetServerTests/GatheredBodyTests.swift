import NIOCore
import NetServer
import Primitives
import Testing

@Suite("Bodies as they come")
struct GatheredBodyTests {
    @Test(
        "what comes in pieces of any size is one piece in the end, and the body empty again",
        arguments: [0, 1, 1000, 262_143, 262_144, 262_145, 524_288, 1_500_000]
    )
    func pieces(_ size: Int) {
        var random = SeededEntropy(seed: UInt64(size))
        let whole = (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) }
        var body = GatheredBody()
        body.reserve(1 << 20)
        var rest = whole[...]
        while !rest.isEmpty {
            let piece = rest.prefix(Int.random(in: 1...400_000, using: &random))
            body.append(ByteBuffer(bytes: piece))
            rest = rest.dropFirst(piece.count)
            #expect(body.count == size - rest.count)
        }
        #expect(body.take() == whole)
        #expect(body.count == 0)
        #expect(body.take().isEmpty)
    }
}
