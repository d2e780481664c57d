import Primitives
import Testing
import WorkerProtocol

@Suite("Damaged messages")
struct MutationTests {
    private static let mutations = 200_000
    /// Bytes that mean something to JSON come up more often than chance would have it.
    private static let telling =
        Array(#"{}[]",:\/u0e-.nNItf"#.utf8) + [0x00, 0x1F, 0x80, 0xED, 0xFF]

    @Test("no damage traps, and what still reads survives being written and read again")
    func mutations() throws {
        let seed: UInt64 = 0xF022
        var entropy = SeededEntropy(seed: seed)
        let texts =
            workerSamples.map { Array($0.text.utf8) } + engineSamples.map { Array($0.text.utf8) }
        var readable = 0
        for round in 0..<Self.mutations {
            var bytes = texts[Int.random(in: 0..<texts.count, using: &entropy)]
            for _ in 0..<Int.random(in: 1...4, using: &entropy) {
                mutate(&bytes, using: &entropy)
            }
            readable += try check(WorkerFrame.self, bytes, "seed \(seed), round \(round)")
            readable += try check(EngineFrame.self, bytes, "seed \(seed), round \(round)")
        }
        #expect(readable > Self.mutations / 100)
    }

    /// 1 when the bytes are a message.
    private func check<Message: Frame>(
        _ type: Message.Type,
        _ bytes: [UInt8],
        _ place: @autoclosure () -> String
    ) throws -> Int {
        guard let frame = try? Message(decoding: bytes) else { return 0 }
        let written = frame.bytes
        let again = try Message(decoding: written)
        if again.bytes != written || written.count != frame.byteCount {
            Issue.record("\(place()): \(String(decoding: bytes, as: UTF8.self))")
        }
        return 1
    }

    private func mutate(_ bytes: inout [UInt8], using entropy: inout SeededEntropy) {
        guard !bytes.isEmpty else { return }
        let position = Int.random(in: 0..<bytes.count, using: &entropy)
        switch Int.random(in: 0..<6, using: &entropy) {
        case 0: bytes.remove(at: position)
        case 1: bytes.removeSubrange(position...)
        case 2: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &entropy)
        case 3:
            let end = Int.random(in: position..<bytes.count, using: &entropy)
            bytes.insert(contentsOf: bytes[position...end], at: position)
        case 4: bytes[position] = Self.telling.randomElement(using: &entropy) ?? 0
        default: bytes.insert(Self.telling.randomElement(using: &entropy) ?? 0, at: position)
        }
    }
}
