package import Primitives
import Synchronization

/// What following the log has shown: fed by the thread that follows it, asked by any.
///
/// Memory is bounded by what its parts keep; it holds no record.
package final class FollowedLog: Sendable {
    private struct State: Sendable {
        var work = OpenWork()
        var requests: RequestBook
        var totals = RecordTotals()
        var next = Offset.zero
        var skipped: UInt64 = 0
    }

    private let state: Mutex<State>

    package init(requests limit: Int = 10_000) {
        state = Mutex(State(requests: RequestBook(limit: limit)))
    }

    // MARK: The follower

    /// Takes records that follow those before, in order.
    package func take(_ records: [FollowedRecord]) {
        guard let last = records.last else { return }
        state.withLock { state in
            for record in records {
                let change = state.work.take(record)
                state.requests.take(record, change)
                state.totals.take(record, change)
            }
            state.next = last.offset.advanced(by: 1)
        }
    }

    /// Records up to `end` were passed over. What was seen of the work before may have gone on in
    /// them.
    package func skip(to end: Offset) {
        state.withLock { state in
            guard end > state.next else { return }
            if state.totals.records > 0 {
                state.skipped += end.rawValue - state.next.rawValue
                state.work.forgetAll()
                state.requests.loseTrack()
            }
            state.next = end
        }
    }

    // MARK: Any thread

    /// The record that comes next: all before it was seen, or skipped.
    package var next: Offset { state.withLock { $0.next } }

    /// How many records were passed over, since they came too fast or could not be read.
    package var skipped: UInt64 { state.withLock { $0.skipped } }

    /// What was counted since this process began to follow: from a part of the log that is older
    /// than it on.
    package var totals: RecordTotals { state.withLock { $0.totals } }

    /// - Returns: the requests that are asked for, the youngest first, and how many were seen.
    package func requests(_ filter: RequestFilter) -> (rows: [RequestRow], seen: UInt64) {
        state.withLock { ($0.requests.list(filter), $0.requests.seen) }
    }

    package func request(_ trace: TraceID) -> RequestRow? {
        state.withLock { $0.requests[trace] }
    }

    /// The rows that are new or have changed since a call returned `cursor`, 0 for all.
    ///
    /// - Returns: the `limit` that changed last, in that order; how many more there were; and where
    ///   to go on.
    package func changes(
        since cursor: UInt64,
        limit: Int
    ) -> (rows: [RequestRow], passed: Int, cursor: UInt64) {
        state.withLock { state in
            let (rows, passed) = state.requests.changes(since: cursor, limit: limit)
            return (rows, passed, state.requests.cursor)
        }
    }
}
