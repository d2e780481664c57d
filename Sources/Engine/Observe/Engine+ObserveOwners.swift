import CommitLog
import Disk
import Folding
import JSON
import Observe
import Primitives

// The owner's side (protocol 12.4): who serves a function that is observed is told of its
// observers, takes or refuses them, and may hand out the events itself.

extension Engine where Store: ~Copyable {
    // MARK: Functions come and go

    /// A worker registered a function, `record` being its record.
    mutating func observeRegistered(
        _ function: FunctionName,
        _ definition: JSONText,
        by worker: Worker,
        at record: Offset
    ) throws(LogError) {
        guard options.observe else { return }
        var descriptor = ObserveDescriptor(definition: definition)
        if descriptor.isOwnerDelivered, !worker.observes {
            // Nobody would hand out its events.
            descriptor = ObserveDescriptor(
                legacyTriggerType: descriptor.legacyTriggerType,
                isAllowed: descriptor.isAllowed
            )
        }
        observers.describe(function, descriptor)
        confirm(function, to: worker, after: record)
        review(sourcesAndTargets: [function])
        if let type = descriptor.legacyTriggerType { try adoptTriggers(of: type) }
    }

    /// A worker that says only now that it knows of observers has functions already.
    mutating func confirmAll(to worker: Worker) {
        let functions = worker.functions.names
        for function in functions { confirm(function, to: worker, after: nil) }
        review(sourcesAndTargets: functions)
    }

    /// Tells an owner that its function is registered, with all of its observers.
    private mutating func confirm(
        _ function: FunctionName,
        to worker: Worker,
        after record: Offset?
    ) {
        guard worker.observes else { return }
        let revision = observers.nextRevision()
        let descriptor = observers.descriptor(of: function)
        let offered = observers.of(source: function).filter {
            $0.refusal(by: descriptor) == nil
        }
        for observer in offered { ask(worker, about: observer, revision) }
        send(
            .observe(.functionRegistered(function, revision: revision, offered.map(\.info))),
            to: worker.connection,
            after: record
        )
    }

    /// A worker serves these no more.
    mutating func observeGone(_ functions: [FunctionName], by worker: Worker) {
        guard options.observe else { return }
        for function in functions {
            for observer in observers.of(source: function) {
                observer.consents.removeAll { $0.owner == worker.connection }
            }
            if !registry.isServed(function) { observers.describe(function, .plain) }
        }
        review(sourcesAndTargets: functions)
    }

    // MARK: Observers come and go

    /// Tells the owners of an observer's source about it, unless it cannot be.
    mutating func offer(_ observer: Observer) {
        let source = observer.spec.source
        guard let owners = registry.functions[source]?.owners,
            observer.refusal(by: observers.descriptor(of: source)) == nil
        else { return }
        let revision = observers.nextRevision()
        for owner in owners where owner.observes {
            ask(owner, about: observer, revision)
            tell(
                owner.connection,
                .observerAdded(source, revision: revision, observer.info)
            )
        }
    }

    /// Tells the owners that an observer is no more.
    mutating func withdraw(_ observer: Observer) {
        let source = observer.spec.source
        let asked = observer.consents
        observer.consents = []
        guard !asked.isEmpty else { return }
        let revision = observers.nextRevision()
        for consent in asked {
            tell(
                consent.owner,
                .observerRemoved(source, revision: revision, id: observer.id)
            )
        }
    }

    private mutating func ask(_ owner: Worker, about observer: Observer, _ revision: UInt64) {
        observer.ask(owner.connection, revision: revision)
        setDeadline(
            .owner(owner.connection, revision: revision),
            of: observer,
            at: now.monotonic + Limits.ownerAckDelay
        )
    }

    // MARK: Answers

    /// An owner has taken an observer, or does not, maybe after it had. An answer to an earlier
    /// question is no answer: the observer may be another one of the same id.
    mutating func acknowledge(_ ack: ObserverAck, by worker: Worker) {
        guard let observer = observers[ack.observer],
            observer.spec.source.id == ack.function,
            observer.spec.source.namespace == ack.namespace ?? worker.namespace,
            let place = observer.consents.firstIndex(where: { $0.owner == worker.connection }),
            ack.revision >= observer.consents[place].revision
        else { return }
        if let error = ack.error {
            refuse(observer, at: place, error)
        } else {
            observer.consents[place].answer = .accepted
        }
        review(observer)
    }

    mutating func expireConsent(
        to observer: Observer,
        _ owner: ConnectionID,
        _ revision: UInt64
    ) {
        guard
            let place = observer.consents.firstIndex(where: {
                $0.owner == owner && $0.revision == revision && $0.answer == .none
            })
        else { return }
        let silent = ErrorBody(
            code: "OWNER_TIMEOUT",
            message: "the owner of \(observer.spec.source) has not answered in "
                + "\(Limits.ownerAckDelay / 1_000_000_000) s"
        )
        refuse(observer, at: place, silent)
        review(observer)
    }

    /// Who refuses an observer does not have it: it is told so, for what it keeps of it. It is
    /// asked again when it registers the function again.
    private mutating func refuse(_ observer: Observer, at place: Int, _ error: ErrorBody) {
        observer.consents[place].answer = .refused(error)
        tell(
            observer.consents[place].owner,
            .observerRemoved(
                observer.spec.source,
                revision: observers.nextRevision(),
                id: observer.id
            )
        )
    }

    // MARK: Connections

    mutating func report(_ connection: ConnectionID, _ report: ObserveReport) throws(LogError) {
        guard options.observe, let worker = registry.workers[connection] else { return }
        switch report {
        case .acknowledged(let ack): acknowledge(ack, by: worker)
        case .events(let events):
            for event in events { try reported(event, by: worker) }
        case .dropped(let function, let reason, let count):
            notice(
                .warning,
                "worker \(worker.name ?? worker.id.description) dropped \(count) events of "
                    + "\(function) that observers wait for: \(reason)"
            )
        }
    }

    /// What a connection asked for goes with it.
    mutating func observersLeave(_ connection: ConnectionID) throws(LogError) {
        for observer in observers.of(holder: connection) {
            // Where others hold it, it goes on with them.
            if observer.legacy == nil, observer.holders == [connection] {
                observers.keepRest(of: observer)
            }
            try release(observer, by: connection)
        }
    }
}
