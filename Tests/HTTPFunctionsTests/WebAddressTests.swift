import Testing

@testable import HTTPFunctions

@Suite("URLs of functions")
struct WebAddressTests {
    @Test(
        "are read into scheme, host, port and target",
        arguments: [
            ("https://fn.example.com/mail?a=1#top", true, "fn.example.com", 443, "/mail?a=1"),
            ("HTTP://Fn.Example.COM", false, "fn.example.com", 80, "/"),
            ("https://a.example:8443?x", true, "a.example", 8443, "/?x"),
            ("https://example.com./p", true, "example.com", 443, "/p"),
            ("https://10.0.0.1:1/", true, "10.0.0.1", 1, "/"),
            ("http://[::1]:3000/x", false, "::1", 3000, "/x"),
            ("https://xn--bcher-kva.example/", true, "xn--bcher-kva.example", 443, "/"),
        ]
    )
    func reads(
        _ text: String,
        _ isSecure: Bool,
        _ host: String,
        _ port: UInt16,
        _ target: String
    ) throws {
        let url = try #require(WebAddress(text))
        #expect(url.isSecure == isSecure)
        #expect(url.host == host)
        #expect(url.port == port)
        #expect(url.target == target)
    }

    @Test(
        "are refused where two readers could differ",
        arguments: [
            "", "fn.example.com", "ftp://example.com/", "https://", "https:///x", "https://:443/",
            "https:example.com", "https://user@example.com/", "https://user:pw@example.com/",
            "https://example.com@evil.example/", "https://a..b/", "https://.a/",
            "https://example.com\\@evil.example/", "https://ex ample.com/", "https://ex\tample/",
            "https://exa\u{0}mple/", "https://bücher.example/", "https://%31%32%37.0.0.1/",
            "https://[::1", "https://[1.2.3.4]/", "https://[fe80::1%25eth0]/", "https://::1/",
            "https://a:0/", "https://a:65536/", "https://a:/", "https://a:1x/", "https://a:+1/",
            // What inet_aton takes for 127.0.0.1.
            "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/", "http://127.1/",
            "http://0x7f.1/", "http://127.0.0.0x1/", "http://127.0.0.1.1/", "http://0/",
            "http://a.1/", "http://999.1.1.1/", "http://127.0.0.1../",
        ]
    )
    func refuses(_ text: String) {
        #expect(WebAddress(text) == nil)
    }

    @Test("are limited in length")
    func length() {
        let base = "https://example.com/"
        let fitting = base + String(repeating: "a", count: WebAddress.byteLimit - base.count)
        #expect(WebAddress(fitting) != nil)
        #expect(WebAddress(fitting + "a") == nil)
    }

    @Test("name the port in the Host header where it is not the scheme's own")
    func authority() throws {
        let cases = [
            ("https://a.example/", "a.example"), ("https://a.example:80/", "a.example:80"),
            ("http://a.example:80/", "a.example"), ("http://[::1]:81/", "[::1]:81"),
        ]
        for (text, authority) in cases {
            #expect(try #require(WebAddress(text)).authority == authority)
        }
    }
}
