import ConfigurationEntries
import Cron
package import Events
import HTTP
package import Primitives
import Queue
import State
import Stream

/// Knows which records have to be kept.
package protocol RecordNeeds {
    /// Whether the record of `event` at `offset` has to be kept so that folding what is kept makes
    /// the same views as folding all. The rest is history.
    func needs(_ event: Event, at offset: Offset) -> Bool

    /// Whether a message that records of `queue` tell of is still there, in that queue or in
    /// another one of its topic.
    func hasMessage(_ message: Offset, of queue: String) -> Bool
}

extension Views: RecordNeeds {
    package func needs(_ event: Event, at offset: Offset) -> Bool {
        switch event {
        case .state(let event): state.needs(event, at: offset)
        case .stream(let event): streams.needs(event, at: offset)
        default: work.needs(event, at: offset)
        }
    }

    package func hasMessage(_ message: Offset, of queue: String) -> Bool {
        work.queue.hasMessage(message, of: queue)
    }
}

/// What the views at an offset need, without the values themselves.
package struct NeededRecords: RecordNeeds {
    private let work: WorkViews
    /// The records that made the keys of the state and the items of streams, and those that wrote
    /// their values.
    private let values: OffsetSet

    package init(work: WorkViews, values: OffsetSet) {
        self.work = work
        self.values = values
    }

    package func needs(_ event: Event, at offset: Offset) -> Bool {
        switch event {
        case .state(.set), .stream(.set): values.contains(offset)
        case .state(.deleted), .stream: false
        default: work.needs(event, at: offset)
        }
    }

    package func hasMessage(_ message: Offset, of queue: String) -> Bool {
        work.queue.hasMessage(message, of: queue)
    }
}

extension WorkViews {
    fileprivate func needs(_ event: Event, at offset: Offset) -> Bool {
        switch event {
        case .queue(let event): queue.needs(event, at: offset)
        case .cron(let event): cron.needs(event, at: offset)
        case .triggered: reactions.needs(offset)
        case .invoked: firingRuns[offset] != nil || reactions.needs(offset)
        // What ends the deliveries of the run before.
        case .started: true
        case .request(let event): requests.needs(event, at: offset)
        case .configuration(let event): configuration.needs(event, at: offset)
        case .triggerBound(let event): bindings.needs(event, at: offset)
        case .triggerRegistered(let event): routes.needs(event, at: offset)
        case .stopping: routes.needsStop(at: offset)
        case .state, .stream, .stopped, .workerJoined, .workerDescribed, .workerLeft,
            .functionRegistered, .functionUnregistered, .triggerUnregistered,
            .triggerTypeRegistered, .triggerTypeUnregistered, .triggerUnbound,
            .completed, .responded, .logged, .spanReported, .metricReported, .alertChanged,
            .telemetryCleared:
            false
        }
    }
}
