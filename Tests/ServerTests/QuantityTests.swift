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

    @Test(
        "an address is a host and a port",
        arguments: [
            ("127.0.0.1:49134", "127.0.0.1", 49134), ("localhost:0", "localhost", 0),
            ("[::1]:80", "::1", 80), ("[fe80::1%eth0]:1", "fe80::1%eth0", 1),
            ("0.0.0.0:65535", "0.0.0.0", 65535),
        ] as [(String, String, UInt16)]
    )
    func addresses(text: String, host: String, port: UInt16) throws {
        let address = try #require(Configuration.Address(text))
        #expect(address == Configuration.Address(host: host, port: port))
        #expect(address.description == text)
    }

    @Test(
        "an address is nothing else",
        arguments: [
            "", "8080", ":8080", "host", "host:", "host:65536", "host:-1", "host:+1", "::1:80",
            "[::1]", "[1:2]:80", "[host]:80", "[]:80", "ho st:80", "http://host:80", "host:80/",
            "host:8o",
        ]
    )
    func refusedAddresses(text: String) {
        #expect(Configuration.Address(text) == nil)
    }

    @Test(
        "loopback is 127/8, ::1 and localhost",
        arguments: [
            ("127.0.0.1", true), ("127.255.0.3", true), ("::1", true), ("LocalHost", true),
            ("0.0.0.0", false), ("::", false), ("10.0.0.1", false), ("127.example.org", false),
            ("127.0.0.1.example.org", false), ("127.0.0.999", false),
        ]
    )
    func loopback(host: String, expected: Bool) {
        #expect(Configuration.Address(host: host, port: 1).isLoopback == expected)
    }
}
