import CommitLog
import Disk
import Events
import Folding
import JSON
package import Primitives
import Stream

// A subscriber that comes back names the last offset that it has heard of. What it has missed is
// told from memory where that is little and recent; else it is read from the log, off this thread
// and as fast as the subscriber takes it, round by round, until it is so near that the rest is in
// memory. Then it goes on live: without a gap, and nothing twice.

extension Engine where Store: ~Copyable {
    mutating func resume(
        _ join: StreamJoin,
        number: UInt64,
        of peer: StreamPeer,
        from start: Offset
    ) throws(LogError) {
        guard start <= log.staged else {
            return try lose(join, of: peer, "the log ends before that offset")
        }
        guard let missed = streams.recent.messages(from: start, for: join) else {
            peer.catchingUp[join.subscription] = number
            let replay = StreamReplay(
                subscriber: peer.id,
                join: join,
                number: number,
                records: start..<log.staged
            )
            return hold(.replay(replay), after: newest)
        }
        peer.catchingUp[join.subscription] = nil
        hold(.subscribe(peer.id, join), after: nil)
        for message in missed { hold(.send(peer.id, message), after: message.offset) }
        tell(peer, join, .resumed, after: newest)
    }

    /// The replay of a subscription has come to its end.
    mutating func caughtUp(
        _ replay: StreamReplay,
        _ outcome: StreamReplay.Outcome
    ) throws(LogError) {
        guard let peer = streams.peers[replay.subscriber],
            peer.catchingUp[replay.join.subscription] == replay.number
        else { return }
        switch outcome {
        case .complete:
            try resume(
                replay.join,
                number: replay.number,
                of: peer,
                from: replay.records.upperBound
            )
        case .lost(let reason):
            peer.catchingUp[replay.join.subscription] = nil
            try lose(replay.join, of: peer, reason)
        }
    }

    /// Says that something is missing, and tells what there is instead.
    private mutating func lose(
        _ join: StreamJoin,
        of peer: StreamPeer,
        _ reason: String
    ) throws(LogError) {
        hold(.subscribe(peer.id, join), after: nil)
        tell(peer, join, .gap(after: join.after, reason: reason), after: newest)
        try sync(join, of: peer)
    }
}

/// What a subscriber is to be told from the log, in its order.
package struct StreamReplay: Sendable {
    package let subscriber: SubscriberID
    package let join: StreamJoin
    /// Which join of the subscriber it is for.
    package let number: UInt64
    /// All of them durable.
    package let records: Range<Offset>

    package enum Outcome: Sendable {
        /// All was told.
        case complete
        /// The log does not hold all of it any more.
        case lost(String)
    }
}
