import NetServer
import Testing

@Suite("Listen address")
struct ListenAddressTests {
    @Test(
        "an address is a host and a port",
        arguments: [
            ("127.0.0.1:49134", "127.0.0.1", 49134), ("localhost:0", "localhost", 0),
            ("[::1]:80", "::1", 80), ("[fe80::1%eth0]:1", "fe80::1%eth0", 1),
            ("0.0.0.0:65535", "0.0.0.0", 65535),
        ] as [(String, String, UInt16)]
    )
    func addresses(text: String, host: String, port: UInt16) throws {
        let address = try #require(ListenAddress(text))
        #expect(address == ListenAddress(host: host, port: port))
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
    func refused(text: String) {
        #expect(ListenAddress(text) == nil)
    }

    @Test(
        "loopback is 127/8, also within IPv6, ::1 and localhost",
        arguments: [
            ("127.0.0.1", true), ("127.255.0.3", true), ("::1", true), ("LocalHost", true),
            ("::ffff:127.0.0.1", true), ("0:0:0:0:0:0:0:1", true), ("0.0.0.0", false),
            ("::", false), ("10.0.0.1", false), ("::ffff:10.0.0.1", false),
            ("127.example.org", false), ("127.0.0.1.example.org", false), ("127.0.0.999", false),
            ("localhost.example", false), ("fe80::1%eth0", false),
        ]
    )
    func loopback(host: String, expected: Bool) {
        #expect(ListenAddress(host: host, port: 1).isLoopback == expected)
    }
}
