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
        var commands: [Command] = []
        var bytes = 0
        var isClosed = false
        var waiting: [@Sendable () -> Void] = []
    }

    private let state = Mutex(State())
    private let waker: Waker
    private let limitBytes: Int
    private let limitCommands: Int

    package init(waker: Waker, limitBytes: Int = 16 << 20, limitCommands: Int = 65_536) {
        self.waker = waker
        self.limitBytes = limitBytes
        self.limitCommands = limitCommands
    }

    /// - Parameters:
    ///   - commands: in the order in which they are to be handled.
    ///   - bytes: roughly how much memory they hold.
    ///   - whenDrained: called once, on the core thread, if the answer is ``Offer/full``.
    /// - Returns: whether the edge may go on reading.
    package func offer(
        _ commands: [Command],
        bytes: Int,
        whenDrained: @escaping @Sendable () -> Void
    ) -> Offer {
        let answer: Offer = state.withLock { state in
            if state.commands.isEmpty {
                state.commands = commands
            } else {
                state.commands.append(contentsOf: commands)
            }
            state.bytes += bytes
            guard state.bytes > limitBytes || state.commands.count > limitCommands else {
                return .taken
            }
            state.waiting.append(whenDrained)
            return .full
        }
        waker.wake()
        return answer
    }

    /// For the few commands that come from no socket.
    package func offer(_ command: Command) {
        state.withLock { $0.commands.append(command) }
        waker.wake()
    }

    /// No more will come: the core ends when it has handled what is there.
    package func close() {
        state.withLock { $0.isClosed = true }
        waker.wake()
    }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Takes everything, and calls back who was told to wait.
    func drain() -> [Command] {
        let (commands, waiting) = state.withLock { state in
            defer {
                state.commands = []
                state.bytes = 0
                state.waiting = []
            }
            return (state.commands, state.waiting)
        }
        for resume in waiting { resume() }
        return commands
    }
}
