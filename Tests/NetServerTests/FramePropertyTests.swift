import Primitives
import Testing

@testable import NetServer

@Suite("Frame parser, at random")
struct FramePropertyTests {
    /// A stream of frames and what it means.
    struct Stream {
        var bytes: [UInt8] = []
        var meaning: [Seen] = []

        init(_ random: inout SeededEntropy) {
            for _ in 0..<Int.random(in: 1...12, using: &random) { addMessage(&random) }
        }

        private mutating func addMessage(_ random: inout SeededEntropy) {
            let isText = Bool.random(using: &random)
            let alphabet = ["a", "\"", "ß", "€", "😀", "\u{0}", "\u{10FFFF}"]
            var payload: [UInt8] = []
            let lengths = [0, 1, 3, 20, 124, 127, 300, 1000]
            let isLong = Int.random(in: 0..<32, using: &random) == 0
            let length = isLong ? 66_000 : lengths[Int.random(in: 0..<8, using: &random)]
            while payload.count < length {
                payload +=
                    isText
                    ? Array(alphabet[Int.random(in: 0..<alphabet.count, using: &random)].utf8)
                    : [UInt8.random(in: .min ... .max, using: &random)]
            }
            var opcode: UInt8 = isText ? 1 : 2
            var rest = payload[...]
            repeat {
                if Int.random(in: 0..<4, using: &random) == 0 { addControl(&random) }
                let isWhole = Int.random(in: 0..<3, using: &random) > 0
                let count = isWhole ? rest.count : Int.random(in: 0...rest.count, using: &random)
                let isFinal = count == rest.count && Bool.random(using: &random)
                bytes += frame(opcode, rest.prefix(count), isFinal: isFinal, key: key(&random))
                rest = rest.dropFirst(count)
                opcode = 0
                if isFinal { break }
            } while true
            meaning.append(
                isText ? .text(String(decoding: payload, as: UTF8.self)) : .binary(payload)
            )
        }

        private mutating func addControl(_ random: inout SeededEntropy) {
            let payload = (0..<Int.random(in: 0...125, using: &random)).map { _ in
                UInt8.random(in: .min ... .max, using: &random)
            }
            let isPing = Bool.random(using: &random)
            bytes += frame(isPing ? 9 : 10, payload, key: key(&random))
            meaning.append(isPing ? .ping(payload) : .pong(payload))
        }

        private func key(_ random: inout SeededEntropy) -> [UInt8] {
            (0..<4).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        }
    }

    private func cut(_ bytes: [UInt8], _ random: inout SeededEntropy) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = min(Int.random(in: 1...5000, using: &random), rest.count)
            pieces.append(Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        return pieces
    }

    @Test("means the same however a valid stream is cut", arguments: 0..<48 as Range<UInt64>)
    func valid(seed: UInt64) {
        var random = SeededEntropy(seed: seed)
        let stream = Stream(&random)
        let whole = parse([stream.bytes])
        #expect(whole == stream.meaning, "seed \(seed)")
        #expect(parse(cut(stream.bytes, &random)) == stream.meaning, "seed \(seed)")
        #expect(parse(stream.bytes.map { [$0] }) == stream.meaning, "seed \(seed)")
    }

    @Test("means the same however a damaged stream is cut", arguments: 0..<96 as Range<UInt64>)
    func damaged(seed: UInt64) {
        var random = SeededEntropy(seed: seed &+ 1 << 32)
        var bytes = Stream(&random).bytes
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let index = Int.random(in: 0..<bytes.count, using: &random)
            bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        }
        let whole = parse([bytes], limit: 200_000)
        #expect(parse(cut(bytes, &random), limit: 200_000) == whole, "seed \(seed)")
        #expect(parse(bytes.map { [$0] }, limit: 200_000) == whole, "seed \(seed)")
    }

    @Test("takes noise without harm", arguments: 0..<64 as Range<UInt64>)
    func noise(seed: UInt64) {
        var random = SeededEntropy(seed: seed &+ 2 << 32)
        let bytes = (0..<4096).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        let seen = parse([bytes], limit: 100_000)
        #expect(parse(cut(bytes, &random), limit: 100_000) == seen, "seed \(seed)")
    }
}
