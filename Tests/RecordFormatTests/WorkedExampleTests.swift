import Glibc
import Primitives
import RecordFormat
import Testing

/// The example of the format's article, byte by byte as the encoder makes it.
private enum Example {
    static let engine = UUID128(high: 0x0123_4567_89AB_4DEF, low: 0x8123_4567_89AB_CDEF)
    static let time = Timestamp(seconds: 1_700_000_000)
    static let salt: UInt64 = 0x1122_3344_5566_7788

    static func manifest() -> [UInt8] {
        page { memory in
            var manifest = Manifest(engine: engine)
            manifest.generation = 2
            manifest.active = 0
            manifest.write(to: memory)
        }
    }

    static func segmentHeader() -> [UInt8] {
        page { memory in
            SegmentHeader(
                number: 0,
                base: .zero,
                salt: salt,
                engine: engine,
                created: time,
                size: 16 << 20
            ).write(to: memory)
        }
    }

    /// Two records of one trace, the second caused by the first, 1.5 µs later.
    static func batch() -> [UInt8] {
        var builder = BatchBuilder(base: .zero)
        let trace = TraceID(high: 0x4BF9_2F35_77B3_4DA6, low: 0xA3CE_929D_0E0E_4736)
        _ = builder.append(kind: 0x21, time: time, trace: trace, cause: nil) { $0.text("hello") }
        let later = Timestamp(nanoseconds: time.nanoseconds + 1500)
        _ = builder.append(kind: 0x22, time: later, trace: trace, cause: .zero) { $0.varint(300) }
        let header = BatchHeader(
            kind: .data,
            segment: 0,
            salt: salt,
            position: 4096,
            base: .zero,
            durable: .zero
        )
        return [UInt8](builder.close(header))
    }

    /// The footer of a segment that holds nothing but that batch.
    static func footer() -> [UInt8] {
        let batch = batch()
        let footer = batch.withUnsafeBytes { memory -> SegmentFooter? in
            guard case .header(let header) = BatchHeader.read(memory) else { return nil }
            var tally = SegmentTally()
            tally.add(header, memory)
            return tally.footer(number: 0, salt: salt, end: Offset(2), compression: .zstd)
        }
        return page { memory in footer?.write(to: memory) }
    }

    private static func page(_ write: (UnsafeMutableRawBufferPointer) -> Void) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Layout.page)
        bytes.withUnsafeMutableBytes { write($0) }
        return bytes
    }
}

/// Lines of 16 bytes as `hexdump -C` prints them; a run of zero lines is one star.
private func dump(_ bytes: [UInt8], from position: Int) -> String {
    var lines: [String] = []
    for start in stride(from: 0, to: bytes.count, by: 16) {
        let line = bytes[start..<start + 16]
        if line.allSatisfy({ $0 == 0 }) {
            if lines.last != "*" { lines.append("*") }
            continue
        }
        let digits = line.map { hexadecimal(UInt64($0)).suffix(2) }
        let text = line.map { 0x20..<0x7F ~= $0 ? String(UnicodeScalar($0)) : "." }.joined()
        let left = digits.prefix(8).joined(separator: " ")
        let right = digits.suffix(8).joined(separator: " ")
        let place = hexadecimal(UInt64(position + start)).suffix(8)
        lines.append("\(place)  \(left)  \(right)  |\(text)|")
    }
    return lines.joined(separator: "\n")
}

@Suite("The worked example")
struct WorkedExampleTests {
    @Test("the article shows what the encoder makes")
    func article() throws {
        let text = try read(
            "\(#filePath)".replacingTail("Tests/RecordFormatTests/WorkedExampleTests.swift")
                + "Sources/RecordFormat/RecordFormat.docc/Format.md"
        )
        #expect(text.contains(dump(Example.manifest(), from: 0)))
        #expect(text.contains(dump(Example.segmentHeader(), from: 0)))
        #expect(text.contains(dump(Example.batch(), from: 4096)))
        let footer = dump(Example.footer(), from: 8192)
        #expect(text.contains(footer), "\n\(footer)")
    }

    private func read(_ path: String) throws -> String {
        let file = try #require(fopen(path, "r"), "no article at \(path)")
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}

extension String {
    /// The path without its known end.
    fileprivate func replacingTail(_ tail: String) -> String {
        hasSuffix(tail) ? String(dropLast(tail.count)) : self
    }
}
