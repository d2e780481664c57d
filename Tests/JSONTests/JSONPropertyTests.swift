import JSON
import Primitives
import Testing

@Suite("Properties of random text")
struct JSONPropertyTests {
    @Test("a written value reads back as itself, and writing is stable", arguments: 0..<300)
    func roundTrip(seed: UInt64) throws {
        var generator = ValueGenerator(entropy: SeededEntropy(seed: seed))
        for _ in 0..<5 {
            let value = generator.value()
            let written = value.text
            #expect(try parse(written.bytes) == value, "seed \(seed): \(written)")
            #expect(try JSONText(validating: written.bytes) == written, "seed \(seed): \(written)")
            #expect(written.value().text == written, "seed \(seed): \(written)")
        }
    }

    @Test("the skipper and the full parser agree on mutated text", arguments: 0..<200)
    func mutations(seed: UInt64) throws {
        var generator = ValueGenerator(entropy: SeededEntropy(seed: seed))
        let original = generator.value().text.bytes
        for _ in 0..<60 {
            let mutant = mutated(original, &generator.entropy)
            let shown = "seed \(seed): \(String(decoding: mutant, as: UTF8.self))"
            let skipped = Result { () throws(JSONError) in try JSONText(validating: mutant) }
            let parsed = Result { () throws(JSONError) in try parse(mutant) }
            switch (skipped, parsed) {
            case (.success(let text), .success(let value)):
                #expect(try JSONText(validating: text.bytes) == text, "\(shown)")
                #expect(text.value() == value, "\(shown)")
                #expect(try parse(value.text.bytes) == value, "\(shown)")
            case (.failure(let left), .failure(let right)):
                #expect(left.position == right.position, "\(shown)")
            default: Issue.record("one accepts, one refuses; \(shown)")
            }
        }
    }

    private func mutated(_ original: [UInt8], _ entropy: inout SeededEntropy) -> [UInt8] {
        let favourites =
            Array(#"{}[]",:\0123456789.eE+-tfnNI u"#.utf8) + [0, 0x1F, 0x80, 0xC3, 0xED]
        let pieces = ["NaN", "-Infinity", #"\ud800"#, #"\udc00"#, ",", "[]", #""a":"#, "1e5", " "]
        var bytes = original
        for _ in 0..<Int.random(in: 1...3, using: &entropy) {
            let place = Int.random(in: 0...bytes.count, using: &entropy)
            let byte = favourites.randomElement(using: &entropy) ?? 0
            switch Int.random(in: 0..<5, using: &entropy) {
            case 0 where place < bytes.count: bytes[place] = byte
            case 1 where place < bytes.count: bytes.remove(at: place)
            case 2: bytes.insert(byte, at: place)
            case 3:
                bytes.insert(
                    contentsOf: (pieces.randomElement(using: &entropy) ?? "").utf8,
                    at: place
                )
            default: bytes.removeLast(min(bytes.count, Int.random(in: 0...3, using: &entropy)))
            }
        }
        return bytes
    }
}
