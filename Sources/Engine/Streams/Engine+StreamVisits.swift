import CommitLog
import Disk
import Folding
import JSON
import Primitives
import Stream

// What functions are asked about who joins, and told of who leaves (services 1, D.5).

/// A join that functions are asked about.
final class StreamVisit {
    let peer: StreamPeer
    let join: StreamJoin
    /// What they are told, and which of them.
    let notice: TriggerNotice
    /// Tells the question that is out from all others; zero: none was asked yet.
    var question: UInt64 = 0
    /// Whether one of them has refused it.
    var isRefused = false
    /// Whether one of them could not be asked, or gave no answer; or there was none.
    var isUnanswered: Bool

    init(_ peer: StreamPeer, _ join: StreamJoin, _ notice: TriggerNotice) {
        self.peer = peer
        self.join = join
        self.notice = notice
        isUnanswered = notice.rest.isEmpty
    }
}

extension Engine where Store: ~Copyable {
    // MARK: Joins

    mutating func begin(_ join: StreamJoin, of peer: StreamPeer) throws(LogError) {
        guard peer.hasRoom(for: join) else { return refuseOneMore(join, of: peer) }
        let triggers = withoutReplicas(streams.triggers.ofJoins)
        guard !triggers.isEmpty || options.streamJoinsNeedAnswers else {
            return try finish(join, of: peer)
        }
        let visit = StreamVisit(peer, join, visitNotice(join, "joins", triggers))
        guard visit.notice.payload.count <= options.payloadBytes else {
            notice(.warning, "refused: \(visit.notice.summary), with a context that is too large")
            tell(peer, join, .unauthorized, after: newest)
            return
        }
        peer.visit = visit
        try proceed(with: visit)
    }

    private mutating func refuseOneMore(_ join: StreamJoin, of peer: StreamPeer) {
        if !peer.isKnownAsFull {
            peer.isKnownAsFull = true
            notice(
                .warning,
                "refused: \(join.subscription) joins \(join.group), and its socket has "
                    + "\(Limits.streamSubscriptions) subscriptions already; further refusals of it "
                    + "are not told"
            )
        }
        tell(peer, join, .unauthorized, after: newest)
    }

    private mutating func visitNotice(
        _ join: StreamJoin,
        _ verb: String,
        _ triggers: [String]
    ) -> TriggerNotice {
        TriggerNotice(
            payload: join.visit.bytes,
            summary: "\(join.subscription) \(verb) \(join.group.stream)/\(join.group.group)",
            trace: TraceID(from: &random),
            cause: nil,
            triggers: triggers
        )
    }

    /// Asks the next function about a join; where none is left, it has its way or not. Where none
    /// can be asked now nobody is let in: the socket is to come back.
    private mutating func proceed(with visit: StreamVisit) throws(LogError) {
        let canAsk = !isDraining && !isInShortage
        while canAsk, let id = visit.notice.rest.popFirst() {
            guard let run = try firing(id, of: visit.notice, purpose: .joinsStream(visit)) else {
                visit.isUnanswered = true
                continue
            }
            visit.question = streams.nextQuestion()
            timers.set(
                .streamVisit(visit.peer.id, question: visit.question),
                at: now.monotonic + Limits.streamVisit
            )
            return try start(run)
        }
        let peer = visit.peer
        guard peer.visit === visit else {
            // The socket went while this was asked. To the function it has joined.
            if !visit.isRefused { try fireLeave(visit.join) }
            return
        }
        peer.visit = nil
        if visit.isRefused {
            tell(peer, visit.join, .unauthorized, after: newest)
        } else if !visit.notice.rest.isEmpty
            || visit.isUnanswered && options.streamJoinsNeedAnswers
        {
            // To a function that was asked it has joined.
            if visit.question != 0 { try fireLeave(visit.join) }
            turnAway(peer)
        } else {
            try finish(visit.join, of: peer)
        }
        try advance(peer)
    }

    private mutating func turnAway(_ peer: StreamPeer) {
        peer.waiting.removeAll()
        let reason = "no function can be asked about a join now"
        hold(.close(peer.id, code: 1013, reason: reason), after: nil)
    }

    /// A function has answered about a join. What is no clear refusal, an error too, is none.
    mutating func visited(_ visit: StreamVisit, _ result: FunctionResult) throws(LogError) {
        switch result {
        case .value(let bytes):
            let answer = JSONText(trusted: bytes)
            if answer.isObject, answer.member("unauthorized")?.boolValue == true {
                visit.isRefused = true
            }
        case .none: break
        case .failure(let error):
            visit.isUnanswered = true
            notice(
                .warning,
                "a function failed that was asked whether \(visit.notice.summary): "
                    + "\(error.code): \(error.message)"
            )
        }
        try proceed(with: visit)
    }

    /// A function has not said in time whether a socket may join. What else that asked for does not
    /// wait any longer: it is to come back.
    mutating func endVisit(_ id: SubscriberID, question: UInt64) {
        guard let peer = streams.peers[id], let visit = peer.visit, visit.question == question
        else { return }
        notice(
            .warning,
            "a function that was asked whether \(visit.notice.summary) did not answer in time; the "
                + "socket is closed"
        )
        peer.abandonVisit()
        turnAway(peer)
    }

    // MARK: Leaves

    mutating func fireLeave(_ join: StreamJoin) throws(LogError) {
        let triggers = withoutReplicas(streams.triggers.ofLeaves)
        guard !triggers.isEmpty else { return }
        try notify(visitNotice(join, "leaves", triggers))
    }

    /// The engine stops, and closes every socket: functions are told before, each by itself, since
    /// nothing begins any more when the first has heard of it.
    mutating func fireLeavesOfAll() throws(LogError) {
        let triggers = withoutReplicas(streams.triggers.ofLeaves)
        let members = streams.groups.values.flatMap { $0.members.values }
        var joins = members.sorted { $0.number < $1.number }.map(\.join)
        // Of those that are being asked about nobody gets in any more.
        let visits = streams.peers.values.compactMap(\.visit).filter { $0.question != 0 }
        for visit in visits.sorted(by: { $0.question < $1.question }) {
            joins.append(visit.join)
            visit.peer.abandonVisit()
            turnAway(visit.peer)
        }
        for join in joins {
            for trigger in triggers { try notify(visitNotice(join, "leaves", [trigger])) }
        }
    }
}
