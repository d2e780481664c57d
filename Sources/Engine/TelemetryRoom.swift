package import Observability
import Synchronization

/// How much telemetry may wait for the core. What finds no room is dropped unread and counted, so
/// that a flood of it costs neither memory nor the work that goes through the same inbox.
package final class TelemetryRoom: Sendable {
    private struct State {
        var bytes = 0
        /// Of which the core was not told.
        var dropped = DroppedFrames()
        var total = DroppedFrames()

        mutating func drop(isSpans: Bool) {
            if isSpans {
                dropped.spans += 1
                total.spans += 1
            } else {
                dropped.others += 1
                total.others += 1
            }
        }
    }

    private let state = Mutex(State())
    private let limit: Int

    /// - Parameter limit: bytes of frames that wait; one frame may always wait.
    package init(limit: Int = 4 << 20) { self.limit = limit }

    /// Takes room for a frame; ``leave(_:)`` gives it back.
    ///
    /// - Returns: false where there is none: the frame is to be dropped, and is counted.
    package func enter(_ bytes: Int, isSpans: Bool) -> Bool {
        state.withLock { state in
            guard state.bytes == 0 || state.bytes + bytes <= limit else {
                state.drop(isSpans: isSpans)
                return false
            }
            state.bytes += bytes
            return true
        }
    }

    /// Counts a frame that is dropped for another reason than room.
    package func drop(isSpans: Bool) {
        state.withLock { $0.drop(isSpans: isSpans) }
    }

    package func leave(_ bytes: Int) {
        state.withLock { state in
            state.bytes -= bytes
            precondition(state.bytes >= 0)
        }
    }

    /// What was dropped since the start.
    package var dropped: DroppedFrames { state.withLock { $0.total } }

    /// What was dropped since this was asked for the last time.
    package func takeDropped() -> DroppedFrames {
        state.withLock { state in
            defer { state.dropped = DroppedFrames() }
            return state.dropped
        }
    }
}

/// How much of its time one event loop spends on reading telemetry: a quarter, and a tenth of a
/// second at once. The sockets of workers and requests have the rest, whatever comes.
package struct TelemetryBudget {
    /// In nanoseconds; below zero while more was spent than there was.
    private var balance = burst
    private var last: UInt64

    private static let burst: Int64 = 100_000_000
    private static let share: Int64 = 4

    /// - Parameter now: on the monotonic clock, like all times here.
    package init(at now: UInt64) { last = now }

    /// Whether one more frame may be read.
    package mutating func mayRead(at now: UInt64) -> Bool {
        let passed = Int64(clamping: now - min(now, last))
        last = max(last, now)
        balance = min(Self.burst, balance + passed / Self.share)
        return balance > 0
    }

    package mutating func spent(_ nanoseconds: UInt64) {
        balance -= Int64(clamping: nanoseconds)
    }
}
