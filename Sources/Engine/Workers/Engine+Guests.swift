import AccessControl
import CommitLog
import ConfigurationEntries
import Disk
import Events
import Folding
import HTTP
import JSON
import Observability
import Primitives
import State
import Stream

// What restricted workers cannot have (protocol 9), be it free or not, and what they lose:
// functions that are asked in the engine's own name, and what a worker has that may do everything.

extension Engine where Store: ~Copyable {
    // MARK: Functions

    /// Whether a restricted worker cannot serve `name`. Who did would be asked about what is not
    /// its own: whom to let in, each request with its headers, the items of a stream that it may
    /// not reach by a call.
    func isClosed(_ name: FunctionName, to access: Access) -> Bool {
        if options.names(name) { return true }
        guard let function = StreamFunction(keptBy: name) else { return false }
        return refusal(of: FunctionName(id: function.rawValue), for: access) != nil
    }

    /// Restricted workers that served a function do no more once one that may do everything does.
    mutating func revokeRestricted(
        from name: FunctionName,
        for worker: Worker
    ) throws(LogError) {
        let guests = registry.functions[name]?.owners.filter { worker.takesOver($0) } ?? []
        for guest in guests { try expel(guest, from: name, owner: worker) }
    }

    /// The settings were edited: they may name functions now that restricted workers serve.
    mutating func expelGuestsFromClosed() throws(LogError) {
        let guests = registry.workers.values.filter { $0.access != nil }.sorted {
            ($0.connection.loop, $0.connection.number) < ($1.connection.loop, $1.connection.number)
        }
        for guest in guests {
            for name in guest.functions.names where options.names(name) {
                try expel(guest, from: name, owner: nil)
            }
        }
        try pumpCrowded()
    }

    /// What `guest` runs it may still answer.
    private mutating func expel(
        _ guest: Worker,
        from name: FunctionName,
        owner: Worker?
    ) throws(LogError) {
        let unregistered = FunctionUnregistered(worker: guest.id, function: name)
        let offset = try record(.functionUnregistered(unregistered))
        reject(name, of: guest, owner: owner, after: offset)
        _ = registry.cease(name, by: guest)
        guest.screening.forget(name)
        observeGone([name], by: guest)
    }

    // MARK: Triggers

    /// Why a restricted worker cannot have a trigger of its own; nil: it can.
    func refusal(
        of request: TriggerRequest,
        _ worker: Worker,
        _ access: Access
    ) -> ErrorBody? {
        if let owner = registry.triggers[request.id]?.owner, owner != worker.connection {
            return Access.refusal("trigger '\(request.id)' belongs to another worker")
        }
        return refusal(of: request, access)
    }

    /// A trigger calls in the engine's own name: what its worker may not call it may not name
    /// either, be it as the target or in the configuration.
    func refusal(of request: TriggerRequest, _ access: Access) -> ErrorBody? {
        let namespace = request.namespace ?? FunctionName.defaultNamespace
        var named = [request.function]
        if let condition = request.config.member("condition_function_id")?.stringValue {
            named.append(condition)
        }
        for function in request.config.member("middleware_function_ids")?.elements ?? [] {
            if let id = function.stringValue { named.append(id) }
        }
        // Some hand over what is others', as a call does.
        if let call = EngineTriggerType(rawValue: request.type)?.grantingCall,
            let refusal = refusal(of: FunctionName(id: call), for: access)
        {
            return refusal
        }
        for id in named {
            let function = FunctionName(namespace: namespace, id: id)
            if let refusal = refusal(ofDeferring: function, for: access) { return refusal }
        }
        return refusal(ofRouteOf: request, for: access)
    }

    // MARK: Routes

    /// Why a restricted worker cannot have the route that it asks for: somebody with other rights
    /// has it, or a trigger that belongs to nobody; nil: it can.
    func refusal(ofRouteOf request: TriggerRequest, for access: Access) -> ErrorBody? {
        guard let route = route(of: request) else { return nil }
        let registry = registry
        let isTaken = router.triggers(like: route).contains { other in
            let owner = registry.triggers[other.id]?.owner.flatMap { registry.workers[$0] }
            return owner?.access != access
        }
        return isTaken ? Self.taken(route) : nil
    }

    /// Restricted workers lose the route that `trigger` is about to get, where that belongs to
    /// nobody or to a worker that may do everything. Those are all who have the route then.
    mutating func revokeRestricted(fromRouteOf trigger: Registry.Trigger) throws(LogError) {
        let owner = trigger.owner.flatMap { registry.workers[$0] }
        guard owner?.access == nil, trigger.type.flatMap({ EngineTriggerType($0) }) == .http,
            let route = route(of: trigger.request)
        else { return }
        for other in router.triggers(like: route) {
            guard let lost = registry.triggers[other.id],
                let guest = lost.owner.flatMap({ registry.workers[$0] }), guest.access != nil
            else { continue }
            let offset = try record(.triggerUnregistered(TriggerUnregistered(trigger: other.id)))
            removeTrigger(other.id, after: offset)
            var request = lost.request
            request.id = guest.screening.forgetTrigger(other.id)
            request.function = guest.known(lost.function)
            failTrigger(request, Self.taken(route), to: guest.connection)
        }
    }

    /// nil: the trigger is none of the engine's routes, or cannot be one.
    private func route(of request: TriggerRequest) -> HTTPTrigger? {
        guard request.type == EngineTriggerType.http.rawValue else { return nil }
        return try? HTTPTrigger(
            id: request.id,
            function: FunctionName(id: request.function),
            config: request.config,
            metadata: request.metadata
        )
    }

    private static func taken(_ route: HTTPTrigger) -> ErrorBody {
        Access.refusal("route \(route.method) \"\(route.path)\" belongs to another worker")
    }
}

extension EngineTriggerType {
    /// The builtin that a restricted worker must be allowed to call to have a trigger of this type:
    /// the one that reads what the trigger tells of. Topics cannot be read; who may not send to
    /// them does not hear of them either. nil: nothing is told that is others'.
    fileprivate var grantingCall: String? {
        switch self {
        case .http, .cron: nil
        case .state: StateFunction.get.rawValue
        case .configuration: ConfigurationFunction.get.rawValue
        case .stream, .streamJoin, .streamLeave: StreamFunction.get.rawValue
        case .subscribe: "publish"
        case .queue, .durableSubscriber: "iii::durable::publish"
        case .log: TelemetryFunction.listLogs.rawValue
        case .trace: TelemetryFunction.listTraces.rawValue
        case .functionsAvailable: ListingFunction.functions.rawValue
        case .workersAvailable: ListingFunction.workers.rawValue
        }
    }
}

extension EngineOptions {
    /// Whether `function` is one that the engine asks or tells of what concerns all: who is let in,
    /// every request, alerts.
    fileprivate func names(_ function: FunctionName) -> Bool {
        if listeners.contains(where: { $0.isGuarded(by: function) }) { return true }
        // Global middleware is looked up in the namespace of each route's function.
        if http.middleware.contains(function.id) { return true }
        guard function.namespace == FunctionName.defaultNamespace else { return false }
        return streamAuthentication == function.id
            || telemetry.alerts.contains { $0.action == .function(function.id) }
    }
}

extension StreamFunction {
    /// The function that a worker serves for some stream when it serves `name`, as ``custom(_:)``
    /// has it; nil: that is nothing to streams.
    fileprivate init?(keptBy name: FunctionName) {
        let known = Self.allCases.first { function in
            guard let example = function.custom(""), name.namespace == example.namespace else {
                return false
            }
            return name.id.utf8.starts(with: example.id.utf8.dropLast())
                && name.id.utf8.last == example.id.utf8.last
        }
        guard let known else { return nil }
        self = known
    }
}
