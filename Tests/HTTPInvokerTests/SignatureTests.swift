import Testing

@testable import HTTPInvoker

@Suite("Signatures")
struct SignatureTests {
    @Test("are HMAC-SHA256 over the timestamp and the body in base64")
    func vector() {
        let header = Signature.header(
            secret: "topsecret",
            seconds: 1_700_000_000,
            body: Array(#"{"hello":"world"}"#.utf8)
        )
        let code = "3f627e3ec44fd25ce44ccb839678427828e75a78f19fdecaabf2a3674940d76b"
        #expect(header == "sha256=\(code)")
    }

    @Test("hash a secret that is longer than a block of SHA-256")
    func longSecret() {
        let header = Signature.header(
            secret: String(repeating: "k", count: 100),
            seconds: 1_700_000_000,
            body: []
        )
        // Python's hmac says so.
        let code = "e18f5ec6b7d8af1bd1ed3369028c044da74db371257c2b6c1845a0cbc15d8d86"
        #expect(header == "sha256=\(code)")
    }

    @Test(
        "use standard base64 with padding (RFC 4648, section 10)",
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
        ]
    )
    func base64(_ text: String, _ encoded: String) {
        #expect(Signature.base64(Array(text.utf8)) == encoded)
    }

    @Test("use the whole alphabet of base64")
    func alphabet() {
        #expect(Signature.base64([0xFB, 0xEF, 0xBE, 0xFF, 0xFF, 0xFF]) == "++++////")
    }
}
