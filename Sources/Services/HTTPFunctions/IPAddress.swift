import Glibc
import Primitives

/// An IP address as its bytes: 4 of IPv4, 16 of IPv6.
package struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    package let bytes: [UInt8]

    /// - Precondition: 4 or 16 bytes.
    package init(bytes: [UInt8]) {
        precondition(bytes.count == 4 || bytes.count == 16, "an address has 4 or 16 bytes")
        self.bytes = bytes
    }

    /// Reads four decimal numbers with dots, or IPv6 without brackets and zone; nil for any other
    /// spelling, so that no two readers can take a text for different addresses.
    package init?(_ text: some StringProtocol) {
        let text = String(text)
        var four = in_addr()
        var sixteen = in6_addr()
        if inet_pton(AF_INET, text, &four) == 1 {
            bytes = withUnsafeBytes(of: four) { Array($0) }
        } else if inet_pton(AF_INET6, text, &sixteen) == 1 {
            bytes = withUnsafeBytes(of: sixteen) { Array($0) }
        } else {
            return nil
        }
    }

    package var isIPv4: Bool { bytes.count == 4 }

    /// The IPv4 address that an IPv4-mapped one stands for; else itself.
    package var unmapped: IPAddress {
        guard !isIPv4, bytes[..<10].allSatisfy({ $0 == 0 }), bytes[10...11] == [0xFF, 0xFF] else {
            return self
        }
        return IPAddress(bytes: Array(bytes[12...]))
    }

    package var description: String {
        if isIPv4 { return bytes.map(String.init).joined(separator: ".") }
        return stride(from: 0, to: 16, by: 2)
            .map { String(Int(bytes[$0]) << 8 | Int(bytes[$0 + 1]), radix: 16) }
            .joined(separator: ":")
    }
}

/// The addresses that begin with the same bits: `10.0.0.0/8`, `fd00::/8`.
package struct AddressRange: Hashable, Sendable, CustomStringConvertible {
    package let base: IPAddress
    /// How many bits they share.
    package let prefix: Int

    /// Reads an address, a slash and a count of bits; an address alone is a range of one.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let base = IPAddress(parts[0]) else { return nil }
        let width = base.bytes.count * 8
        var prefix = width
        if parts.count == 2 {
            guard let bits = Int(plainDigits: parts[1]), bits <= width else { return nil }
            prefix = bits
        }
        self.base = base
        self.prefix = prefix
    }

    package func contains(_ address: IPAddress) -> Bool {
        guard address.bytes.count == base.bytes.count else { return false }
        let whole = prefix / 8
        guard address.bytes[..<whole] == base.bytes[..<whole] else { return false }
        guard prefix % 8 != 0 else { return true }
        let mask = UInt8.max << (8 - prefix % 8)
        return address.bytes[whole] & mask == base.bytes[whole] & mask
    }

    package var description: String { "\(base)/\(prefix)" }
}

extension IPAddress {
    /// Whether the address belongs to no host of the public internet, or leads to one by way of
    /// another address that it holds: IANA's special-purpose registries for IPv4 and IPv6, and
    /// multicast. An IPv4-mapped address is judged as what it stands for.
    package var isSpecial: Bool {
        let address = unmapped
        if address.isIPv4 { return Self.specialIPv4.contains { $0.contains(address) } }
        // All global unicast begins with 001; NAT64, mapped, local and multicast do not.
        guard address.bytes[0] & 0xE0 == 0x20 else { return true }
        return Self.specialIPv6.contains { $0.contains(address) }
    }

    private static let specialIPv4 = [
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    ].compactMap { AddressRange($0) }

    /// Protocol assignments with Teredo, documentation, 6to4.
    private static let specialIPv6 = [
        "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
    ].compactMap { AddressRange($0) }
}
