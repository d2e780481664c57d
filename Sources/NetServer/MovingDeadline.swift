import NIOCore

/// A deadline that moves often: moving it later only notes the new time, and the one timer, when it
/// fires too early, sleeps for the rest. Confined to its event loop.
final class MovingDeadline {
    private let eventLoop: any EventLoop
    private var due: NIODeadline?
    private var timer: (task: Scheduled<Void>, time: NIODeadline)?
    /// Called when the deadline passes.
    var onDue: () -> Void = {}

    init(eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    /// Replaces the deadline.
    func set(in amount: TimeAmount) {
        let due = eventLoop.now + amount
        self.due = due
        if let timer {
            guard due < timer.time else { return }
            timer.task.cancel()
        }
        sleep(until: due)
    }

    /// Takes the deadline away.
    func clear() { due = nil }

    /// Takes the deadline and its timer away.
    func cancel() {
        due = nil
        timer?.task.cancel()
        timer = nil
    }

    private func sleep(until time: NIODeadline) {
        let task = eventLoop.assumeIsolated().scheduleTask(deadline: time) { self.wake() }
        timer = (task, time)
    }

    private func wake() {
        timer = nil
        guard let due else { return }
        guard due <= eventLoop.now else { return sleep(until: due) }
        self.due = nil
        onDue()
    }
}
