import Crypto
import HTTPFunctions

/// `x-iii-signature` of an `hmac` endpoint: HMAC-SHA256 over the timestamp and the body in base64
/// (protocol 8).
enum Signature {
    static func header(secret: String, seconds: Int64, body: [UInt8]) -> String {
        let text = Endpoint.signed(seconds: seconds, body: base64(body))
        let key = SymmetricKey(data: Array(secret.utf8))
        let code = HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: key)
        return "sha256=" + code.map(hexadecimal).joined()
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
