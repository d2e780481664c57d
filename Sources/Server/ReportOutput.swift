import CPlatform
import Dispatch
import Glibc
import Primitives
import Synchronization

/// Where lines of a report go. Who says something writes what the descriptor takes at once, and
/// waits for nobody who reads: a thread of its own writes the rest.
///
/// Invariants:
/// * Lines come out whole, and in the order in which they were said.
/// * What there is no room for is counted, and told of where it is missing.
final class ReportOutput: Sendable {
    private struct State {
        /// Of whole lines; what is being written is in front.
        var waiting: ArraySlice<UInt8> = []
        /// Lines behind `waiting` that there was no room for.
        var dropped: UInt64 = 0
        var hasWriter = false
        /// Of those who wait until all is written.
        var watchers: [DispatchSemaphore] = []
    }

    private let descriptor: Int32
    private let limit: Int
    private let gap: @Sendable (UInt64) -> String
    private let state = Mutex(State())
    /// Whoever writes has it.
    private let writer = Mutex(())
    private let bell = DispatchSemaphore(value: 0)

    /// `limit` is what may wait, in bytes, but for a single line that is longer; `gap` makes the
    /// line that tells how many are missing.
    init(
        _ descriptor: Int32,
        limit: Int = Limits.reportBytes,
        gap: @escaping @Sendable (UInt64) -> String
    ) {
        self.descriptor = descriptor
        self.limit = limit
        self.gap = gap
    }

    /// Any thread. A line that `isLast` is taken whether or not there is room for it.
    func say(_ line: String, isLast: Bool = false) {
        let bytes = Array("\(line)\n".utf8)
        let isTaken = state.withLock { state in
            let isFull = !state.waiting.isEmpty && state.waiting.count + bytes.count > limit
            // What comes behind a gap waits until that is told.
            guard isLast || (state.dropped == 0 && !isFull) else {
                state.dropped += 1
                return false
            }
            tellGap(&state)
            state.waiting += bytes
            return true
        }
        if isTaken, !writeAll(patience: 0) { leaveToWriter() }
    }

    /// Waits until all that was said is written, for `Limits.lastWords` at the most.
    func flush() {
        let written = DispatchSemaphore(value: 0)
        let isIdle = state.withLock { state in
            if state.waiting.isEmpty, state.dropped == 0 { return true }
            state.watchers.append(written)
            return false
        }
        if !isIdle { _ = written.wait(timeout: .now() + Limits.lastWords) }
    }

    /// Where no thread can be had, what waits does so until the next line is said.
    private func leaveToWriter() {
        let needsWriter = state.withLock { state in
            defer { state.hasWriter = true }
            return !state.hasWriter
        }
        if needsWriter, !ServerThread.tryStart({ self.run() }) {
            state.withLock { $0.hasWriter = false }
        }
        bell.signal()
    }

    private func run() -> Never {
        platform_name_thread("iii-report")
        while true {
            bell.wait()
            _ = writeAll(patience: -1)
        }
    }

    /// Writes what waits, unless somebody does already, who takes that as well. `patience` is what
    /// the descriptor has to become ready, in milliseconds; -1: as long as it takes.
    ///
    /// - Returns: false: it was not ready in time, and something still waits.
    private func writeAll(patience: Int32) -> Bool {
        repeat {
            let isDone = writer.withLockIfAvailable { _ in
                while let piece = next() {
                    guard isReady(within: patience) else { return false }
                    let count = write(piece)
                    state.withLock { $0.waiting = $0.waiting.dropFirst(count) }
                }
                return true
            }
            if isDone == false { return false }
            // Who came in between has left it to us.
            guard isDone == true else { return true }
        } while state.withLock { !$0.waiting.isEmpty }
        return true
    }

    /// What a pipe takes at once that is ready to be written to, in bytes (pipe(7)).
    private static let pieceBytes = 4096

    /// What is to be written next; nil: nothing waits.
    private func next() -> ArraySlice<UInt8>? {
        state.withLock { state in
            if state.waiting.isEmpty { tellGap(&state) }
            guard state.waiting.isEmpty else { return state.waiting.prefix(Self.pieceBytes) }
            for watcher in state.watchers { watcher.signal() }
            state.watchers = []
            return nil
        }
    }

    private func tellGap(_ state: inout State) {
        guard state.dropped > 0 else { return }
        state.waiting += Array("\(gap(state.dropped))\n".utf8)
        state.dropped = 0
    }

    /// - Returns: how many bytes need not be written again.
    private func write(_ piece: ArraySlice<UInt8>) -> Int {
        let count = piece.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        if count >= 0 { return count }
        // Where nobody reads it any more, there is nobody else to tell.
        return errno == EAGAIN || errno == EINTR ? 0 : piece.count
    }

    private func isReady(within milliseconds: Int32) -> Bool {
        var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return Glibc.poll(&poll, 1, milliseconds) != 0
    }
}
