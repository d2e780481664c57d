import Events
import Primitives
import RecordFormat

/// What contradicts what, in words, and how often.
package struct Findings: Equatable, Sendable {
    /// At most ``Verification/listed``.
    package private(set) var found: [String] = []
    package private(set) var count = 0

    /// Tells a record that cannot be.
    mutating func add(_ offset: Offset, _ kind: UInt8, _ text: String) {
        let name = EventKind(rawValue: kind)?.name ?? "kind_\(kind)"
        add("record \(offset) (\(name)): \(text)")
    }

    /// Tells a record that is older than the one before it.
    mutating func add(before last: Timestamp, _ record: RecordView) {
        let text = "its time \(record.time.rfc3339()) is before \(last.rfc3339())"
        add(record.offset, record.kind, text)
    }

    mutating func add(_ text: String) {
        count += 1
        if found.count < Verification.listed { found.append(text) }
    }

    mutating func add(_ others: Findings) {
        for text in others.found { add(text) }
        count += others.count - others.found.count
    }
}
