/// A pattern of a shell: `*` for any run of characters, `?` for one, `[a-z]` or `[!a-z]` for one of
/// a set. Case counts; the whole text must match.
package struct Glob: Hashable, Sendable {
    package let text: String
    private let parts: [Part]

    private enum Part: Hashable, Sendable {
        case run
        case any
        case byte(UInt8)
        case set([ClosedRange<UInt8>], isNegated: Bool)

        func matches(_ byte: UInt8) -> Bool {
            switch self {
            case .run, .any: true
            case .byte(let own): own == byte
            case .set(let ranges, let isNegated):
                ranges.contains { $0.contains(byte) } != isNegated
            }
        }
    }

    /// Nil where a set is not closed, is empty or runs backwards.
    package init?(_ text: String) {
        self.text = text
        var parts: [Part] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "*"): parts.append(.run)
            case UInt8(ascii: "?"): parts.append(.any)
            case UInt8(ascii: "["):
                guard let set = Self.set(&rest) else { return nil }
                parts.append(set)
            default: parts.append(.byte(byte))
            }
        }
        self.parts = parts
    }

    private static func set(_ rest: inout ArraySlice<UInt8>) -> Part? {
        guard let end = rest.dropFirst().firstIndex(of: UInt8(ascii: "]")) else { return nil }
        var inner = rest[..<end]
        rest = rest[(end + 1)...]
        let isNegated = inner.first == UInt8(ascii: "!") || inner.first == UInt8(ascii: "^")
        if isNegated { inner = inner.dropFirst() }
        var ranges: [ClosedRange<UInt8>] = []
        while let first = inner.popFirst() {
            guard inner.first == UInt8(ascii: "-"), inner.count > 1 else {
                ranges.append(first...first)
                continue
            }
            inner = inner.dropFirst()
            guard let last = inner.popFirst(), first <= last else { return nil }
            ranges.append(first...last)
        }
        return ranges.isEmpty ? nil : .set(ranges, isNegated: isNegated)
    }

    /// In time of at most the product of both lengths.
    package func matches(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        var place = 0
        var part = 0
        // Where to go on from when what follows the last run does not match after all.
        var retry: (part: Int, place: Int)?
        while place < bytes.count {
            if part < parts.count, parts[part] == .run {
                part += 1
                retry = (part, place)
            } else if part < parts.count, parts[part].matches(bytes[place]) {
                part += 1
                place += 1
            } else if let from = retry {
                retry = (from.part, from.place + 1)
                part = from.part
                place = from.place + 1
            } else {
                return false
            }
        }
        return parts[part...].allSatisfy { $0 == .run }
    }
}
