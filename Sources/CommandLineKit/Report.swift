package import JSON

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

extension ReportFormat {
    /// Writes one result to standard output, in the one form that is asked for.
    package func write(text: @autoclosure () -> String, json: @autoclosure () -> JSONText) {
        switch self {
        case .text: Terminal.write(text() + "\n", to: .output)
        case .jsonLines: Terminal.write("\(json().description)\n", to: .output)
        }
    }
}
