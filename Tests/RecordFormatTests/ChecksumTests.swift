import CPlatform
import Primitives
import RecordFormat
import Testing

@Suite("CRC-32C")
struct ChecksumTests {
    /// RFC 3720, appendix B.4, and the check value of the CRC catalogue.
    @Test("the published values")
    func vectors() {
        #expect(checksum(Array("123456789".utf8)) == 0xE306_9283)
        #expect(checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(checksum(Array(0..<32)) == 0x46DD_794E)
        #expect(checksum([]) == 0)
    }

    @Test("the instruction and the tables agree, at every length and alignment")
    func agreement() {
        var entropy = SeededEntropy(seed: 5)
        let bytes = (0..<20_000).map { _ in UInt8(truncatingIfNeeded: entropy.next()) }
        bytes.withUnsafeBytes { memory in
            for length in Array(0...300) + [767, 768, 769, 6143, 6144, 6145, 7000, 19_990] {
                for start in [0, 1, 7] {
                    let part = UnsafeRawBufferPointer(rebasing: memory[start..<start + length])
                    let other = platform_crc32c_portable(9, part.baseAddress, part.count)
                    #expect(Checksum.crc32c(part, from: 9) == other, "length \(length)")
                }
            }
        }
    }

    @Test("a checksum goes on where another ended")
    func chaining() {
        let bytes = [UInt8](0..<200)
        bytes.withUnsafeBytes { memory in
            let head = Checksum.crc32c(UnsafeRawBufferPointer(rebasing: memory[..<77]))
            let whole = Checksum.crc32c(UnsafeRawBufferPointer(rebasing: memory[77...]), from: head)
            #expect(whole == checksum(bytes))
        }
    }

    private func checksum(_ bytes: [UInt8]) -> UInt32 {
        bytes.withUnsafeBytes { Checksum.crc32c($0) }
    }
}
