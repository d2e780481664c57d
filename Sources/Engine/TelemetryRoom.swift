package import Observability
import Synchronization

/// How much telemetry may wait for the core. What finds no room is dropped unread and counted, so
/// that a flood of it costs neither memory nor the work that goes through the same inbox.
package final class TelemetryRoom: Sendable {
    private struct State {
        var bytes = 0
        var dropped = DroppedFrames()

        mutating func drop(isSpans: Bool) {
            if isSpans { dropped.spans += 1 } else { dropped.others += 1 }
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

    /// Counts a frame that is dropped for want of time to read it.
    package func drop(isSpans: Bool) { state.withLock { $0.drop(isSpans: isSpans) } }

    package func leave(_ bytes: Int) {
        state.withLock { state in
            state.bytes -= bytes
            precondition(state.bytes >= 0)
        }
    }

    /// What was dropped since this was asked for the last time.
    package func takeDropped() -> DroppedFrames {
        state.withLock { state in
            defer { state.dropped = DroppedFrames() }
            return state.dropped
        }
    }
}
