import Glibc
import Primitives

/// Where to listen: an IP address or a name, and a port.
package struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
    /// A name or a numeric address, without the brackets of IPv6.
    package var host: String
    /// 0 lets the system pick a free port.
    package var port: UInt16

    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Reads `HOST:PORT`, with an IPv6 host in brackets. Nil for anything else.
    package init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"),
            let port = UInt16(plainDigits: text[text.index(after: colon)...])
        else { return nil }
        self.init(host: String(text[..<colon]), port: port, bracketed: true)
    }

    /// Nil where `host` is not a possible host. `bracketed` says that an IPv6 host must stand
    /// in brackets, because a port follows it in the text.
    package init?(host: String, port: UInt16, bracketed: Bool) {
        let bare: Substring
        if host.hasPrefix("["), host.hasSuffix("]") {
            bare = host.dropFirst().dropLast()
            guard bare.contains(":") else { return nil }
        } else {
            bare = host[...]
            guard !(bracketed && bare.contains(":")) else { return nil }
        }
        let isHost = bare.contains(":") ? Self.isIPv6(bare) : Self.isNameOrIPv4(bare)
        guard isHost else { return nil }
        self.init(host: String(bare), port: port)
    }

    /// Only the shape: the system judges the rest when it binds.
    private static func isNameOrIPv4(_ text: Substring) -> Bool {
        let punctuation = Set("-_.".utf8)
        let isHostByte = { (byte: UInt8) in
            punctuation.contains(byte) || Character(Unicode.Scalar(byte)).isASCIILetterOrDigit
        }
        return !text.isEmpty && text.utf8.allSatisfy(isHostByte)
    }

    /// Only the shape, with a zone perhaps: `fe80::1%eth0`.
    private static func isIPv6(_ text: Substring) -> Bool {
        let parts = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        let digits = Set("0123456789abcdefABCDEF:.".utf8)
        return parts[0].count { $0 == ":" } >= 2 && parts[0].utf8.allSatisfy(digits.contains)
            && (parts.count == 1 || isNameOrIPv4(parts[1]))
    }

    /// Whether only this machine can reach it.
    package var isLoopback: Bool { Self.isLoopback(host) }

    /// Whether `host` (an IP address without brackets, or a name) is this machine itself:
    /// 127.0.0.0/8, `::1`, the IPv4-mapped form of the former, `localhost`.
    package static func isLoopback(_ host: String) -> Bool {
        if let address = bytes(ofIPv4: host) { return address[0] == 127 }
        if let address = bytes(ofIPv6: host) {
            let mapped = address[..<10].allSatisfy { $0 == 0 } && address[10...11] == [0xFF, 0xFF]
            let one = address[..<15].allSatisfy { $0 == 0 } && address[15] == 1
            return one || mapped && address[12] == 127
        }
        return host.lowercased() == "localhost"
    }

    /// Whether `host` is an address rather than a name.
    package static func isLiteral(_ host: String) -> Bool {
        bytes(ofIPv4: host) != nil || bytes(ofIPv6: host) != nil
    }

    private static func bytes(ofIPv4 text: String) -> [UInt8]? { bytes(of: text, AF_INET, 4) }

    private static func bytes(ofIPv6 text: String) -> [UInt8]? { bytes(of: text, AF_INET6, 16) }

    /// As bytes, since which module owns `in_addr` depends on what else a build imports.
    private static func bytes(of text: String, _ family: Int32, _ count: Int) -> [UInt8]? {
        var address = [UInt8](repeating: 0, count: count)
        return inet_pton(family, text, &address) == 1 ? address : nil
    }

    /// Whether one process cannot listen on both. What names stand for is not looked up, but for
    /// localhost.
    package func excludes(_ other: ListenAddress) -> Bool {
        guard port != 0, port == other.port else { return false }
        let hosts = [host, other.host].map { host in
            host.lowercased() == "localhost" ? "127.0.0.1" : host.lowercased()
        }
        // All of IPv6 is all of IPv4, too (BaseSocket of SwiftNIO).
        if hosts[0] == hosts[1] || hosts.contains("::") { return true }
        return hosts.contains("0.0.0.0") && !hosts.contains { $0.contains(":") }
    }

    /// `HOST:PORT`, as ``init(_:)`` reads it.
    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

extension Character {
    fileprivate var isASCIILetterOrDigit: Bool { isASCII && (isLetter || isNumber) }
}
