import CommitLog
import Disk
import Events
import Folding
import JSON
import Observability
import Primitives
import Queue

// Alerts (services 2, C.11): their rules are evaluated by who follows the log, which has what
// workers report; what they lead to is recorded and done here.

/// When the rules are looked at.
struct AlertWatch {
    /// Whether a timer is set.
    var isArranged = false
    /// Whether an answer is waited for.
    var isLooking = false
    /// Metrics of which it was said that there is no such queue.
    var queueless: Set<String> = []

    /// Between two looks, in nanoseconds.
    static let period: UInt64 = 10_000_000_000
}

extension Engine where Store: ~Copyable {
    /// Has the rules looked at from now on, where there are any.
    mutating func arrangeAlerts() {
        guard !alertWatch.isArranged, !options.telemetry.alerts.isEmpty else { return }
        alertWatch.isArranged = true
        timers.set(.alertLook, at: now.monotonic + AlertWatch.period)
    }

    mutating func lookAtAlerts() throws(LogError) {
        alertWatch.isArranged = false
        arrangeAlerts()
        guard alertWatch.isArranged, !alertWatch.isLooking, !isDraining else { return }
        alertWatch.isLooking = true
        tellOfQueuelessAlerts()
        try queryTelemetry(.evaluateAlerts, .emptyObject, nil, for: .alerts)
    }

    /// Says once of a metric that there is no queue and no topic of its name: there may be later.
    private mutating func tellOfQueuelessAlerts() {
        for rule in options.telemetry.alerts where rule.isEnabled {
            guard let queue = rule.queue, views.work.queue.resolve(queue).isEmpty,
                alertWatch.queueless.insert(rule.metric).inserted
            else { continue }
            notice(
                .warning,
                "alert \(rule.name) is about '\(queue)', and there is no queue and no topic of "
                    + "that name: it does not fire before there is one; `iii queue ls` lists those "
                    + "that there are"
            )
        }
    }

    /// What alerts may be about beside what workers report.
    var figures: [String: Double] {
        var figures = metrics.figures
        figures["iii.workers.active"] = Double(registry.workers.count)
        figures["iii.telemetry.dropped"] = Double(droppedFrames)
        var (depth, dead) = (0, 0)
        let view = views.work.queue
        for queue in view.queues.values {
            depth += queue.depth
            dead += queue.deadCount
        }
        // Names as the functions that look into queues take them: a topic's is of all its queues.
        for name in Set(view.queues.keys).union(view.topicNames) {
            let queues = view.resolve(name).compactMap { view.queues[$0] }
            figures["iii.queue.depth.\(name)"] = Double(queues.reduce(0) { $0 + $1.depth })
            figures["iii.queue.dead_letters.\(name)"] =
                Double(queues.reduce(0) { $0 + $1.deadCount })
        }
        figures["iii.queue.depth"] = Double(depth)
        figures["iii.queue.dead_letters"] = Double(dead)
        return figures
    }

    /// Records that an alert fires or is over, and tells whoever is to know.
    mutating func take(_ change: AlertChange) throws(LogError) {
        let trace = TraceID(from: &random)
        notice(change.isFiring ? .warning : .info, change.text, trace: trace)
        guard !isInShortage, !isDraining else { return }
        let offset = try record(
            .alertChanged(
                AlertChanged(
                    alert: change.rule.name,
                    metric: change.rule.metric,
                    value: change.value,
                    comparison: change.rule.comparison.symbol,
                    threshold: change.rule.threshold,
                    isFiring: change.isFiring
                )
            ),
            trace: trace
        )
        switch change.rule.action {
        case .log: break
        case .webhook(let url):
            guard change.isFiring else { break }
            let body = change.payload(at: now.wall, withState: false).bytes
            let hook = Effect.Webhook(alert: change.rule.name, url: url, body: body)
            gate.hold(.notify(hook), after: offset)
        case .function(let id): try tell(id, of: change, Origin(trace: trace, cause: offset))
        }
    }

    private mutating func tell(
        _ id: String,
        of change: AlertChange,
        _ origin: Origin
    ) throws(LogError) {
        let function = FunctionName(id: id)
        let name = change.rule.name
        guard AlertRule.Action.mayRun(id), Builtin.named(function) == nil else {
            return notice(.warning, "alert \(name) cannot run \(id), one of the engine's own")
        }
        guard isThere(function) else {
            return notice(.warning, "alert \(name) told nobody: \(notFound(function).message)")
        }
        let payload = change.payload(at: now.wall, withState: true).bytes
        let offset = try record(
            .triggered(
                Triggered(
                    type: "alert",
                    trigger: name,
                    summary: "\(name) \(change.isFiring ? "fires" : "is over")",
                    function: function,
                    event: payload
                )
            ),
            trace: origin.trace,
            cause: origin.cause
        )
        try start(
            Run(
                function: function,
                payload: payload,
                purpose: .nobody,
                trace: origin.trace,
                cause: offset,
                causeHoldsPayload: true
            )
        )
    }
}
