package import NIOCore

/// A socket that sends what an event loop hands over in batches.
package protocol BatchSender: AnyObject {
    /// Whether it has sent something that was not handed over; that of ``BatchSenders``.
    var isSender: Bool { get set }
    func pauseReading()
    func resumeReading()
}

/// Who sent what one event loop hands over next. Where a batch finds its taker full, those that
/// sent it read nothing until there is room.
///
/// Confined to its event loop.
package final class BatchSenders {
    private let loop: any EventLoop
    /// Who sent what was not handed over yet.
    private var senders: [any BatchSender] = []
    /// Who reads nothing until there is room.
    private var paused: [any BatchSender] = []

    package init(loop: any EventLoop) { self.loop = loop }

    /// The next batch has something from `sender`.
    package func add(_ sender: any BatchSender) {
        guard !sender.isSender else { return }
        sender.isSender = true
        senders.append(sender)
    }

    /// The batch was handed over. Whoever `isFull` now calls ``resumption()`` when it no longer is.
    package func handedOver(isFull: Bool) {
        for sender in senders {
            sender.isSender = false
            if isFull { sender.pauseReading() }
        }
        if isFull { paused += senders }
        senders.removeAll(keepingCapacity: true)
    }

    /// What lets everybody read again. It may be called on any thread, and leads back to the event
    /// loop.
    package func resumption() -> @Sendable () -> Void {
        let senders = NIOLoopBound(self, eventLoop: loop)
        let loop = loop
        return { loop.execute { senders.value.resumeReading() } }
    }

    private func resumeReading() {
        let resumed = paused
        paused = []
        for sender in resumed { sender.resumeReading() }
    }
}
