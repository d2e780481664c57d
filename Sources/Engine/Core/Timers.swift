import HeapModule
import Primitives

/// Deadlines on the monotonic clock. A deadline whose subject is gone by then fires for nothing;
/// they are thrown out when there are twice as many timers as were awaited at the last look, so
/// that what is made and ended quickly does not pile up until deadlines that are far away.
struct Timers {
    enum Subject: Equatable {
        /// The worker's namespace is `default` if it has not said otherwise by now (protocol 1.7).
        case namespaceGrace(ConnectionID)
        case responseDeadline(ExchangeID)
        /// A middleware function has not answered about a request, by its count.
        case middlewareDeadline(ExchangeID, UInt32)
        /// The auth function has not said whether a socket is let in.
        case admissionDeadline(AdmissionID)
        /// The auth function has said nothing of a socket of streams.
        case streamAdmission(SubscriberID)
        /// A function has not said whether a socket may join, by the number of the question.
        case streamVisit(SubscriberID, question: UInt64)
        /// A hook has not answered about a worker's registration, by its count.
        case hookDeadline(ConnectionID, UInt64)
        case observer(String, number: UInt64, Observers.Deadline)
        /// The holder of the name that this worker wants has not shown that it lives (protocol
        /// 3.2).
        case nameClaim(ConnectionID, UInt64)
        /// A provider has not answered that question about a trigger (protocol 5).
        case providerSilence(trigger: String, question: UInt64)
        /// Triggers of this type had no provider.
        case unknownType(String)
        /// A trigger of no connection is taken as accepted by its provider (protocol 5).
        case bindingAcceptance(trigger: String)
        /// A call has waited long enough for changes of the state.
        case changes(UInt64)
        /// No trigger is bound to a configuration entry any more, by its count.
        case unusedConfiguration(String, UInt64)
        /// Watchers are told of the functions that came and went.
        case functionsLook
        /// Cron runs that a crash cut off, of a function that is served again.
        case cronRuns(FunctionName)
        /// Messages of a topic's queue have waited for a trigger.
        case topicTrigger(String)
        /// Messages of topics have waited for a condition.
        case topicCondition(FunctionName)
        /// A queue of which much has ended in one turn goes on.
        case queueRest(String)
        /// Dead letters of a queue may have come since the last line about them.
        case deadLetters(String)
        /// Reactions whose records could not be read are tried again.
        case restingReactions
        /// Reactions have waited for a condition.
        case lateCondition(FunctionName)
        /// What a group holds is read again for a socket that has joined it, by the number of the
        /// join; the disk refused it for so long, in nanoseconds.
        case streamSync(SubscriberID, subscription: String, join: UInt64, rest: Int64)
        /// The log is read again for what a subscriber has missed.
        case streamReplays(SubscriberID)
        /// The rules of alerts are looked at.
        case alertLook
        /// Routes of the life before are not expected back any more.
        case reconnectGrace
    }

    private struct Timer: Comparable {
        let deadline: UInt64
        let number: UInt64
        let subject: Subject
        static func < (left: Timer, right: Timer) -> Bool {
            (left.deadline, left.number) < (right.deadline, right.number)
        }
        static func == (left: Timer, right: Timer) -> Bool { left.number == right.number }
    }

    private var heap: Heap<Timer> = []
    private var made: UInt64 = 0
    private var crowd = smallCrowd

    private static let smallCrowd = 1024

    var count: Int { heap.count }

    /// Whether it is time to ``prune(_:)``.
    var isCrowded: Bool { heap.count > crowd }

    /// Throws out what nobody waits for.
    mutating func prune(_ isAwaited: (Subject) -> Bool) {
        heap = Heap(heap.unordered.filter { isAwaited($0.subject) })
        crowd = max(Self.smallCrowd, 2 * heap.count)
    }

    /// The earliest deadline, in monotonic nanoseconds.
    var next: UInt64? { heap.min?.deadline }

    mutating func set(_ subject: Subject, at deadline: UInt64) {
        made += 1
        heap.insert(Timer(deadline: deadline, number: made, subject: subject))
    }

    mutating func takeDue(_ now: UInt64) -> Subject? {
        guard let first = heap.min, first.deadline <= now else { return nil }
        return heap.removeMin().subject
    }
}
