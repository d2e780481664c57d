package import CommitLog
import Cron
import Disk
import Folding
import Primitives
import Queue

extension Engine where Store: ~Copyable {
    /// Does what the time has come for: deadlines, delayed messages, cron slots.
    package mutating func handleTime() throws(LogError) {
        while let subject = timers.takeDue(now.monotonic) {
            do throws(LogError) {
                try end(subject)
            } catch .recordTooLarge(let bytes, let limit) {
                tellTooLarge(bytes, limit)
            }
        }
        do throws(LogError) {
            try endSilence()
        } catch .recordTooLarge(let bytes, let limit) {
            tellTooLarge(bytes, limit)
        }
        for queue in views.work.queue.takeDue(now: now.wall) { try pump(queue) }
        if let due = views.work.cron.nextDue, due <= now.wall, !isInShortage { try fireCron() }
        if !waitingRequests.isEmpty { try beginWaitingRequests() }
    }

    /// What can be that large is refused where it comes in; this keeps the rest alive.
    private mutating func tellTooLarge(_ bytes: Int, _ limit: Int) {
        notice(
            .error,
            "something was given up: its record would have \(bytes) bytes; at most \(limit) can be "
                + "recorded"
        )
    }

    private mutating func end(_ subject: Timers.Subject) throws(LogError) {
        switch subject {
        case .namespaceGrace(let connection): try endNamespaceGrace(connection)
        case .responseDeadline(let exchange): try expire(exchange)
        case .middlewareDeadline(let exchange, let number):
            expireMiddleware(exchange, number: number)
        case .admissionDeadline(let id): expire(id)
        case .hookDeadline(let connection, let number): try endHook(connection, number)
        case .observer(let id, let number, let deadline):
            try expire(observer: id, number: number, deadline)
        case .nameClaim(let connection): try endNameClaim(of: connection)
        case .providerSilence(let trigger, let question): repeatQuestion(trigger, question)
        case .bindingAcceptance(let trigger): try acceptBinding(trigger)
        case .functionsLook: try tellOfFunctions()
        }
    }
}
