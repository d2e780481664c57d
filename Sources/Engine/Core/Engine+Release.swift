package import CommitLog
import Disk
import Primitives

/// When records go to the device, and what rests on them to the edges.
extension Engine where Store: ~Copyable {
    /// Hands what was recorded to the device, and what is durable to the edges.
    package mutating func release(into effects: inout [Effect]) throws(LogError) {
        let before = log.durable
        if try reap() { unsyncedSince = log.isIdle ? nil : flushedAt }
        try answerReads()
        openGate(into: &effects)
        if !keepsBatch() {
            try log.flush()
            flushedAt = now.monotonic
        }
        // The plain backend has written by now.
        _ = try reap()
        if log.isIdle { unsyncedSince = nil }
        openGate(into: &effects)
        watchStorage(hasMoved: log.durable != before)
    }

    private mutating func openGate(into effects: inout [Effect]) {
        gate.release(below: durableTail, into: &effects)
        gate.releaseReaders(below: log.durable, into: &effects)
    }

    /// - Returns: whether more is durable than before.
    private mutating func reap() throws(LogError) -> Bool {
        let before = log.durable
        try log.reap()
        guard log.durable != before else { return false }
        hold?.answered(from: before, to: log.durable)
        return true
    }

    /// Whether a batch that the device could take waits for more.
    package var isHoldingBatch: Bool { (hold?.isHolding ?? false) && log.canFlush }

    /// Has the device take what is staged, in the midst of a command that the log has no room for:
    /// call it again until there is.
    ///
    /// A full disk is a pause here, too, of the whole engine: half a command can neither be taken
    /// back nor told of. It is waited for unless the engine is to end.
    ///
    /// - Throws: ``LogError/storage(_:)`` where the engine is to end and the next segment cannot be
    ///   made: what is staged is lost, as in a crash.
    mutating func waitForRoom() throws(LogError) {
        try log.flush()
        try log.wait(nanoseconds: Limits.roomLook)
        try log.reap()
        if let standstill = log.standstill, isEnding() { throw .storage(standstill) }
    }

    private mutating func keepsBatch() -> Bool {
        hold?.keeps(staged: log.staged, bytes: log.unflushedBytes, now: now.monotonic) ?? false
    }

    private mutating func watchStorage(hasMoved: Bool) {
        watchShortage()
        watchFunctions()
        let isBusy = !log.isIdle && !log.isDiskFull
        if let alarm = device.check(isBusy: isBusy, hasMoved: hasMoved, now: now.monotonic) {
            notices.append(alarm)
        }
    }

    /// Sleeps until the device is done with something, the inbox rings, or something is due, and
    /// ``Limits/clockLook`` at a time where that is later. Where the log is quiet it is marked as
    /// durable to its end first, after 10 ms.
    ///
    /// - Parameter polling: how long to look for that without giving the processor up, before.
    /// - Throws: ``LogError/storage(_:)`` once the device has failed.
    package mutating func sleep(polling: UInt64 = 0) throws(LogError) {
        let rest = hold?.rest(now: now.monotonic)
        // The last look at the device may have freed it for what was staged meanwhile; nobody would
        // ring for that.
        guard rest != nil || !log.canFlush else { return }
        let due = [timeUntilDue(), rest].compactMap { $0 }.min().map { min($0, Limits.clockLook) }
        if polling > 0, log.poll(nanoseconds: min(polling, due ?? .max)) { return }
        guard log.needsIdleMark else { return try log.wait(nanoseconds: due) }
        let staged = log.staged
        try log.wait(nanoseconds: min(due ?? .max, Limits.idleMarkDelay))
        if quietSince == staged { try log.flushIdle() }
        quietSince = staged
    }

    /// The tail that the gate obeys: what is durable, and with ``EngineOptions/releaseAhead`` also
    /// what has not waited longer than that for the device.
    private var durableTail: Offset {
        if Mutant.is(.ackBeforeSync) { return log.staged }
        guard let ahead = options.releaseAhead, let since = unsyncedSince,
            now.monotonic - since <= ahead
        else { return log.durable }
        return log.staged
    }
}
