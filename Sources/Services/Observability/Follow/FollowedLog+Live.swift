package import JSON
import Primitives
import Synchronization

// What is told as it comes, to whoever asks again and again: each from where the last time ended.

/// What came since somebody asked for the last time.
package struct News<Element: Sendable>: Sendable {
    /// The youngest, in the order in which they came.
    package let elements: [Element]
    /// How many more there were, and are not told.
    package let passed: Int
    /// Where to go on.
    package let cursor: UInt64
}

/// A log line as it is told live.
package struct LiveLine: Sendable {
    let line: LogLine
    let received: Timestamp

    /// As `engine::logs::list` has it. Of a line with more than `limit` bytes only the beginning
    /// of its text is told, and `"cut":true` with it.
    package func write(into json: inout JSONBuilder, limit: Int) {
        line.write(into: &json, received: received, limit: limit)
    }
}

extension FollowedLog {
    /// The log lines since a call returned `cursor`; nil: the youngest of all.
    package func logs(since cursor: UInt64?, limit: Int) -> News<LiveLine> {
        state.withLock { state in
            state.telemetry.logs.window.news(since: cursor, limit: limit) { entry in
                LiveLine(line: entry.element, received: entry.received)
            }
        }
    }

    /// Says of which streams ``streamEvents(since:)`` is to tell.
    package func watchStreams(_ streams: Set<String>) {
        state.withLock { $0.streams.watch(streams) }
    }

    /// What became of the watched streams since a call returned `cursor`; nil: from now on.
    package func streamEvents(since cursor: UInt64?) -> News<StreamSight> {
        state.withLock { state in
            let window = state.streams.window
            return window.news(since: cursor ?? window.next, limit: .max) { $0.element }
        }
    }
}

extension Window {
    func news<Told>(
        since cursor: UInt64?,
        limit: Int,
        _ tell: (Entry) -> Told
    ) -> News<Told> {
        let start = max(cursor ?? first, first)
        let count = Int(next - min(start, next))
        let told = entries.suffix(min(count, limit)).map(tell)
        let lost = cursor.map { Int(start - $0) } ?? 0
        return News(
            elements: told,
            passed: cursor == nil ? 0 : count - told.count + lost,
            cursor: next
        )
    }
}
