import DequeModule
import JSON
import Primitives

/// Lines of workers that are to be said on the engine's own output, too. Bounded: what there is no
/// room for is counted, and said to be missing.
struct LogEchoes: Sendable {
    private var lines: [JSONText] = []
    private var lost: UInt64 = 0

    /// Between two looks of who says them.
    private static let limit = 1000

    mutating func append(_ line: LogLine, received: Timestamp) {
        guard lines.count < Self.limit else {
            lost += 1
            return
        }
        lines.append(line.json(received: received))
    }

    mutating func take() -> (lines: [JSONText], lost: UInt64) {
        defer { (lines, lost) = ([], 0) }
        return (lines, lost)
    }
}
