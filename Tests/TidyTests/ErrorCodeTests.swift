import CommandLineKit
import Foundation
import Testing

/// Every code that the sources give an error is one that `iii explain-code` explains.
@Suite("Codes of errors")
struct ErrorCodeTests {
    private let files: [SwiftFile]

    init() throws { files = try PackageDescription().swiftFiles(under: ["Sources"]) }

    @Test("a code is seen in every way in which it is written, and none in comments")
    func sight() {
        let text = """
            /// As in code: "comment".
            throw ErrorBody(code: "one", message: "two")
            ErrorBody(
                code: isLate ? "three" : "four",
                message: "five"
            )
            case .code: "six"
            let code =
                switch error {
                case .eight("seven"): "eight"
                default: "nine"
                }
            let other = "ten"
            var errorCode: String {
                switch self {
                case .get: "ELEVEN"
                }
            }
            return failure(
                403,
                "TWELVE",
                "THIRTEEN"
            )
            return refuse("FOURTEEN", "FIFTEEN")
            Self.label("sixteen")
            enum Code: String {
                case first = "seven.teen"
            }
            struct Code: RawRepresentable {
                static let second = Self(rawValue: "eighteen")
            }
            """
        let file = SwiftFile(path: "Sources/X/X.swift", module: "X", text: text)
        #expect(
            file.errorCodes == [
                "one", "three", "four", "eight", "nine", "ELEVEN", "TWELVE", "FOURTEEN", "sixteen",
                "seven.teen", "eighteen",
            ]
        )
    }

    @Test("every code has an explanation")
    func explained() {
        var count = 0
        for file in files {
            for code in file.errorCodes.sorted() {
                count += 1
                guard Explanation.of(code) == nil else { continue }
                Issue.record(
                    """
                    \(file.path) has errors with the code \(code): say what it means, and what to \
                    do, in CommandLineKit/Explanation+Functions.swift or +Programs.swift
                    """
                )
            }
        }
        #expect(count > 150)
    }

    @Test("every exit status has an explanation, and no explanation is of nothing")
    func used() {
        let statuses = CommandLineKit.ExitStatus.allCases.map { String($0.rawValue) }
        var known = Set(statuses).union(Explanation.foreign)
        for status in statuses where Explanation.of(status) == nil {
            Issue.record("the exit status \(status) has no explanation")
        }
        for file in files { known.formUnion(file.errorCodes) }
        for one in Explanation.all where !known.contains(one.code) {
            Issue.record("nothing has the code \(one.code) any more, which is explained")
        }
    }
}

extension SwiftFile {
    /// The codes that it gives errors, in the ways in which this project writes them.
    fileprivate var errorCodes: Set<String> {
        let plain = lines.map { $0.drop { $0 == " " }.hasPrefix("//") ? "" : $0 }
        var codes: Set<String> = []
        for (index, line) in plain.enumerated() where line.contains("ode") {
            for match in line.matches(of: /(?:^|[^."\w])code:\s/) {
                let argument = line[match.range.upperBound...].prefix { $0 != "," }
                codes.formUnion(Self.literals(String(argument)))
            }
            guard let match = line.firstMatch(of: /let code =|Code: String \{/) else { continue }
            let margin = Self.margin(line)
            let body = plain[(index + 1)...].prefix { Self.margin($0) > margin }
            let first = String(line[match.range.upperBound...])
            codes.formUnion(Self.literals(([first] + body).joined(separator: "\n")))
        }
        let text = plain.joined(separator: "\n")
        for match in text.matches(of: /(?:failure|refuse)\(\s*(?:[\w.]+,\s*)?"([A-Z][A-Z_]+)"/) {
            codes.insert(String(match.1))
        }
        for match in text.matches(of: /label\("(\w+)"\)/) { codes.insert(String(match.1)) }
        if text.contains("enum Code: String") {
            for match in text.matches(of: /case \w+ = "([\w.]+)"/) { codes.insert(String(match.1)) }
        }
        if text.contains("struct Code: RawRepresentable") {
            for match in text.matches(of: /Self\(rawValue: "(\w+)"\)/) {
                codes.insert(String(match.1))
            }
        }
        return codes
    }

    /// Literals that may be codes; not those that are handed to somebody.
    private static func literals(_ text: String) -> [String] {
        " \(text)".matches(of: /\s"([A-Za-z][\w.]*)"/).map { String($0.1) }
    }

    private static func margin(_ line: String) -> Int { line.prefix { $0 == " " }.count }
}
