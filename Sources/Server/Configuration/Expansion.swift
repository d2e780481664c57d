/// A text with its variables replaced, which still knows on which line everything was written.
struct Expansion {
    private(set) var text = ""
    /// The line of the original text, from 1, of each line of `text`: a value may have many lines.
    private var originalLines = [1]

    /// Replaces `${NAME}` and `${NAME:default}`, comments and all. A variable that is set counts
    /// even when it is empty; a default may hold colons; nothing nests and nothing is escaped.
    /// The default `__III_ENGINE_VERSION__` is `version`. What is not of this form stays as it is.
    /// An unset variable without a default becomes a finding.
    init(
        of original: String,
        variables: [String: String],
        version: String,
        file: String,
        findings: inout Findings
    ) {
        var line = 1
        var rest = Substring(original)
        while let start = rest.firstRange(of: "${") {
            append(rest[..<start.lowerBound], line: &line)
            guard let reference = Reference(rest[start.upperBound...]) else {
                append("${", line: &line)
                rest = rest[start.upperBound...]
                continue
            }
            if let value = reference.value(in: variables, version: version) {
                let newlines = value.utf8.count { $0 == UInt8(ascii: "\n") }
                originalLines += Array(repeating: line, count: newlines)
                text += value
            } else {
                findings.error(
                    .unsetVariable,
                    at: .file(file, line: line),
                    "the environment variable \(reference.name) is not set; set it, or write a"
                        + " default as in ${\(reference.name):default}"
                )
            }
            line += reference.written.utf8.count { $0 == UInt8(ascii: "\n") }
            rest = reference.rest
        }
        append(rest, line: &line)
    }

    /// A text that stays as it is, variables and all.
    init(verbatim text: String) {
        var line = 1
        append(Substring(text), line: &line)
    }

    /// The line of the original text that line `line` of `text` came from; both from 1.
    func originalLine(of line: Int) -> Int {
        originalLines.indices.contains(line - 1) ? originalLines[line - 1] : line
    }

    private mutating func append(_ part: Substring, line: inout Int) {
        for byte in part.utf8 where byte == UInt8(ascii: "\n") {
            line += 1
            originalLines.append(line)
        }
        text += part
    }

    private struct Reference {
        let name: Substring
        let fallback: Substring?
        /// All between the braces.
        let written: Substring
        let rest: Substring

        /// Reads up to the closing brace; nil where there is none, or no name.
        init?(_ text: Substring) {
            guard let end = text.firstIndex(of: "}") else { return nil }
            let inside = text[..<end]
            written = inside
            rest = text[text.index(after: end)...]
            let colon = inside.firstIndex(of: ":")
            name = inside[..<(colon ?? end)]
            fallback = colon.map { inside[inside.index(after: $0)...] }
            guard !name.isEmpty else { return nil }
        }

        func value(in variables: [String: String], version: String) -> String? {
            if let value = variables[String(name)] { return value }
            return fallback.map { $0 == "__III_ENGINE_VERSION__" ? version : String($0) }
        }
    }
}
