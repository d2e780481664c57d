import Cron
package import Events
package import Primitives
import Queue
import State

extension Views {
    /// Whether the record of `event` at `offset` has to be kept so that folding what is kept makes
    /// the same views as folding all. The rest is history.
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
