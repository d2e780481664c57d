package import Events

/// How many records of which kinds there were. Only grows: whoever wants rates looks twice.
package struct RecordCounts: Equatable, Sendable {
    package internal(set) var enqueued: UInt64 = 0
    package internal(set) var delivered: UInt64 = 0
    package internal(set) var acked: UInt64 = 0
    /// Deliveries that are to be repeated.
    package internal(set) var failed: UInt64 = 0
    package internal(set) var dead: UInt64 = 0
    package internal(set) var http: UInt64 = 0
    /// Runs of functions, but for deliveries.
    package internal(set) var calls: UInt64 = 0
    package internal(set) var state: UInt64 = 0
    package internal(set) var stream: UInt64 = 0
    package internal(set) var cron: UInt64 = 0

    package init() {}

    package mutating func take(_ event: Event) {
        switch event {
        case .triggered(let event): if event.type == "http" { http += 1 }
        case .invoked: calls += 1
        case .queue(let event): take(event)
        case .state: state += 1
        case .stream: stream += 1
        case .cron(.fired): cron += 1
        default: break
        }
    }

    private mutating func take(_ event: QueueEvent) {
        switch event {
        case .enqueued: enqueued += 1
        case .delivered: delivered += 1
        case .acked: acked += 1
        case .retried: failed += 1
        case .deadLettered: dead += 1
        case .defined, .subscribed, .unsubscribed, .redriven, .discarded, .purged: break
        }
    }
}
