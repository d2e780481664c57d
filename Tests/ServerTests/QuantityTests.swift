import Primitives
import Testing

@testable import Server

@Suite("Durations, sizes and addresses")
struct QuantityTests {
    @Test(
        "a duration is digits and a unit",
        arguments: [
            ("50ms", 50), ("30s", 30_000), ("5m", 300_000), ("1h", 3_600_000),
            ("7d", 604_800_000), ("0s", 0), ("007s", 7000),
        ] as [(String, Int64)]
    )
    func spans(text: String, milliseconds: Int64) {
        #expect(Quantity.span(text) == .milliseconds(milliseconds))
    }

    @Test(
        "a duration is nothing else",
        arguments: [
            "", "s", "5", "-1s", "+1s", "1 s", " 1s", "1s ", "1.5s", "1S", "1w", "1min", "١s",
            "106752d", "99999999999999999999s",
        ]
    )
    func refusedSpans(text: String) {
        #expect(Quantity.span(text) == nil)
    }

    @Test(
        "a size is digits and a binary unit, or bytes",
        arguments: [
            ("64MiB", 67_108_864), ("10GiB", 10_737_418_240), ("512KiB", 524_288),
            ("1TiB", 1_099_511_627_776), ("0", 0), ("4096", 4096),
        ]
    )
    func sizes(text: String, bytes: Int) {
        #expect(Quantity.size(text) == bytes)
    }

    @Test(
        "a size is nothing else",
        arguments: ["", "MiB", "64MB", "64mib", "64M", "-1", "1.5GiB", "1 KiB", "9999999999TiB"]
    )
    func refusedSizes(text: String) {
        #expect(Quantity.size(text) == nil)
    }

    @Test("what is shown is read back as the same", arguments: UInt64(1)...32)
    func roundTrips(seed: UInt64) {
        var entropy = SeededEntropy(seed: seed)
        for _ in 0..<100 {
            let units: [Int64] = [1, 1000, 60_000, 3_600_000, 86_400_000]
            let unit = units[Int(entropy.next() % 5)]
            let span = Timestamp.Span.milliseconds(Int64(entropy.next() % 1000) * unit)
            #expect(Quantity.span(Quantity.text(span)) == span, "seed \(seed)")
            let bytes = Int(entropy.next() % 1024) << Int(entropy.next() % 5 * 10)
            #expect(Quantity.size(Quantity.text(bytes: bytes)) == bytes, "seed \(seed)")
        }
    }
}
