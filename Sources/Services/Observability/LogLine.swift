package import Events
package import Primitives

/// A line that a worker logged, and the request that it belongs to.
package struct LogLine: Equatable, Sendable {
    package let record: Logged
    package let trace: TraceID?

    package init(record: Logged, trace: TraceID?) {
        self.record = record
        self.trace = trace
    }

    /// OpenTelemetry's name for a severity number (Logs Data Model, "Severity Fields").
    static func severityText(_ number: UInt8) -> String {
        switch number {
        case 1...4: "TRACE"
        case 5...8: "DEBUG"
        case 9...12: "INFO"
        case 13...16: "WARN"
        case 17...20: "ERROR"
        case 21...24: "FATAL"
        default: "UNSPECIFIED"
        }
    }

    /// Without terminal escape sequences: a log line must not move the reader's cursor.
    static func plain(_ text: String) -> String {
        guard text.utf8.contains(0x1B) else { return text }
        var result = ""
        var rest = text.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            guard scalar.value == 0x1B else {
                result.unicodeScalars.append(scalar)
                continue
            }
            guard rest.first == "[" else { continue }
            rest.removeFirst()
            while let part = rest.popFirst(), !(0x40...0x7E).contains(part.value) {}
        }
        return result
    }
}
