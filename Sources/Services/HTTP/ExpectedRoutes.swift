package import Events
import JSON

/// The HTTP routes that were there when the last life of the engine ended, and are not back yet.
package struct ExpectedRoutes {
    /// Their triggers as they were, so that they match what they will match.
    private var router = Router()

    package init() {}

    /// Those of `registered`, in the order in which they came.
    package init(_ registered: [TriggerRegistered]) {
        for event in registered {
            let trigger = try? HTTPTrigger(
                id: event.trigger,
                function: event.function,
                config: JSONText(trusted: event.config),
                metadata: nil
            )
            // What cannot be a route any more will not be back.
            if let trigger { try? router.add(trigger) }
        }
    }

    package var isEmpty: Bool { router.triggerCount == 0 }

    /// Whether a request would have been for one of them.
    package func contains(method: String, path: String) -> Bool {
        if case .found = router.match(method: method, path: path) { true } else { false }
    }

    /// Whether a request would have been for one of them ahead of `found`, by what the router goes
    /// by: from the left, the first segment in which they differ is literal in it.
    package func precede(_ found: HTTPTrigger, method: String, path: String) -> Bool {
        guard case .found(let expected, _) = router.match(method: method, path: path) else {
            return false
        }
        for (one, other) in zip(expected.segments, found.segments) {
            let isLiteral = HTTPTrigger.parameter(one) == nil
            if isLiteral != (HTTPTrigger.parameter(other) == nil) { return isLiteral }
        }
        return false
    }

    /// A trigger is there: whatever had its method and path is not waited for any more.
    package mutating func remove(_ trigger: HTTPTrigger) { router.removeAll(like: trigger) }
}
