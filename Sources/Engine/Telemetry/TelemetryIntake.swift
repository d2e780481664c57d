import DequeModule
package import Disk
package import Observability
import Synchronization

/// A frame of telemetry that there was no time for when it came.
package struct PostponedTelemetry: Sendable {
    /// Its length, which it has room for.
    package let bytes: Int
    package let read: @Sendable () -> [Telemetry]

    package init(bytes: Int, read: @escaping @Sendable () -> [Telemetry]) {
        self.bytes = bytes
        self.read = read
    }
}

/// How much telemetry may wait to be read, and for the core. What finds no room is dropped unread
/// and counted, so that a flood of it costs neither memory nor the work that comes by the same way.
package final class TelemetryIntake: Sendable {
    private struct State {
        var bytes = 0
        var postponed: Deque<PostponedTelemetry> = []
        var dropped = DroppedFrames()

        mutating func drop(isSpans: Bool) {
            if isSpans { dropped.spans += 1 } else { dropped.others += 1 }
        }
    }

    private let state = Mutex(State())
    private let limit: Int
    /// What the thread sleeps by that reads what was postponed.
    package let waker: Waker?

    /// - Parameters:
    ///   - limit: bytes of frames that wait; one frame may always wait.
    ///   - waker: rung where something was postponed; nil: nobody reads that, and it is dropped.
    package init(limit: Int = 4 << 20, waker: Waker? = nil) {
        self.limit = limit
        self.waker = waker
    }

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

    /// Leaves a frame, which has entered, to the thread that reads what was postponed.
    package func postpone(_ frame: PostponedTelemetry, isSpans: Bool) {
        guard let waker else {
            leave(frame.bytes)
            return state.withLock { $0.drop(isSpans: isSpans) }
        }
        state.withLock { $0.postponed.append(frame) }
        waker.wake()
    }

    /// The oldest frame that was postponed; whoever takes it sees to it that it leaves.
    package func takePostponed() -> PostponedTelemetry? {
        state.withLock { $0.postponed.popFirst() }
    }

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
