import Glibc

/// Where to listen: an IP address or a name, and a port.
package struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
    /// An IP address without brackets, or a name that resolves to one.
    package let host: String
    /// 0 through 65535; 0 lets the system pick a free port.
    package let port: Int

    package init(host: String, port: Int) {
        precondition(!host.isEmpty, "An address has a host.")
        precondition((0...65_535).contains(port), "A port is 0 through 65535.")
        self.host = host
        self.port = port
    }

    /// Reads `127.0.0.1:49134`, `[::1]:0` or `localhost:1`.
    package init(parsing text: String) throws(ListenAddressError) {
        guard let colon = text.lastIndex(of: ":") else {
            throw ListenAddressError(text: text, expected: "a port after a colon")
        }
        let digits = text[text.index(after: colon)...]
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), digits.utf8.count <= 5,
            let port = Int(digits), port <= 65_535
        else {
            throw ListenAddressError(text: text, expected: "a port from 0 to 65535")
        }
        self.init(host: try Self.host(text[..<colon], of: text), port: port)
    }

    private static func host(
        _ part: Substring,
        of text: String
    ) throws(ListenAddressError) -> String {
        if part.first == "[", part.last == "]" {
            let inner = String(part.dropFirst().dropLast())
            guard Self.bytes(ofIPv6: inner) != nil else {
                throw ListenAddressError(text: text, expected: "an IPv6 address in the brackets")
            }
            return inner
        }
        guard !part.contains(":") else {
            throw ListenAddressError(text: text, expected: "brackets around an IPv6 address")
        }
        guard !part.isEmpty, part.utf8.allSatisfy(isHostByte) else {
            throw ListenAddressError(text: text, expected: "an IP address or a host name")
        }
        let digitsAndDots = part.utf8.allSatisfy { $0 == 0x2E || (0x30...0x39).contains($0) }
        guard !digitsAndDots || Self.bytes(ofIPv4: String(part)) != nil else {
            throw ListenAddressError(text: text, expected: "four numbers from 0 to 255")
        }
        return String(part)
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"): true
        default: false
        }
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

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// A text that is no ``ListenAddress``.
package struct ListenAddressError: Error, Equatable, Sendable, CustomStringConvertible {
    package let text: String
    /// What was missing where it failed, as a noun phrase.
    package let expected: String

    package var description: String {
        "\"\(text)\" is not an address: expected \(expected), as in 127.0.0.1:49134 or [::1]:49134"
    }
}
