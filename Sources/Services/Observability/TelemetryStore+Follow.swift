import Events
package import Primitives

// What the store makes of the log's records beside what it keeps of them.

extension TelemetryStore {
    /// Heeds what a record says about telemetry itself, and decides over a trace that it begins.
    /// `isOld`: it is of a life before this one.
    mutating func heed(_ record: FollowedRecord, _ change: WorkChange, isOld: Bool) {
        switch record.event {
        case .telemetryCleared(let event): clear(event.content)
        case .alertChanged(let event) where isOld: alerts.take(event, at: record.time)
        case .triggered(let event): begin(record, change, parent: event.parent)
        case .queue(.enqueued(let event)): begin(record, change, parent: event.parent)
        case .invoked(let event): begin(record, change, parent: event.remote)
        case .cron(.fired): begin(record, change, parent: nil)
        default: break
        }
    }

    private mutating func begin(
        _ record: FollowedRecord,
        _ change: WorkChange,
        parent: RemoteSpan?
    ) {
        guard parent != nil || !settings.sampling.keepsAllTraces, record.cause == nil,
            let facts = change.began?.facts, let trace = facts.trace
        else { return }
        sampler.begin(
            trace,
            (RecordedCall.Called(record)?.draft ?? SpanDraft(facts)).name,
            settings.service,
            parent: parent,
            at: facts.start,
            settings.sampling
        )
    }

    /// Whether a line or a metric that a record tells of is kept and sent on.
    func samples(_ item: Telemetry, _ record: FollowedRecord) -> Bool {
        if case .log = item { settings.sampling.keepsLine(at: record.offset) } else { true }
    }

    /// The same for a span.
    mutating func samples(_ span: KeptSpan, at time: Timestamp) -> Bool {
        sampler.keeps(span, of: settings.service, at: time, settings.sampling)
    }

    /// Whether anybody wants to be told of spans as they come.
    var isWatched: Bool { !watch.wanted.isEmpty }

    /// Something new.
    mutating func echo(_ item: Telemetry, at time: Timestamp) {
        guard settings.echoesLogs, case .log(let line) = item else { return }
        echoes.append(line, received: time)
    }

    mutating func clear(_ content: TelemetryCleared.Content?) {
        switch content {
        case .traces: spans.removeAll()
        case .logs: logs.removeAll()
        case nil: break
        }
    }

    /// Takes settings that were edited: what is too much by now goes at once.
    package mutating func configure(_ settings: Settings, now: Timestamp) {
        self.settings = settings
        spans.bound(by: settings.spanBounds, now: now)
        logs.bound(by: settings.logBounds, now: now)
        metrics.bound(by: settings.metricBounds, now: now)
    }
}
