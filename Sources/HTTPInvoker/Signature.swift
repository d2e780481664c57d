import CSodium
import HTTPFunctions

/// `x-iii-signature` of an `hmac` endpoint: HMAC-SHA256 over the timestamp and the body in base64
/// (protocol 8).
enum Signature {
    static func header(secret: String, seconds: Int64, body: [UInt8]) -> String {
        let text = Endpoint.signed(seconds: seconds, body: base64(body))
        let code = hmac(key: Array(secret.utf8), Array(text.utf8))
        return "sha256=" + code.map(hexadecimal).joined()
    }

    /// HMAC-SHA256 (RFC 2104, FIPS 180-4).
    ///
    /// - Returns: 32 bytes.
    private static func hmac(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
        var state = crypto_auth_hmacsha256_state()
        crypto_auth_hmacsha256_init(&state, key, key.count)
        crypto_auth_hmacsha256_update(&state, message, UInt64(message.count))
        var code = [UInt8](repeating: 0, count: Int(crypto_auth_hmacsha256_BYTES))
        crypto_auth_hmacsha256_final(&state, &code)
        return code
    }

    private static func hexadecimal(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16)
        return byte < 16 ? "0\(digits)" : digits
    }

    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8
    )

    /// RFC 4648, section 4, with padding.
    static func base64(_ bytes: [UInt8]) -> String {
        String(unsafeUninitializedCapacity: (bytes.count + 2) / 3 * 4) { text in
            var place = 0
            for start in stride(from: 0, to: bytes.count, by: 3) {
                let group = bytes[start..<min(start + 3, bytes.count)]
                let bits = (0..<3).reduce(UInt32(0)) { bits, index in
                    bits << 8 | (index < group.count ? UInt32(group[start + index]) : 0)
                }
                for index in 0..<4 {
                    let value = Int(bits >> UInt32(18 - 6 * index) & 63)
                    text[place] = index <= group.count ? alphabet[value] : UInt8(ascii: "=")
                    place += 1
                }
            }
            return place
        }
    }
}
