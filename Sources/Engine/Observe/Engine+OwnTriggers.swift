import AccessControl
import CommitLog
import Cron
import Disk
import Events
import Folding
import HTTP
import JSON
import Observability
import Primitives
import Queue
import State
import Stream

// The trigger types that the engine itself provides.

extension Engine where Store: ~Copyable {
    /// Binds a trigger whose type the engine serves; any other is somebody else's.
    ///
    /// - Throws: why the trigger cannot be; nothing has changed then.
    mutating func bindInEngine(_ trigger: Registry.Trigger) throws(ErrorBody) {
        guard let type = trigger.type.flatMap({ EngineTriggerType($0) }) else { return }
        let request = trigger.request
        switch type {
        case .http:
            let route = try HTTPTrigger(
                id: request.id,
                function: trigger.function,
                config: request.config,
                metadata: request.metadata
            )
            try router.add(route)
            expectedRoutes.remove(route)
            tell(of: HTTPTrigger.aliases, in: request)
            if let doubt = route.doubt {
                notice(.warning, "http trigger \(request.id): \(doubt)")
            }
        case .cron: try bindCron(trigger)
        case .queue, .durableSubscriber:
            let subscription = try QueueTrigger.subscription(
                of: trigger.function,
                config: request.config
            )
            try views.work.queue.check(subscription)
            let ignored = QueueTrigger.ignored(request.config).joined(separator: ", ")
            if !ignored.isEmpty {
                notice(.warning, "queue trigger \(request.id): without effect are \(ignored)")
            }
        case .state: try bindState(trigger)
        case .configuration: try bindConfiguration(trigger)
        case .stream:
            let stream = try StreamTrigger(
                id: request.id,
                function: trigger.function,
                config: request.config
            )
            streams.triggers.add(stream)
        case .streamJoin: streams.triggers.addJoin(request.id)
        case .streamLeave: streams.triggers.addLeave(request.id)
        case .subscribe: try subscribe(request)
        case .log: try telemetryTriggers.addLog(request.id, request.config)
        case .trace:
            try telemetryTriggers.addTrace(request.id, request.config)
            tellOfTraceTriggers()
        case .functionsAvailable: watchers.watchFunctions(request.id, of: registry)
        case .workersAvailable: watchers.watchWorkers(request.id)
        }
        tell(ofUnknownIn: request, type)
    }

    private mutating func bindCron(_ trigger: Registry.Trigger) throws(ErrorBody) {
        let request = trigger.request
        let cron = try CronTrigger.decode(
            id: request.id,
            function: trigger.function,
            config: request.config,
            zones: options.timeZones
        )
        views.work.cron.add(cron, now: cronTime)
        tell(of: CronTrigger.aliases, in: request)
        guard cron.schedule.next(after: cronTime) == nil else { return }
        notice(
            .warning,
            "cron trigger \(request.id) never runs: \"\(cron.schedule.text)\" names no time that "
                + "is still to come"
        )
    }

    /// Tells of members of a trigger's configuration that count for nothing: another name of theirs
    /// is there, and says something else. `aliases` have the name that counts first.
    private mutating func tell(
        of aliases: KeyValuePairs<String, String>,
        in request: TriggerRequest
    ) {
        for (name, alias) in aliases {
            guard let value = request.config.member(name), !value.isNull,
                let other = request.config.member(alias), !other.isNull, value != other
            else { continue }
            notice(
                .warning,
                "\(request.type) trigger \(request.id): \(alias) has no effect beside \(name)"
            )
        }
    }

    mutating func unbind(_ id: String, from type: EngineTriggerType) {
        switch type {
        case .http: router.remove(id)
        case .cron: views.work.cron.remove(id)
        case .queue, .durableSubscriber: removeConsumer(id)
        case .state: stateTriggers.remove(id)
        case .configuration: unbindConfiguration(id)
        case .stream: streams.triggers.remove(id)
        case .streamJoin: streams.triggers.removeJoin(id)
        case .streamLeave: streams.triggers.removeLeave(id)
        case .subscribe: subscriptions.remove(id)
        case .log: telemetryTriggers.remove(id)
        case .trace:
            telemetryTriggers.remove(id)
            tellOfTraceTriggers()
        case .functionsAvailable: watchers.forgetFunctions(id)
        case .workersAvailable: watchers.forgetWorkers(id)
        }
    }

    // MARK: What changes about workers and functions (protocol 6.10)

    mutating func tellOfWorker(_ worker: Worker, _ event: String) throws(LogError) {
        guard !watchers.ofWorkers.isEmpty else { return }
        let payload = JSONValue.object([
            "event": .string(event), "worker_id": .string(worker.id.description),
        ])
        for id in watchers.ofWorkers {
            try fire(id, payload.text, summary: "\(event) \(worker.id)")
        }
    }

    /// Looks whether functions came or went, if somebody wants to know, and tells of it later: of
    /// all that happens within five seconds at once. Called once a turn.
    mutating func watchFunctions() {
        guard watchers.wantsLook(registry.functionsVersion) else { return }
        timers.set(.functionsLook, at: now.monotonic + Limits.functionsLookDelay)
    }

    mutating func tellOfFunctions() throws(LogError) {
        guard watchers.look(registry) else { return }
        var all: JSONText?
        for id in watchers.ofFunctions {
            let owner = registry.triggers[id]?.owner.flatMap { registry.workers[$0] }
            let event: JSONText
            if let access = owner?.access {
                event = functionsChanged(for: access)
            } else {
                event = all ?? functionsChanged(for: nil)
                all = event
            }
            try fire(id, event, summary: "functions_changed")
        }
    }

    /// What there is now, as far as whoever is told may know of it.
    private func functionsChanged(for access: Access?) -> JSONText {
        let listed = catalogue(for: access).list(FunctionQuery(includesInternal: true))
        var event: JSONObject = ["event": .string("functions_changed")]
        event["functions"] = listed["functions"]
        return JSONValue.object(event).text
    }

    /// Runs the function of a trigger for what the engine has seen, or for what a call that
    /// `origin` names has told; nobody waits for its result. The worker that asked for the trigger
    /// runs it where it serves the function and can receive the event: each of several replicas is
    /// to hear of it once.
    mutating func fire(
        _ id: String,
        _ event: JSONText,
        summary: String,
        _ origin: Origin? = nil
    ) throws(LogError) {
        guard !isDraining, !isInShortage, let trigger = registry.triggers[id] else { return }
        let function = trigger.function
        guard isThere(function) else {
            let missing = notFound(function)
            return notice(.warning, "trigger \(id) did not run: \(missing.message)")
        }
        guard event.bytes.count <= options.payloadBytes else {
            return notice(.warning, "trigger \(id) did not run: its event is too large")
        }
        let trace = origin?.trace ?? TraceID(from: &random)
        let offset = try record(
            .triggered(
                Triggered(
                    type: trigger.request.type,
                    trigger: id,
                    summary: summary,
                    function: function,
                    event: event.bytes
                )
            ),
            trace: trace,
            cause: origin?.cause
        )
        let run = Run(
            function: function,
            payload: event.bytes,
            metadata: trigger.request.metadata,
            purpose: .nobody,
            trace: trace,
            cause: offset,
            causeHoldsPayload: true
        )
        let owner = trigger.owner.flatMap { registry.workers[$0] }
        if let owner, owner.receives(run.bytes, for: function) { run.worker = owner }
        try start(run)
    }
}

/// The triggers that want to hear of workers and functions.
struct Watchers {
    private(set) var ofWorkers: [String] = []
    private(set) var ofFunctions: [String] = []
    /// The functions that watchers know of.
    private var seen: Set<FunctionName> = []
    private var seenVersion: UInt64 = 0
    private var isLookDue = false

    mutating func watchWorkers(_ id: String) {
        if !ofWorkers.contains(id) { ofWorkers.append(id) }
    }

    mutating func watchFunctions(_ id: String, of registry: Registry) {
        if ofFunctions.isEmpty { note(registry) }
        if !ofFunctions.contains(id) { ofFunctions.append(id) }
    }

    mutating func forgetWorkers(_ id: String) { ofWorkers.removeAll { $0 == id } }

    mutating func forgetFunctions(_ id: String) { ofFunctions.removeAll { $0 == id } }

    /// Whether a look has to be arranged; it is then taken as arranged.
    mutating func wantsLook(_ version: UInt64) -> Bool {
        guard !ofFunctions.isEmpty, !isLookDue, version != seenVersion else { return false }
        isLookDue = true
        return true
    }

    /// - Returns: whether there are other functions than at the last look.
    mutating func look(_ registry: Registry) -> Bool {
        isLookDue = false
        let before = seen
        note(registry)
        return seen != before
    }

    private mutating func note(_ registry: Registry) {
        seen = Set(registry.functions.keys)
        seenVersion = registry.functionsVersion
    }
}
