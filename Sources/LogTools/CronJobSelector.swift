import Events
import Primitives

/// A cron job, by the name that a command line gives it: its trigger's id, or its function's.
package struct CronJobSelector: Equatable, Sendable {
    package let name: String
    /// Of the function; nil: any.
    package let namespace: String?

    package init(_ name: String, namespace: String? = nil) {
        self.name = name
        self.namespace = namespace
    }

    /// Whether an event is about it.
    func isMeant(by event: CronEvent) -> Bool {
        switch event {
        case .fired(let fired): isCalled(fired.trigger, fired.function)
        case .skipped(let skipped): isCalled(skipped.trigger, skipped.schedule?.function)
        case .watched(let mark), .forgotten(let mark), .paused(let mark), .resumed(let mark):
            isCalled(nil, mark.function)
        }
    }

    /// Whether an event of any kind shows that there was such a job.
    func isShown(by event: Event) -> Bool {
        switch event {
        case .cron(let event): isMeant(by: event)
        case .triggerRegistered(let event):
            event.type == Self.type && isCalled(event.trigger, event.function)
        case .triggerBound(let event):
            event.type == Self.type && isCalled(event.trigger, event.function)
        default: false
        }
    }

    /// The trigger type of cron jobs.
    private static let type = "cron"

    private func isCalled(_ trigger: String?, _ function: FunctionName?) -> Bool {
        if trigger == name { return true }
        guard let function, function.id == name else { return false }
        return namespace == nil || namespace == function.namespace
    }
}
