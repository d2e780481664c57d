/// A text with its variables replaced, which still knows on which line everything was written.
struct Expansion {
    private(set) var text = ""
    /// The line of the original text, from 1, of each line of `text`: a value may have many lines.
    private var originalLines = [1]
    /// Of the original text.
    private var line = 1

    /// Replaces the references of a text before anybody reads it, whatever they stand in (services
    /// 1, E.1), but for comments that have a line of their own. An unset variable without a default
    /// becomes a finding.
    init(
        of original: String,
        _ variables: Variables,
        file: String,
        findings: inout Findings
    ) {
        var rest = Substring(original)
        while let start = rest.firstRange(of: "${") {
            append(rest[..<start.lowerBound])
            rest = rest[start.upperBound...]
            let isComment = Self.isComment(start.lowerBound, in: original)
            guard !isComment, let end = rest.firstIndex(of: "}"),
                let reference = Variables.Reference(rest[..<end])
            else {
                append("${")
                continue
            }
            if let value = variables.value(of: reference) {
                append(value, for: rest[..<end])
            } else {
                findings.unsetVariable(reference.name, at: .file(file, line: line))
                append("", for: rest[..<end])
            }
            rest = rest[rest.index(after: end)...]
        }
        append(rest)
    }

    /// A text that stays as it is, variables and all.
    init(verbatim text: String) { append(Substring(text)) }

    /// The line of the original text that line `line` of `text` came from; both from 1.
    func originalLine(of line: Int) -> Int {
        originalLines.indices.contains(line - 1) ? originalLines[line - 1] : line
    }

    /// A part of the original text.
    private mutating func append(_ part: Substring) {
        for byte in part.utf8 where byte == UInt8(ascii: "\n") {
            line += 1
            originalLines.append(line)
        }
        text += part
    }

    /// What stands for the reference that has `written` between its braces.
    private mutating func append(_ value: String, for written: Substring) {
        originalLines += Array(repeating: line, count: Self.newlines(value[...]))
        text += value
        line += Self.newlines(written)
    }

    private static func newlines(_ text: Substring) -> Int {
        text.utf8.count { $0 == UInt8(ascii: "\n") }
    }

    /// Whether nothing but blanks and a comment is before `place` on its line.
    private static func isComment(_ place: String.Index, in text: String) -> Bool {
        let before = text.utf8[..<place]
        let start = before.lastIndex(of: UInt8(ascii: "\n")).map { before.index(after: $0) }
        let first = before[(start ?? before.startIndex)...].first { byte in
            byte != UInt8(ascii: " ") && byte != UInt8(ascii: "\t")
        }
        return first == UInt8(ascii: "#")
    }
}

// MARK: TOML

extension Expansion {
    /// Replaces the references of a TOML text that stand in neither strings nor comments, each by
    /// one word or number; those in strings are ``TOMLReader``'s, once the text has been read. So
    /// nothing that a variable holds can end a string, begin a setting, or mean anything else than
    /// itself.
    init(
        ofTOML original: String,
        _ variables: Variables,
        file: String,
        findings: inout Findings
    ) {
        var rest = Substring(original)
        while let (range, reference) = Self.bareReference(in: rest) {
            append(rest[..<range.lowerBound])
            let written = rest[range]
            let place = Place.file(file, line: line)
            // With a word in its place the rest is read, and what is wrong there told as well.
            var value = "0"
            if let found = variables.values[String(reference.name)] {
                if Self.isWord(found) {
                    value = found
                } else {
                    let what =
                        found.isEmpty
                        ? "is set, but empty"
                        : "holds more than a word or a number here; put quotes around it:"
                            + " \"${\(reference.name)}\""
                    let message = "the environment variable \(reference.name) \(what)"
                    findings.error(.syntax, at: place, message)
                }
            } else if let fallback = variables.value(of: reference) {
                // The file's own text.
                value = fallback
            } else {
                findings.unsetVariable(reference.name, at: place)
            }
            append(value, for: written)
            rest = rest[range.upperBound...]
        }
        append(rest)
    }

    /// What cannot be anything but one number, truth value or key.
    private static func isWord(_ text: String) -> Bool {
        let isBare = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        let isDecimal = text.utf8.allSatisfy { "0123456789+-.eE".utf8.contains($0) }
        return !text.isEmpty && (isBare || isDecimal && Double(text) != nil)
    }

    /// The first reference outside of strings and comments, braces and all. `text` begins outside
    /// of them.
    private static func bareReference(
        in text: Substring
    ) -> (Range<String.Index>, Variables.Reference)? {
        let bytes = text.utf8
        var place = bytes.startIndex
        while place < bytes.endIndex {
            let next = bytes.index(after: place)
            switch bytes[place] {
            case UInt8(ascii: "#"):
                place = bytes[place...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.endIndex
            case UInt8(ascii: "\""), UInt8(ascii: "'"): place = endOfString(in: bytes, from: place)
            case UInt8(ascii: "$") where next < bytes.endIndex && bytes[next] == UInt8(ascii: "{"):
                let start = bytes.index(after: next)
                if let end = bytes[start...].firstIndex(of: UInt8(ascii: "}")),
                    let reference = Variables.Reference(text[start..<end])
                {
                    return (place..<bytes.index(after: end), reference)
                }
                place = start
            default: place = next
            }
        }
        return nil
    }

    /// Behind the string whose opening quote is at `start`; where nothing closes it, at the end of
    /// its line or of the text, and whoever reads it will say so.
    private static func endOfString(
        in bytes: Substring.UTF8View,
        from start: String.Index
    ) -> String.Index {
        let quote = bytes[start]
        let mark = [quote, quote, quote]
        let isLong = bytes[start...].starts(with: mark)
        var place = bytes.index(start, offsetBy: isLong ? 3 : 1)
        while place < bytes.endIndex {
            switch bytes[place] {
            case UInt8(ascii: "\\") where quote == UInt8(ascii: "\""):
                place = bytes.index(place, offsetBy: 2, limitedBy: bytes.endIndex) ?? bytes.endIndex
            case UInt8(ascii: "\n") where !isLong: return place
            case quote where !isLong: return bytes.index(after: place)
            case quote where bytes[place...].starts(with: mark):
                // Up to two more quotes belong to the text before the closing three.
                return bytes[place...].firstIndex { $0 != quote } ?? bytes.endIndex
            default: place = bytes.index(after: place)
            }
        }
        return place
    }
}
