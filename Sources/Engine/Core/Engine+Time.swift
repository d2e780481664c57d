package import CommitLog
import Disk
import Folding
import HTTP
package import Primitives
import Queue
import State

extension Engine where Store: ~Copyable {
    /// Takes the time for what follows. The engine's own never goes back, whatever the clock does.
    package mutating func advance(to time: Now) {
        if let notice = jumps.check(time) { notices.append(notice) }
        let passed = time.monotonic > now.monotonic ? time.monotonic - now.monotonic : 0
        now = Now(
            wall: now.wall.following(time.wall, passed: passed),
            monotonic: now.monotonic + passed
        )
        followClock(time.wall)
    }

    /// Does what the time has come for: deadlines, delayed messages, cron slots.
    package mutating func handleTime() throws(LogError) {
        if timers.isCrowded { pruneTimers() }
        while let subject = timers.takeDue(now.monotonic) {
            try givingUpTooLarge { (engine) throws(LogError) in try engine.end(subject) }
        }
        try givingUpTooLarge { (engine) throws(LogError) in try engine.endSilence() }
        for queue in views.work.queue.takeDue(now: now.wall) {
            try givingUpTooLarge { (engine) throws(LogError) in try engine.pump(queue) }
        }
        try expireValues()
        if beginsCronAnew, !isInShortage {
            try givingUpTooLarge { (engine) throws(LogError) in try engine.beginCronAnew() }
        }
        if let due = nextSlotDue, due <= now.wall, !isInShortage {
            try givingUpTooLarge { (engine) throws(LogError) in try engine.fireCron() }
        }
        if !waitingRequests.isEmpty { try beginWaitingRequests() }
    }

    private mutating func pruneTimers() {
        var timers = timers
        self.timers = Timers()
        timers.prune { isAwaited($0) }
        self.timers = timers
    }

    /// Whether something would happen at the deadline.
    private func isAwaited(_ subject: Timers.Subject) -> Bool {
        switch subject {
        case .namespaceGrace(let connection): registry.workers[connection]?.pending != nil
        case .middlewareDeadline(let exchange, let number): exchanges[exchange]?.asking == number
        case .responseDeadline(let exchange):
            exchanges[exchange] != nil || awaitedBodies[exchange] != nil
        case .admissionDeadline(let id): admissions[id] != nil
        case .streamAdmission(let id): streams.admissions.contains(id)
        case .streamVisit(let id, let question): streams.peers[id]?.visit?.question == question
        case .hookDeadline(let connection, let number):
            registry.workers[connection]?.screening.asked == number
        case .observer(let id, let number, let deadline):
            observers[id].map { $0.number == number && $0.awaits(deadline) } ?? false
        case .nameClaim(let connection, let number):
            registry.workers[connection]?.claim?.number == number
        case .providerSilence(let trigger, let question):
            registry.triggers[trigger]?.question == question
        case .unknownType(let type): awaitedTypes.contains(type)
        case .bindingAcceptance(let trigger): waitingBindings[trigger] != nil
        case .changes(let id): logQueryCalls[id] != nil
        case .functionsLook, .alertLook: true
        case .cronRuns(let function): waitingFirings[function] != nil
        case .topicTrigger(let queue): isTriggerAwaited(of: queue)
        case .topicCondition(let condition): awaitedConditions[condition] != nil
        case .queueRest(let queue): restingQueues.contains(queue)
        case .deadLetters(let queue): untoldLetters[queue] != nil
        case .restingReactions: !restingReactions.all.isEmpty
        case .lateCondition(let condition): waitingReactions[condition] != nil
        case .reconnectGrace: !expectedRoutes.isEmpty
        case .streamSync(let id, let subscription, let number, _):
            streams.join(of: subscription, by: id, number: number) != nil
        case .streamReplays(let id): streams.peers[id] != nil
        case .unusedConfiguration(let entry, let number):
            configuration.unused[entry] == number
        }
    }

    /// Deletes the values whose time is over. Many at once do not keep the core: the rest follows
    /// in the next turn.
    private mutating func expireValues() throws(LogError) {
        guard !isInShortage, let due = views.state.nextExpiry, due <= now.wall else { return }
        // Of these the time was over while the engine was down, or before workers could be back:
        // what counts is when it was over, which only the wall clock tells, and not when that is
        // noticed.
        let early = started.wall.advanced(by: Timestamp.Span(nanoseconds: Limits.workersReturn))
        var room = Limits.expiriesOfTurn
        for (end, isEarly) in [(min(now.wall, early), hasPast), (now.wall, false)] where room > 0 {
            let changes = views.state.takeExpired(now: end, limit: room)
            room -= changes.count
            for change in changes {
                try givingUpTooLarge { (engine) throws(LogError) in
                    try engine.expire(change, awaitingFunctions: isEarly)
                }
            }
        }
    }

    /// Lets a value go whose time is over, and waits for no disk that does not give what it was.
    private mutating func expire(
        _ change: StateChange,
        awaitingFunctions: Bool
    ) throws(LogError) {
        var refusal: ErrorBody?
        let triggering = triggering([change], &refusal)
        if let refusal { notice(.error, "state triggers miss an old value: \(refusal.message)") }
        try keepTogether([change], triggering)
        let origin = Origin(trace: TraceID(from: &random), cause: nil)
        _ = try write([change], triggering, origin, awaitingFunctions: awaitingFunctions)
    }

    private mutating func end(_ subject: Timers.Subject) throws(LogError) {
        switch subject {
        case .namespaceGrace(let connection): try endNamespaceGrace(connection)
        case .responseDeadline(let exchange):
            // It may have been that of the body, and the request has waited for others since.
            let isOver = exchanges[exchange].map { $0.deadline <= now.monotonic } ?? true
            if isOver { try expire(exchange) }
        case .middlewareDeadline(let exchange, let number):
            try expireMiddleware(exchange, number: number)
        case .admissionDeadline(let id): expire(id)
        case .streamAdmission(let id): expireStreamAdmission(id)
        case .streamVisit(let id, let question): endVisit(id, question: question)
        case .hookDeadline(let connection, let number): try endHook(connection, number)
        case .observer(let id, let number, let deadline):
            try expire(observer: id, number: number, deadline)
        case .nameClaim(let connection, let number): try endNameClaim(of: connection, number)
        case .providerSilence(let trigger, let question): repeatQuestion(trigger, question)
        case .unknownType(let type): tellOfUnknownType(type)
        case .bindingAcceptance(let trigger): try acceptBinding(trigger)
        case .changes(let id): endWaiting(id)
        case .functionsLook: try tellOfFunctions()
        case .cronRuns(let function): try repeatRuns(of: function)
        case .topicTrigger(let queue): try endWait(ofTopicQueue: queue)
        case .topicCondition(let condition): try endWait(forCondition: condition)
        case .queueRest(let queue): try endRest(of: queue)
        case .deadLetters(let queue): tellOfLetters(of: queue)
        case .restingReactions: try tryRestingReactions()
        case .lateCondition(let condition): tellOfLateCondition(condition)
        case .streamSync(let id, let subscription, let number, let rest):
            try syncAgain(id, subscription, number: number, rest: rest)
        case .streamReplays(let id):
            if let peer = streams.peers[id] { replayNext(of: peer) }
        case .alertLook: try lookAtAlerts()
        case .reconnectGrace: forgetExpectedRoutes()
        case .unusedConfiguration(let entry, let number): try dropUnused(entry, number)
        }
    }
}
