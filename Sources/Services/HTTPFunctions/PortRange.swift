import Primitives

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
        guard digits.utf8.count <= 5, let port = UInt16(plainDigits: digits), port > 0
        else { return nil }
        return port
    }

    package var description: String {
        ports.count == 1
            ? "\(ports.lowerBound)" : "\(ports.lowerBound)-\(ports.upperBound)"
    }
}
