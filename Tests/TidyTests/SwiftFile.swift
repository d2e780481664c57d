import Foundation

/// A source file, as text.
struct SwiftFile: Sendable {
    /// From the package's folder.
    let path: String
    /// The target that it belongs to.
    let module: String
    let lines: [String]

    /// The lines without comments and without the content of literals.
    let code: [String]

    struct Function {
        /// The line of `func` or `init`, from 1.
        let line: Int
        let lineCount: Int
    }

    init(path: String, module: String, text: String) {
        self.path = path
        self.module = module
        var lines = text.components(separatedBy: "\n")
        if lines.last == "" { lines.removeLast() }
        self.lines = lines
        var isInText = false
        code = lines.map { Self.stripped($0, &isInText) }
    }

    /// The modules that it imports.
    var imports: [String] {
        code.compactMap { line in
            let words = line.split(separator: " ")
            guard let place = words.firstIndex(of: "import"), place + 1 < words.count,
                words[..<place].allSatisfy({ Self.importPrefixes.contains(String($0)) })
            else { return nil }
            let next = Self.importKinds.contains(words[place + 1]) ? place + 2 : place + 1
            guard next < words.count else { return nil }
            return words[next].split(separator: ".").first.map(String.init)
        }
    }

    private static let importKinds: Set<Substring> = [
        "struct", "class", "enum", "protocol", "func", "var", "let",
    ]

    private static let importPrefixes: Set<String> = [
        "@testable", "package", "public", "internal", "private", "fileprivate", "@preconcurrency",
    ]

    /// Every function and initialiser with a body: from its first line to its closing brace, which
    /// the formatter puts below the first line's indentation.
    var functions: [Function] {
        code.indices.compactMap { start in
            let line = code[start]
            let trimmed = line.drop { $0 == " " }
            let words = trimmed.split(whereSeparator: { " (<".contains($0) })
            guard let place = words.firstIndex(where: { ["func", "init", "init?"].contains($0) }),
                words[..<place].allSatisfy({ $0.allSatisfy { $0.isLetter || "@)".contains($0) } }),
                trimmed.contains("(")
            else { return nil }
            let margin = String(repeating: " ", count: line.count - trimmed.count)
            guard let body = body(from: start, margin), !line.hasSuffix("}") else { return nil }
            let closing = margin + "}"
            let end = code[body...].firstIndex { $0 == closing || $0.hasPrefix(closing + " ") }
            guard let end else { return nil }
            return Function(line: start + 1, lineCount: end - start + 1)
        }
    }

    /// The line that opens the body of the function that starts at `start`; nil: it has none.
    private func body(from start: Int, _ margin: String) -> Int? {
        if code[start].hasSuffix("{") { return start }
        guard code[start].hasSuffix("(") else { return nil }
        let last = code[(start + 1)...].firstIndex { $0.hasPrefix(margin + ")") }
        guard let last, last + 1 < code.count else { return nil }
        return code[last].hasSuffix("{") ? last : code[last + 1] == margin + "{" ? last + 1 : nil
    }

    /// A line without its comment and without what stands in quotes.
    private static func stripped(_ line: String, _ isInText: inout Bool) -> String {
        if line.contains("\"\"\"") {
            let marks = line.components(separatedBy: "\"\"\"").count - 1
            let isWhole = marks % 2 == 0
            if !isWhole { isInText.toggle() }
            return ""
        }
        guard !isInText else { return "" }
        var result = ""
        var isInQuotes = false
        var isEscaped = false
        for character in line {
            if isInQuotes {
                if isEscaped {
                    isEscaped = false
                } else if character == "\\" {
                    isEscaped = true
                } else if character == "\"" {
                    isInQuotes = false
                }
                continue
            }
            if character == "\"" { isInQuotes = true }
            result.append(character)
            if result.hasSuffix("//") { return String(result.dropLast(2)) }
        }
        return result
    }
}
