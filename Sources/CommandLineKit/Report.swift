/// How results are written: for people on a terminal, for programs in a pipe.
package enum ReportFormat: Equatable, Sendable {
    case text
    /// One JSON object a line.
    case jsonLines

    /// What `--json` asks for, else what standard output is.
    package static func choose(json: Bool) -> ReportFormat {
        json || !Terminal.isTerminal(.output) ? .jsonLines : .text
    }
}

/// One line of JSON, its members in the order in which they were added.
package struct JSONLine: Equatable, Sendable, CustomStringConvertible {
    private var members = ""

    package init() {}

    /// The line, without its end.
    package var description: String { "{\(members)}" }

    /// Adds a string; nothing where it is nil.
    package mutating func add(_ key: String, _ text: String?) {
        if let text { add(key, json: Self.quoted(text)) }
    }

    package mutating func add(_ key: String, _ number: some FixedWidthInteger) {
        add(key, json: String(number))
    }

    package mutating func add(_ key: String, _ flag: Bool) {
        add(key, json: flag ? "true" : "false")
    }

    /// Adds a value that is JSON already, on one line.
    package mutating func add(_ key: String, json: String) {
        if !members.isEmpty { members += "," }
        members += "\(Self.quoted(key)):\(json)"
    }

    /// `text` as a JSON string (RFC 8259, section 7).
    package static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case "\u{0}"..."\u{1F}":
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}

extension ReportFormat {
    /// Writes one result to standard output, in the one form that is asked for.
    package func write(text: @autoclosure () -> String, json: @autoclosure () -> JSONLine) {
        switch self {
        case .text: Terminal.write(text() + "\n", to: .output)
        case .jsonLines: Terminal.write("\(json())\n", to: .output)
        }
    }
}
