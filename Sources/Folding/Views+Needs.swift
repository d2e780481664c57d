import Cron
package import Events
package import Primitives
import Queue
import State

extension Views {
    /// Whether the record of `event` at `offset` has to be kept so that folding what is kept makes
    /// the same views as folding all, by itself: ``NeededRecords`` has those that go with it. The
    /// rest is history.
    package func needs(_ event: Event, at offset: Offset) -> Bool {
        switch event {
        case .queue(let event): queue.needs(event, at: offset)
        case .state(let event): state.needs(event, at: offset)
        case .cron(let event): cron.needs(event, at: offset)
        case .invoked: firingRuns[offset] != nil
        // What ends the deliveries of the run before.
        case .started: true
        case .stopped, .workerJoined, .workerDescribed, .workerLeft, .functionRegistered,
            .functionUnregistered, .triggerRegistered, .triggerUnregistered, .triggered,
            .completed, .logged:
            false
        }
    }
}

/// Which records have to be kept so that folding what is kept makes the same views as folding all.
///
/// Asked about records from the oldest on; about some twice, if need be.
package struct NeededRecords {
    private let views: Views
    /// Cron slots that are kept although their runs have ended, and those runs: what says so is
    /// kept, too, or the slots would run again.
    private var ended: Set<Offset> = []

    package init(of views: Views) { self.views = views }

    package mutating func contains(_ event: Event, at offset: Offset, cause: Offset?) -> Bool {
        if views.needs(event, at: offset) {
            if case .cron(.fired) = event, !views.openFirings.contains(offset) {
                ended.insert(offset)
            }
            return true
        }
        guard let cause, ended.contains(cause) else { return false }
        switch event {
        case .invoked:
            ended.insert(offset)
            return true
        case .completed, .cron(.skipped): return true
        default: return false
        }
    }
}
