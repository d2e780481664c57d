import CommitLog
package import Cron
import Disk
package import Events
import Folding
package import HTTP
package import Observability
import Primitives
import Queue
import State

/// The part of ``EngineOptions`` that may change while the engine runs.
package struct LiveSettings: Sendable {
    package var queues: [String: QueueSettings]
    package var namespaceGrace: UInt64
    package var responseTimeout: UInt64
    package var invocationTimeout: UInt64?
    package var deliveryLease: UInt64?
    package var timeZones: TimeZones
    package var telemetry: TelemetryStore.Settings
    /// Of these, how long keys of requests count, and how many, stays as it was at the start.
    package var http: HTTPRules
    package var stateTriggers: Bool
    package var stateValueBytes: Int?
    package var streamAuthentication: String?
    package var streamJoinsNeedAnswers: Bool
    package var configurationTTL: UInt64?

    package init(_ options: EngineOptions) {
        queues = options.queues
        namespaceGrace = options.namespaceGrace
        responseTimeout = options.responseTimeout
        invocationTimeout = options.invocationTimeout
        deliveryLease = options.deliveryLease
        timeZones = options.timeZones
        telemetry = options.telemetry
        http = options.http
        stateTriggers = options.stateTriggers
        stateValueBytes = options.stateValueBytes
        streamAuthentication = options.streamAuthentication
        streamJoinsNeedAnswers = options.streamJoinsNeedAnswers
        configurationTTL = options.configurationTTL
    }
}

extension Engine where Store: ~Copyable {
    /// Takes settings that were edited. They hold for what begins from now on; leases and the
    /// patience for calls hold for what runs, too. A queue that is not named any more stays.
    mutating func configure(_ settings: LiveSettings) throws(LogError) {
        let before = LiveSettings(options)
        options.queues = settings.queues
        options.namespaceGrace = settings.namespaceGrace
        options.responseTimeout = settings.responseTimeout
        options.invocationTimeout = settings.invocationTimeout
        options.deliveryLease = settings.deliveryLease
        options.timeZones = settings.timeZones
        options.telemetry = settings.telemetry
        configureServices(settings)
        try expelGuestsFromClosed()
        arrangeAlerts()
        // The earliest end is found anew.
        silenceDue = now.monotonic
        for name in try defineQueues() { try pump(name) }
        tellOfKeptQueues(before: before.queues)
        if before.timeZones.standard != settings.timeZones.standard { try rereadCron() }
    }

    /// Makes the queues what the configuration says, where it says something new of one.
    ///
    /// - Returns: those that changed, in order.
    @discardableResult
    mutating func defineQueues() throws(LogError) -> [String] {
        var changed: [String] = []
        for (name, settings) in options.queues.sorted(by: { $0.key < $1.key }) {
            if views.work.queue.queues[name]?.subscription != nil {
                notice(
                    .warning,
                    "the configuration of queue \(name) has no effect: it is a subscription's, "
                        + "whose settings are in the configuration of its trigger"
                )
            } else if let defined = views.work.queue.decideConfigured(name, settings) {
                try record(.queue(.defined(defined)))
                changed.append(name)
            }
        }
        return changed
    }

    /// Of queues that an edit speaks of, and that stay as they were made since the configuration
    /// said the same last.
    private mutating func tellOfKeptQueues(before: [String: QueueSettings]) {
        for (name, settings) in options.queues.sorted(by: { $0.key < $1.key }) {
            guard before[name] != settings, let queue = views.work.queue.queues[name],
                queue.subscription == nil, queue.settings != settings
            else { continue }
            notice(
                .warning,
                "queue \(name) stays as `queue::define` has made it: the configuration says of it "
                    + "what it said before that"
            )
        }
    }

    private mutating func configureServices(_ settings: LiveSettings) {
        options.http.middleware = settings.http.middleware
        options.http.middlewareTimeout = settings.http.middlewareTimeout
        options.http.concurrency = settings.http.concurrency
        options.http.secrets = settings.http.secrets
        options.http.reconnectGrace = settings.http.reconnectGrace
        awaitRoutes()
        options.stateTriggers = settings.stateTriggers
        options.stateValueBytes = settings.stateValueBytes
        views.state.maxValueBytes = settings.stateValueBytes
        options.streamAuthentication = settings.streamAuthentication
        options.streamJoinsNeedAnswers = settings.streamJoinsNeedAnswers
        options.configurationTTL = settings.configurationTTL
    }

    /// Cron triggers that name no zone are read in another one now.
    private mutating func rereadCron() throws(LogError) {
        let triggers = registry.triggers.values.sorted { $0.number < $1.number }
        var left: [CronTrigger] = []
        for trigger in triggers {
            guard let before = views.work.cron.trigger(trigger.request.id) else { continue }
            let job: CronTrigger
            do throws(ErrorBody) {
                job = try CronTrigger.decode(
                    id: before.id,
                    function: before.function,
                    config: trigger.request.config,
                    zones: options.timeZones
                )
            } catch {
                // As before: its zone has gone from the database.
                continue
            }
            guard job.schedule.text != before.schedule.text else { continue }
            views.work.cron.add(job, now: cronTime)
            // It is another schedule to the log: a pause goes along.
            if views.work.cron.isPaused(before) {
                left.append(before)
                if let event = views.work.cron.decidePause(job, true, now: cronTime) {
                    try recordCron(event)
                }
            }
            if let event = views.work.cron.decideAdded(job.id, now: cronTime) {
                try recordCron(event)
            }
            if let event = views.work.cron.decideForgotten(before, now: cronTime) {
                try recordCron(event)
            }
        }
        // And does not wait for a zone that comes back.
        for before in left where !views.work.cron.hasSchedule(of: before) {
            if let event = views.work.cron.decidePause(before, false, now: cronTime) {
                try recordCron(event)
            }
        }
    }
}
