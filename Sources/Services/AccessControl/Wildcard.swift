/// A pattern for names: `*` is any run of characters, everything else is itself; the whole name
/// must match (protocol 9.3).
package struct Wildcard: Hashable, Sendable {
    package let text: String
    /// What stands between the stars; one part: there is none.
    private let parts: [[UInt8]]

    package init(_ text: String) {
        self.text = text
        parts = text.utf8.split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false)
            .map(Array.init)
    }

    /// Reads `match("PATTERN")`, with double or single quotes; nil: it is none.
    package init?(call text: String) {
        guard text.hasPrefix("match("), text.hasSuffix(")") else { return nil }
        let quoted = text.dropFirst("match(".count).dropLast()
        guard quoted.utf8.count >= 2, let quote = quoted.first, quote == "\"" || quote == "'",
            quoted.last == quote
        else { return nil }
        let pattern = quoted.dropFirst().dropLast()
        guard !pattern.contains(quote) else { return nil }
        self.init(String(pattern))
    }

    package func matches(_ name: String) -> Bool {
        var rest = Array(name.utf8)[...]
        guard let first = parts.first, rest.starts(with: first) else { return false }
        guard parts.count > 1, let last = parts.last else { return rest.count == first.count }
        rest = rest.dropFirst(first.count)
        // The first place is good enough for each part: the star behind it takes what is left.
        for part in parts.dropFirst().dropLast() {
            guard let end = Self.end(of: part, in: rest) else { return false }
            rest = rest[end...]
        }
        return rest.count >= last.count && rest.suffix(last.count) == last[...]
    }

    private static func end(of part: [UInt8], in text: ArraySlice<UInt8>) -> Int? {
        guard text.count >= part.count else { return nil }
        for start in text.startIndex...(text.endIndex - part.count)
        where text[start..<start + part.count] == part[...] {
            return start + part.count
        }
        return nil
    }
}
