package import Disk
import Synchronization

/// Where the edges leave commands for the core thread: a batch at a time, never waiting.
///
/// The limit is soft: a batch is always taken, but an edge that is told ``Offer/full`` stops
/// reading its sockets until it is called back, so that a slow log is felt by the peers and not by
/// this process's memory.
package final class Inbox: Sendable {
    package enum Offer: Sendable { case taken, full }

    private struct State {
        /// Kept apart, so that no command is copied while the lock is held.
        var batches: [[Command]] = []
        /// Emptied ones, whose memory the next batches use.
        var spares: [[Command]] = []
        var count = 0
        var bytes = 0
        var isClosed = false
        var waiting: [@Sendable () -> Void] = []
    }

    /// Where telemetry takes room before it is offered; the core gives it back.
    package let telemetry: TelemetryIntake
    private let state = Mutex(State())
    private let shortage = Atomic(false)
    private let waker: Waker
    private let limitBytes: Int
    private let limitCommands: Int

    /// - Parameters:
    ///   - waker: what the core sleeps by.
    ///   - telemetry: room for it.
    ///   - limitBytes: beyond this the inbox is full.
    ///   - limitCommands: or beyond as many commands.
    package init(
        waker: Waker,
        telemetry: TelemetryIntake = TelemetryIntake(),
        limitBytes: Int = 16 << 20,
        limitCommands: Int = 65_536
    ) {
        self.waker = waker
        self.telemetry = telemetry
        self.limitBytes = limitBytes
        self.limitCommands = limitCommands
    }

    /// - Parameters:
    ///   - commands: at least one, in the order in which they are to be handled. Left empty,
    ///     in memory that the core is done with: the inbox is the only owner of what it takes.
    ///   - bytes: roughly how much memory they hold.
    ///   - whenDrained: made only if the answer is ``Offer/full``, and then called once, on the
    ///     core thread; nil: nobody waits for that.
    /// - Returns: whether the edge may go on reading.
    package func offer(
        _ commands: inout [Command],
        bytes: Int,
        whenDrained: @autoclosure () -> (@Sendable () -> Void)? = nil
    ) -> Offer {
        let answer: Offer = state.withLock { state in
            state.count += commands.count
            state.bytes += bytes
            state.batches.append(commands)
            commands = state.spares.popLast() ?? []
            guard state.bytes > limitBytes || state.count > limitCommands else {
                return .taken
            }
            if let resume = whenDrained() { state.waiting.append(resume) }
            return .full
        }
        waker.wake()
        return answer
    }

    /// For the few commands that come from no socket.
    package func offer(_ command: Command) {
        state.withLock { state in
            state.count += 1
            state.batches.append([command])
        }
        waker.wake()
    }

    /// No more will come: the core ends when it has handled what is there.
    package func close() {
        state.withLock { $0.isClosed = true }
        waker.wake()
    }

    /// Whether the core has nothing to do, as far as can be told without asking it: what is offered
    /// now is handled at once. Any thread.
    package var isAwaited: Bool { waker.isAsleep }

    /// What waits for the core: commands, and roughly their bytes. Any thread.
    package var load: (commands: Int, bytes: Int) { state.withLock { ($0.count, $0.bytes) } }

    /// Whether the core refuses new work: the disk under the log is full. Any thread.
    package var isInShortage: Bool { shortage.load(ordering: .relaxed) }

    /// Tells the edges so. On the core thread.
    func tell(isInShortage: Bool) { shortage.store(isInShortage, ordering: .relaxed) }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Takes everything into a backlog that is empty, and calls back who was told to wait.
    func drain(into backlog: inout Backlog) {
        let waiting = state.withLock { state in
            backlog.exchange(&state.batches, &state.spares)
            state.count = 0
            state.bytes = 0
            defer { state.waiting = [] }
            return state.waiting
        }
        backlog.begin()
        for resume in waiting { resume() }
    }
}

/// Commands that were taken out of the inbox and are not handled yet.
///
/// Batches and commands are kept in reverse: the last of an array is moved out, not copied.
struct Backlog {
    private var batches: [[Command]] = []
    private var batch: [Command] = []
    private var emptied: [[Command]] = []

    /// The emptied batches that are kept, and the commands that each has room for: a few megabytes.
    private static let spareCount = 4
    private static let spareCommands = 2048

    var isEmpty: Bool { batch.isEmpty }

    /// Takes the next command; nil: there is none.
    mutating func next() -> Command? {
        guard let command = batch.popLast() else { return nil }
        if batch.isEmpty {
            if batch.capacity <= Self.spareCommands, emptied.count < Self.spareCount {
                emptied.append(batch)
            }
            advance()
        }
        return command
    }

    /// The part of a drain that needs the inbox's lock.
    fileprivate mutating func exchange(_ full: inout [[Command]], _ spares: inout [[Command]]) {
        precondition(isEmpty)
        swap(&full, &batches)
        while spares.count < Self.spareCount, let spare = emptied.popLast() {
            spares.append(spare)
        }
    }

    /// The rest of it.
    fileprivate mutating func begin() {
        batches.reverse()
        advance()
    }

    private mutating func advance() {
        batch = batches.popLast() ?? []
        batch.reverse()
    }
}
