package import CommitLog
package import Disk
import Observability
package import Primitives

/// The core thread's loop: drain, decide, stage, sync, release.
///
///     inbox ──▶ engine.handle ──▶ log (staged) ──▶ device ──▶ durable ──▶ gate ──▶ edges
///
/// While one batch is with the device, the next one fills. Commands stay in the inbox while the log
/// or the gate is full. The thread sleeps only when there is nothing to handle, and then until a
/// write ends, the inbox gets something, or a deadline comes.
package struct CoreLoop<Store: Storage & ~Copyable, Random: Entropy, Time: Clock>: ~Copyable {
    /// Carries out effects on one event loop; called once a turn at most.
    package typealias Sink = @Sendable ([Effect]) -> Void

    private var engine: Engine<Store, Random>
    private let inbox: Inbox
    private let clock: Time
    /// By the number of the event loop.
    private let sinks: [Sink]
    private let notify: @Sendable (Notice) -> Void
    /// Told where the log goes on, at the start and whenever it goes on in another segment.
    private let rolled: @Sendable (_ segment: UInt64, _ base: Offset) -> Void
    private var segment: UInt64?
    /// Told up to where the log is durable, and what it was told.
    private let tail: DurableTail?
    private var told = Offset.zero
    /// Called once, when a drain has come to its end.
    private let drained: @Sendable () -> Void
    private var hasDrained = false
    private var commands = Backlog()
    private var effects: [Effect] = []
    /// Those of each event loop, while they are handed over.
    private var parts: [[Effect]]
    /// Nil where there is one processor: somebody else would always want it.
    private var polling: HaltPolling?

    package init(
        engine: consuming Engine<Store, Random>,
        inbox: Inbox,
        clock: Time,
        sinks: [Sink],
        notify: @escaping @Sendable (Notice) -> Void,
        rolled: @escaping @Sendable (UInt64, Offset) -> Void = { _, _ in },
        tail: DurableTail? = nil,
        polling: HaltPolling? = nil,
        drained: @escaping @Sendable () -> Void
    ) {
        self.engine = engine
        self.inbox = inbox
        self.clock = clock
        self.sinks = sinks
        parts = Array(repeating: [], count: sinks.count)
        self.notify = notify
        self.rolled = rolled
        self.tail = tail
        self.polling = polling
        self.drained = drained
        self.engine.isEnding = { inbox.isClosed }
    }

    /// Runs until the inbox is closed, then closes the log.
    ///
    /// - Throws: what the log threw, also where what is staged waits for a segment that cannot be
    ///   made. Nothing that was not durable has left; the process must end.
    @specialized(where Store == UringStorage, Random == SystemEntropy, Time == SystemClock)
    package consuming func run() throws(LogError) {
        while true {
            let isClosing = inbox.isClosed
            let didWork = try turn()
            if didWork { continue }
            if isClosing, engine.log.isIdle || engine.log.standstill != nil { break }
            try sleep()
        }
        try engine.close(reason: "stopped")
    }

    private mutating func sleep() throws(LogError) {
        let now = clock.now().monotonic
        let span = polling?.begin(now: now, isIdle: engine.log.isIdle) ?? 0
        try engine.sleep(polling: span)
        polling?.end(now: clock.now().monotonic)
    }

    /// One turn.
    ///
    /// - Returns: whether anything was handled or released.
    private mutating func turn() throws(LogError) -> Bool {
        engine.advance(to: clock.now())
        try engine.handleTime()
        if commands.isEmpty { inbox.drain(into: &commands) }
        // Only so many at a time: the device must not wait for a long inbox to be worked off, nor
        // those whose records it has finished meanwhile; and nothing leaves before the turn's end,
        // so that few large answers are enough for one.
        var handled = 0
        while handled < Limits.turnCommands, engine.hasRoom, let command = commands.next() {
            if case .reported(let batch) = command { inbox.telemetry.leave(batch.bytes) }
            try engine.handle(command)
            handled += 1
        }
        polling?.handled(handled)
        try engine.release(into: &effects)
        inbox.tell(isInShortage: engine.isInShortage)
        engine.watchBatches { clock.now().monotonic }
        tellOfTail()
        let hadEffects = !effects.isEmpty
        handOver()
        for notice in engine.takeNotices() { notify(notice) }
        tellOfRoll()
        if !hasDrained, engine.hasDrained {
            hasDrained = true
            drained()
        }
        return handled > 0 && engine.hasRoom || hadEffects
    }

    private mutating func tellOfTail() {
        guard let tail, engine.log.durable != told else { return }
        told = engine.log.durable
        tail.move(to: told)
    }

    private mutating func tellOfRoll() {
        let active = engine.log.activeSegment
        guard active.number != segment else { return }
        segment = active.number
        rolled(active.number, active.base)
    }

    /// Each event loop gets its effects in one piece.
    private mutating func handOver() {
        guard !effects.isEmpty else { return }
        if sinks.count == 1 {
            sinks[0](effects)
        } else {
            for effect in effects { parts[effect.loop].append(effect) }
            for loop in parts.indices where !parts[loop].isEmpty {
                sinks[loop](parts[loop])
                parts[loop] = []
            }
        }
        effects = []
    }
}
