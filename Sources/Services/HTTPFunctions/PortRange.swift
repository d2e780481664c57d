/// Ports that may be connected to: one, `443`, or several in a row, `8000-8999`.
package struct PortRange: Hashable, Sendable, CustomStringConvertible {
    package let ports: ClosedRange<UInt16>

    package init?(_ text: String) {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map(Self.port)
        guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1],
            first <= last
        else { return nil }
        ports = first...last
    }

    private static func port(_ digits: Substring) -> UInt16? {
        guard (1...5).contains(digits.utf8.count),
            digits.utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else { return nil }
        return UInt16(digits).flatMap { $0 > 0 ? $0 : nil }
    }

    package var description: String {
        ports.count == 1
            ? "\(ports.lowerBound)" : "\(ports.lowerBound)-\(ports.upperBound)"
    }
}
