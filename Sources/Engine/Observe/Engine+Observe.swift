import CommitLog
import Disk
import Folding
import JSON
import Observe
import Primitives

// The observing side (protocol 12.2): what a worker asks for, and what becomes of it. Nothing of
// this is recorded: observers belong to connections, and SDKs ask again on the next one.

extension Engine where Store: ~Copyable {
    // MARK: Asking

    /// `observe`. Asked for again, on this connection or another, it is the observer that there is.
    mutating func observe(
        _ id: String,
        _ wish: Result<ObserverSpec, ErrorBody>,
        by worker: Worker
    ) throws(LogError) {
        let spec: ObserverSpec
        switch wish {
        case .success(let wished): spec = wished
        case .failure(let refusal): return refuse(id, refusal, to: worker)
        }
        if let old = observers[id] {
            let isShareable = old.legacy == nil && old.spec == spec
            if !isShareable, old.holders != [worker.connection] || old.legacy != nil {
                let taken = ErrorBody(
                    code: "OBSERVER_ID_IN_USE",
                    message: "another worker observes \(old.spec.source) under the id \(id)"
                )
                return refuse(id, taken, to: worker)
            }
            if isShareable {
                observers.share(old, with: worker.connection)
                return answer(old, to: worker)
            }
            // The same id for something else: the old one is over.
            try remove(old, isDropping: true)
        }
        let observer = add(id, spec, legacy: nil, for: worker.connection)
        answer(observer, to: worker)
    }

    private mutating func refuse(_ id: String, _ refusal: ErrorBody, to worker: Worker) {
        tell(worker.connection, .result(id: id, .error, refusal, warnings: []))
    }

    private mutating func answer(_ observer: Observer, to worker: Worker) {
        let descriptor = observers.descriptor(of: observer.spec.source)
        let isKnown = isThere(observer.spec.source)
        tell(
            worker.connection,
            .result(
                id: observer.id,
                observer.state,
                observer.state == .error ? observer.reason : nil,
                warnings: isKnown
                    ? observer.spec.warnings(about: descriptor) : observer.spec.warnings
            )
        )
    }

    /// A new observer, offered to the owners of its source, in the state that follows.
    mutating func add(
        _ id: String,
        _ spec: ObserverSpec,
        legacy: LegacyTrigger?,
        for holder: ConnectionID?
    ) -> Observer {
        let observer = observers.add(id, spec, legacy: legacy, holder: holder)
        if !observers.takeRest(for: observer), let lifetime = spec.lifetime {
            observer.end = now.monotonic.addingClamped(lifetime)
        }
        if let end = observer.end { setDeadline(.end, of: observer, at: end) }
        offer(observer)
        (observer.state, observer.reason) = standing(of: observer)
        observer.wasActive = observer.state == .active
        return observer
    }

    mutating func unobserve(_ id: String, by connection: ConnectionID) throws(LogError) {
        guard let observer = observers[id], observer.legacy == nil,
            observer.holders.contains(connection)
        else { return }
        try release(observer, by: connection)
    }

    /// A connection asks no more; the last one takes the observer with it.
    mutating func release(
        _ observer: Observer,
        by connection: ConnectionID
    ) throws(LogError) {
        if observer.holders == [connection] {
            try remove(observer, isDropping: true)
        } else {
            observers.release(observer, by: connection)
        }
    }

    // MARK: States

    /// Whether a function can be called.
    func isThere(_ function: FunctionName) -> Bool { registry.isThere(function) }

    private func standing(of observer: Observer) -> (ObserverState, ErrorBody?) {
        let (source, target) = (observer.spec.source, observer.spec.target)
        guard isThere(source) else {
            return (.pending, ErrorBody(code: "NO_OWNER", message: "\(source) is not registered"))
        }
        if let refusal = observer.refusal(by: observers.descriptor(of: source)) {
            return (.error, refusal)
        }
        switch consent(to: observer) {
        case .accepted: break
        case .refused(let error): return (.error, error)
        case .none:
            let waits = "the owner of \(source) has not taken it yet"
            return (.pending, ErrorBody(code: "OWNER_PENDING", message: waits))
        }
        guard isThere(target) else {
            let missing = ErrorBody(code: "NO_TARGET", message: "\(target) is not registered")
            return (observer.wasActive ? .suspended : .pending, missing)
        }
        return (.active, nil)
    }

    /// What the owners say, of whom one is enough. Nobody is asked for a builtin, nor a worker that
    /// knows nothing of observers.
    private func consent(to observer: Observer) -> Observer.Consent.Answer {
        guard let function = registry.functions[observer.spec.source] else { return .accepted }
        var refusal: ErrorBody?
        var isOpen = false
        for owner in function.owners {
            guard owner.observes else { return .accepted }
            let consent = observer.consents.first { $0.owner == owner.connection }
            switch consent?.answer ?? .none {
            case .accepted: return .accepted
            case .none: isOpen = true
            case .refused(let error): refusal = error
            }
        }
        guard !isOpen, let refusal else { return .none }
        return .refused(refusal)
    }

    /// Something has changed that an observer's state depends on.
    mutating func review(_ observer: Observer) {
        let (state, reason) = standing(of: observer)
        let isSame =
            state == observer.state && (state != .error || reason?.code == observer.reason?.code)
        observer.reason = reason
        guard !isSame else { return }
        observer.state = state
        if state == .active { observer.wasActive = true }
        tellState(of: observer, reason)
        if let reason, state == .error { failLegacy(observer, reason) }
    }

    /// Functions came or went.
    mutating func review(sourcesAndTargets functions: [FunctionName]) {
        for function in functions {
            for observer in observers.of(source: function) { review(observer) }
            for observer in observers.of(target: function) { review(observer) }
        }
    }

    // MARK: The end

    /// It is over, and whoever asked for it is told why.
    mutating func dispose(_ observer: Observer, _ reason: ErrorBody) throws(LogError) {
        let holders = observer.holders
        try remove(observer, isDropping: false)
        for holder in holders where observer.legacy == nil {
            tell(
                holder,
                .stateChanged(id: observer.id, .disposed, reason, fires: observer.fires)
            )
        }
    }

    /// It is over. What runs goes on; what was to run after that does, too, unless it is dropped
    /// because nobody wants it any more.
    mutating func remove(_ observer: Observer, isDropping: Bool) throws(LogError) {
        observers.remove(observer)
        withdraw(observer)
        observer.state = .disposed
        if isDropping { try dropWaiting(of: observer) }
    }

    mutating func expire(
        observer id: String,
        number: UInt64,
        _ deadline: Observers.Deadline
    ) throws(LogError) {
        guard let observer = observers[id], observer.number == number else { return }
        switch deadline {
        case .end:
            let ended = ErrorBody(code: "EXPIRED", message: "its expires_in_ms are over")
            try dispose(observer, ended)
        case .owner(let owner, let revision):
            expireConsent(to: observer, owner, revision)
        }
    }

    mutating func setDeadline(
        _ deadline: Observers.Deadline,
        of observer: Observer,
        at instant: UInt64
    ) {
        timers.set(.observer(observer.id, number: observer.number, deadline), at: instant)
    }

    // MARK: Telling

    /// `reason`: why it is in that state, or does not do there what it is to do.
    mutating func tellState(of observer: Observer, _ reason: ErrorBody?) {
        guard observer.legacy == nil else { return }
        for holder in observer.holders {
            tell(
                holder,
                .stateChanged(
                    id: observer.id,
                    observer.state,
                    reason,
                    fires: observer.fires
                )
            )
        }
    }

    /// Only who declared that it knows of observers is told of them.
    mutating func tell(_ connection: ConnectionID, _ message: ObserveMessage) {
        guard registry.workers[connection]?.observes == true else { return }
        send(.observe(message), to: connection, after: nil)
    }
}

extension UInt64 {
    fileprivate func addingClamped(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
