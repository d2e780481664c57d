import CommitLog
import DequeModule
import Disk
import Events
import Folding
import JSON
package import Primitives
import Stream
import Synchronization

// A subscriber that comes back names the last offset that it has heard of. What it has missed is
// told from memory where that is little and recent; else it is read from the log, off this thread
// and as fast as the subscriber takes it, round by round, until it is so near that the rest is in
// memory. Then it goes on live: without a gap, and nothing twice.

extension Engine where Store: ~Copyable {
    mutating func resume(
        _ join: StreamJoin,
        of peer: StreamPeer,
        from start: Offset
    ) throws(LogError) {
        guard start <= log.staged else {
            return try lose(join, of: peer, "the log ends before that offset")
        }
        guard let missed = streams.recent.messages(from: start, for: join) else {
            peer.wait(join, from: start)
            return replayNext(of: peer)
        }
        hold(.subscribe(peer.id, join), after: nil)
        for message in missed { hold(.send(peer.id, message), after: message.offset) }
        tell(peer, join, .resumed, after: newest)
    }

    /// Has the log read for the subscriptions of a socket that wait for it. For a few at a time: a
    /// piece of each is in memory until the peer has taken it.
    mutating func replayNext(of peer: StreamPeer) {
        while peer.replays.count < Limits.streamReplays, let (join, start) = peer.next() {
            let records = start..<log.staged
            let replay = StreamReplay(subscriber: peer.id, join: join, records: records)
            peer.replays[join.subscription] = replay
            gate.hold(reader: .toSubscribers(.replay(replay)), below: log.staged)
        }
    }

    /// The replay of a subscription has come to its end.
    mutating func caughtUp(
        _ replay: StreamReplay,
        _ outcome: StreamReplay.Outcome
    ) throws(LogError) {
        guard let peer = streams.peers[replay.subscriber],
            peer.replays[replay.join.subscription] === replay
        else { return }
        peer.replays[replay.join.subscription] = nil
        if case .refused(let next, let reason) = outcome,
            asksAgain(for: replay, of: peer, from: next, reason)
        {
            return
        }
        peer.refusals[replay.join.subscription] = nil
        switch outcome {
        case .complete: try resume(replay.join, of: peer, from: replay.records.upperBound)
        case .lost(let reason), .refused(_, let reason):
            try lose(replay.join, of: peer, reason)
        }
        replayNext(of: peer)
    }

    /// Has the log read again in a moment, a few times.
    ///
    /// - Returns: false: it was, and the disk refuses to give the same still.
    private mutating func asksAgain(
        for replay: StreamReplay,
        of peer: StreamPeer,
        from next: Offset,
        _ reason: String
    ) -> Bool {
        let subscription = replay.join.subscription
        let before = next > replay.records.lowerBound ? 0 : peer.refusals[subscription] ?? 0
        guard before < Limits.refusedReplays else { return false }
        if before == 0 {
            notice(.warning, "\(subscription) is told later what it has missed: \(reason)")
        }
        peer.refusals[subscription] = before + 1
        peer.wait(replay.join, from: next)
        let rest = UInt64(Limits.unreadableRest)
        timers.set(.streamReplays(peer.id), at: now.monotonic + rest)
        return true
    }

    /// Says that something is missing, and tells what there is instead.
    private mutating func lose(
        _ join: StreamJoin,
        of peer: StreamPeer,
        _ reason: String
    ) throws(LogError) {
        hold(.subscribe(peer.id, join), after: nil)
        // What was no offset is not told as one.
        let after = join.after.flatMap { $0 < .limit ? $0 : nil }
        tell(peer, join, .gap(after: after, reason: reason), after: newest)
        try sync(join, of: peer)
    }
}

/// What a subscriber is to be told from the log, in its order.
///
/// The core cancels it when its subscription is left or joined anew. Whoever reads or tells it
/// looks whether that has happened: it may be read, or wait, for long.
package final class StreamReplay: Sendable {
    package let subscriber: SubscriberID
    package let join: StreamJoin
    /// All of them durable.
    package let records: Range<Offset>
    private let isOver = Atomic(false)

    init(subscriber: SubscriberID, join: StreamJoin, records: Range<Offset>) {
        self.subscriber = subscriber
        self.join = join
        self.records = records
    }

    /// Whether nobody is to be told more of it. Any thread.
    package var isCancelled: Bool { isOver.load(ordering: .acquiring) }

    func cancel() { isOver.store(true, ordering: .releasing) }

    package enum Outcome: Sendable {
        /// All was told.
        case complete
        /// The log does not hold all of it any more.
        case lost(String)
        /// What begins there cannot be read for the moment; what is before it was told.
        case refused(from: Offset, String)
    }
}
