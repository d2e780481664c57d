package import Primitives

/// Something that an operator may want to read.
package struct Notice: Equatable, Sendable {
    package enum Severity: String, Sendable { case info, warning, error }

    package let severity: Severity
    /// Each is one line for a person, whatever words of others are in it.
    package let lines: [String]
    /// What it is about; nil: no request, or it is not at hand.
    package let trace: TraceID?

    package init(severity: Severity, text: String, trace: TraceID? = nil) {
        self.trace = trace
        self.severity = severity
        lines = [text]
    }

    /// Of a `paragraph` whose line breaks are the engine's own: nobody else has a word in it.
    package init(severity: Severity, paragraph: String) {
        trace = nil
        self.severity = severity
        lines = paragraph.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    package var text: String { lines.joined(separator: "\n") }
}
