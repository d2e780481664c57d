import Dashboard
import Primitives

/// When a worker process is started, told to end, killed, and started again. It knows nothing of
/// processes: it is told what happened and when, and says what is to be done.
///
/// Times are monotonic, in nanoseconds.
struct ProcessPlan {
    enum Step: Equatable {
        case start
        /// Ask its group to end (SIGTERM).
        case terminate
        /// End its group (SIGKILL).
        case kill
    }

    private enum Phase {
        /// To be started at that time.
        case waiting(until: UInt64)
        case running(since: UInt64)
        /// Asked to end at `since`.
        case ending(since: UInt64, isKilled: Bool)
        case over
    }

    let restart: Configuration.Exec.Restart
    private let stopTimeout: UInt64
    private var phase: Phase
    /// What the next wait is.
    private var backoff = Self.shortest
    /// Nobody wants it any more.
    private var isStopped = false
    /// Files that it is made of changed at first and last then.
    private var changed: (first: UInt64, last: UInt64)?

    private static let second: UInt64 = 1_000_000_000
    /// Waits between an end and the next start, from and to; each is twice the one before.
    private static let shortest = second
    private static let longest = 30 * second
    /// A process that has run for so long is well: the next wait is the shortest again.
    private static let well = 60 * second
    /// Files that change together: what is quiet for so long is done changing, or what has changed
    /// for as long as the second.
    private static let quiet = second / 5
    private static let patience = 2 * second

    init(_ exec: Configuration.Exec, now: UInt64) {
        restart = exec.restart
        stopTimeout = UInt64(clamping: exec.stopTimeout.nanoseconds)
        phase = .waiting(until: now)
    }

    /// Whether it has ended for good, nothing running.
    var isOver: Bool { isStopped && !isRunning }

    /// What it is doing, for whoever watches.
    var state: ProcessRow.State {
        switch phase {
        case .waiting: .waiting
        case .running: .running
        case .ending: .ending
        case .over: .ended
        }
    }

    private var isRunning: Bool {
        switch phase {
        case .running, .ending: true
        case .waiting, .over: false
        }
    }

    /// When `next` has something to say; nil: not before something happens.
    var due: UInt64? {
        let change = changed.map { min($0.last + Self.quiet, $0.first + Self.patience) }
        switch phase {
        case .waiting(let start): return change.map { min($0, start) } ?? start
        case .running(let since): return isStopped ? since : change
        case .ending(let since, let isKilled): return isKilled ? nil : since &+ stopTimeout
        case .over: return change
        }
    }

    /// What is to be done now, if anything; it counts as done, but for a start, of which
    /// ``started(at:)`` or ``failed(at:)`` is to tell.
    mutating func next(_ now: UInt64) -> Step? {
        guard let due, due <= now else { return nil }
        switch phase {
        case .waiting, .over:
            changed = nil
            return .start
        case .running:
            changed = nil
            phase = .ending(since: now, isKilled: false)
            return .terminate
        case .ending(let since, _):
            phase = .ending(since: since, isKilled: true)
            return .kill
        }
    }

    mutating func started(at now: UInt64) { phase = .running(since: now) }

    /// - Returns: how long it is until the next try.
    mutating func failed(at now: UInt64) -> UInt64 { wait(from: now) }

    /// It has ended, and its group with it.
    ///
    /// - Returns: how long it is until it starts again; nil: it does not.
    mutating func ended(successfully: Bool, at now: UInt64) -> UInt64? {
        guard !isStopped else {
            phase = .over
            return nil
        }
        switch phase {
        case .ending:
            // It was asked to, for the sake of the next one.
            phase = .waiting(until: now)
            return 0
        case .running(let since) where now - since >= Self.well: backoff = Self.shortest
        default: break
        }
        switch restart {
        case .always: return wait(from: now)
        case .onFailure where !successfully: return wait(from: now)
        case .onFailure, .never:
            phase = .over
            return nil
        }
    }

    private mutating func wait(from now: UInt64) -> UInt64 {
        let wait = backoff
        phase = .waiting(until: now + wait)
        backoff = min(backoff * 2, Self.longest)
        return wait
    }

    /// A file that it is made of has changed: it starts anew, once no more of them change.
    mutating func change(at now: UInt64) {
        backoff = Self.shortest
        changed = (changed?.first ?? now, now)
    }

    /// It is to end, and not to start again.
    mutating func stop() {
        isStopped = true
        changed = nil
        if !isRunning { phase = .over }
    }
}
