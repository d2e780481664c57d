package import JSON
package import Observe
package import Primitives

/// What becomes of observers, to workers that declared `observe.v1` (protocol 12.2, 12.4).
package enum ObserveMessage: Sendable {
    /// To an owner: its function is registered, and these are all of its observers.
    case functionRegistered(FunctionName, revision: UInt64, [OfferedObserver])
    case observerAdded(FunctionName, revision: UInt64, OfferedObserver)
    case observerRemoved(FunctionName, revision: UInt64, id: String)
    /// The answer to `observe`.
    case result(id: String, ObserverState, ErrorBody?, warnings: [String])
    case stateChanged(id: String, ObserverState, ErrorBody?, fires: UInt64)
}

/// How it stands with an observer.
package enum ObserverState: String, Sendable {
    /// Its source has no owner, or an owner that has not taken it; or its target is not there yet.
    case pending
    case active
    /// Its target was there, and is away.
    case suspended
    case error
    /// It is over.
    case disposed
}

/// An observer as the function's owner sees it.
package struct OfferedObserver: Sendable {
    package let id: String
    package let spec: ObserverSpec
    package let legacy: LegacyTrigger?
}

/// The trigger that an observer stands for.
package struct LegacyTrigger: Equatable, Sendable {
    package let type: String
    package let config: JSONText
}

/// What a worker says about observers outside of its registrations.
package enum ObserveReport: Sendable {
    case acknowledged(ObserverAck)
    /// Events that it matched itself.
    case events([ReportedEvent])
    /// Events that it could not report.
    case dropped(function: String, reason: String, count: Int64)
}

/// An owner's answer to an observer of its function.
package struct ObserverAck: Sendable {
    package let function: String
    package let namespace: String?
    package let observer: String
    package let revision: UInt64
    /// Why it does not take it; nil: it does.
    package let error: ErrorBody?

    package init(
        function: String,
        namespace: String?,
        observer: String,
        revision: UInt64,
        error: ErrorBody?
    ) {
        self.function = function
        self.namespace = namespace
        self.observer = observer
        self.revision = revision
        self.error = error
    }
}

/// An event that a worker matched itself, and the observers that it is for.
package struct ReportedEvent: Sendable {
    /// Its function's namespace is empty where the worker did not name it.
    package let event: ObservedEvent
    package let observers: [String]
    package let depth: Int
    package let propagation: Propagation

    package init(
        event: ObservedEvent,
        observers: [String],
        depth: Int,
        propagation: Propagation
    ) {
        self.event = event
        self.observers = observers
        self.depth = depth
        self.propagation = propagation
    }
}
