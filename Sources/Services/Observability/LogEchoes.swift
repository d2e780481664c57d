import JSON
import Primitives

/// Lines of workers that are to be said on the engine's own output, too. Bounded, also in bytes:
/// what there is no room for is counted, and said to be missing.
struct LogEchoes: Sendable {
    private var lines: [JSONText] = []
    /// Of all of them.
    private var bytes = 0
    private var lost: UInt64 = 0

    /// Between two looks of who says them.
    private static let limit = 1000
    /// From which on no line is taken: the last one may be longer than what was left.
    private static let bytesLimit = 4 << 20

    mutating func append(_ line: LogLine, received: Timestamp) {
        guard lines.count < Self.limit, bytes < Self.bytesLimit else {
            lost += 1
            return
        }
        let text = line.json(received: received)
        bytes += text.bytes.count
        lines.append(text)
    }

    mutating func take() -> (lines: [JSONText], lost: UInt64) {
        defer { (lines, bytes, lost) = ([], 0, 0) }
        return (lines, lost)
    }
}
