import CPlatform
import Disk
import Synchronization

/// Reads pieces of the log in idle time (``platform_use_idle_time``), for a thread that does it
/// itself when none comes: while all processors are busy, this one gets a thousandth of one.
///
/// An unprivileged thread that has put itself there cannot come back (sched(7)), hence two. And
/// what this one holds, it holds for seconds then. So it shares nothing but the one word that says
/// whose turn it is, and what was read.
final class IdleReader: Sendable {
    private enum State: Sendable {
        case free
        case asked(FollowedPiece.Request)
        case reading
        /// Nobody waits for it any more.
        case abandoned
        case done(FollowedPiece)
    }

    private let state = Mutex(State.free)
    /// What it sleeps by, and what the thread sleeps by that waits for it.
    private let waker: Waker
    private let asker: Waker

    /// - Parameter asker: rung when a piece is there.
    /// - Throws: what the system refused: it has no descriptor left.
    init(asker: Waker) throws(ServeError) {
        self.asker = asker
        do throws(StorageError) { waker = try Waker() } catch { throw ServeError(error) }
    }

    func start(path: String) {
        CoreThread.start {
            platform_name_thread("iii-idle")
            platform_use_idle_time()
            var reader = PieceReader(path: path)
            while true {
                self.waker.sleep(nanoseconds: nil)
                if let request = self.begin() { self.end(reader.read(request)) }
            }
        }
    }

    private func begin() -> FollowedPiece.Request? {
        state.withLock { state in
            guard case .asked(let request) = state else { return nil }
            state = .reading
            return request
        }
    }

    private func end(_ piece: FollowedPiece) {
        state.withLock { state in
            if case .abandoned = state { state = .free } else { state = .done(piece) }
        }
        asker.wake()
    }

    /// Waits `limit` nanoseconds at most; one thread at a time.
    ///
    /// - Returns: nil: there is no idle time.
    func read(_ request: FollowedPiece.Request, limit: UInt64) -> FollowedPiece? {
        let isFree = state.withLock { state in
            guard case .free = state else { return false }
            state = .asked(request)
            return true
        }
        guard isFree else { return nil }
        waker.wake()
        let end = platform_boottime() + limit
        while true {
            let now = platform_boottime()
            let (piece, isOver) = take(isLast: now >= end)
            if isOver { return piece }
            asker.sleep(nanoseconds: end - now)
        }
    }

    private func take(isLast: Bool) -> (piece: FollowedPiece?, isOver: Bool) {
        state.withLock { state in
            switch state {
            case .done(let piece):
                state = .free
                return (piece, true)
            case .asked where isLast: state = .free
            case .reading where isLast: state = .abandoned
            case .free, .asked, .reading, .abandoned: break
            }
            return (nil, isLast)
        }
    }
}
