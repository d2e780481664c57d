extension Configuration {
    /// Where a listener binds: a host and a port.
    package struct Address: Hashable, Sendable, CustomStringConvertible {
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
        init?(host: String, port: UInt16, bracketed: Bool) {
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
        package var isLoopback: Bool {
            if host == "::1" || host.lowercased() == "localhost" { return true }
            let octets = host.split(separator: ".", omittingEmptySubsequences: false)
            return octets.count == 4 && octets[0] == "127"
                && octets.allSatisfy { UInt8(plainDigits: $0) != nil }
        }

        /// Whether one engine cannot listen on both. What names stand for is not looked up, but for
        /// localhost.
        func excludes(_ other: Address) -> Bool {
            guard port != 0, port == other.port else { return false }
            let hosts = [host, other.host].map { host in
                host.lowercased() == "localhost" ? "127.0.0.1" : host.lowercased()
            }
            // All of IPv6 is all of IPv4, too (BaseSocket of SwiftNIO).
            if hosts[0] == hosts[1] || hosts.contains("::") { return true }
            return hosts.contains("0.0.0.0") && !hosts.contains { $0.contains(":") }
        }

        /// `HOST:PORT`, as ``init(_:)`` reads it.
        package var description: String {
            host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        }
    }
}

extension Character {
    fileprivate var isASCIILetterOrDigit: Bool { isASCII && (isLetter || isNumber) }
}

extension FixedWidthInteger {
    /// Reads decimal digits and nothing else: no sign, no space. Nil where it is empty, has
    /// another character, or does not fit.
    init?(plainDigits text: some StringProtocol) {
        let isDigit = { (byte: UInt8) in byte &- UInt8(ascii: "0") < 10 }
        guard !text.isEmpty, text.utf8.allSatisfy(isDigit) else { return nil }
        self.init(text, radix: 10)
    }
}
