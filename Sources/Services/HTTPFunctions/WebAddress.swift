import Primitives

/// A URL of HTTP, read once and strictly: what two parsers might read in two ways is refused.
package struct WebAddress: Equatable, Sendable {
    package let isSecure: Bool
    /// In lower case, without brackets and without the dot at the end of a name.
    package let host: String
    package let port: UInt16
    /// Path and query as the request's line has them; a fragment is not sent.
    package let target: String
    /// The address, where the host is one.
    package let literal: IPAddress?

    package init?(_ text: String) {
        guard text.utf8.count <= Limits.urlBytes,
            text.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\\") }),
            let colon = text.firstIndex(of: ":"),
            text[colon...].hasPrefix("://")
        else { return nil }
        switch text[..<colon].lowercased() {
        case "https": isSecure = true
        case "http": isSecure = false
        default: return nil
        }
        let rest = text[colon...].dropFirst(3)
        let end = rest.firstIndex { "/?#".contains($0) } ?? rest.endIndex
        // What stands before an @ would be taken for the host by some.
        guard let place = Self.hostAndPort(rest[..<end]) else { return nil }
        host = place.host
        literal = place.literal
        port = place.port ?? (isSecure ? 443 : 80)
        let target = rest[end...].prefix { $0 != "#" }
        self.target = target.hasPrefix("/") ? String(target) : "/\(target)"
    }

    private static func hostAndPort(
        _ authority: Substring
    ) -> (host: String, literal: IPAddress?, port: UInt16?)? {
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            let inner = authority[authority.index(after: authority.startIndex)..<end]
            guard let address = IPAddress(inner), !address.isIPv4 else { return nil }
            let rest = authority[authority.index(after: end)...]
            guard let port = port(rest) else { return nil }
            return (inner.lowercased(), address, port)
        }
        let colon = authority.firstIndex(of: ":") ?? authority.endIndex
        guard let port = port(authority[colon...]) else { return nil }
        var name = authority[..<colon].lowercased()
        if name.hasSuffix(".") { name.removeLast() }
        let address = IPAddress(name)
        guard address != nil || isName(name) else { return nil }
        return (name, address, port)
    }

    /// - Returns: nil where it is none; a port of nil where there is nothing to read.
    private static func port(_ text: Substring) -> UInt16?? {
        if text.isEmpty { return .some(nil) }
        let digits = text.dropFirst()
        guard text.first == ":", digits.utf8.count <= 5, let port = UInt16(plainDigits: digits),
            port != 0
        else { return nil }
        return port
    }

    /// Names of letters, digits, `-` and `_`. One whose last label is a number is what resolvers
    /// read as an IPv4 address in one of its many spellings: `127.1`, `0x7f000001`, `2130706433`.
    private static func isName(_ name: String) -> Bool {
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        guard name.utf8.count <= 253, let last = labels.last, !isNumber(last) else { return false }
        return labels.allSatisfy { label in
            (1...63).contains(label.utf8.count)
                && label.utf8.allSatisfy { byte in
                    (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte)
                        || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
                }
        }
    }

    private static func isNumber(_ label: Substring) -> Bool {
        let isHexadecimal = label.hasPrefix("0x")
        return label.utf8.allSatisfy { (0x30...0x39).contains($0) }
            || isHexadecimal && label.dropFirst(2).allSatisfy(\.isHexDigit)
    }

    /// Whether the port is the scheme's own.
    package var hasOwnPort: Bool { port == (isSecure ? 443 : 80) }

    /// What the `Host` header says: the port only where it is not the scheme's own.
    package var authority: String {
        let name = literal?.isIPv4 == false ? "[\(host)]" : host
        return hasOwnPort ? name : "\(name):\(port)"
    }
}
