package import Events
import HTTP
package import Primitives
import Queue
import Stream

/// Why a record is kept beyond the history that retention leaves.
package enum Need: Hashable, Sendable {
    /// It tells of a message that waits or is being worked on in this queue, or topic.
    case waitingMessage(queue: String)
    /// It tells of a message that has failed for good, and waits for somebody.
    case deadLetter(queue: String)
    /// It tells of a message that is over here, which another subscription of its topic still has.
    case settled(queue: String)
    /// It defines a queue or a subscription.
    case queueSetup
    /// It wrote a value that is still there, in this scope.
    case value(scope: String)
    /// It wrote an item that is still there, of this stream.
    case item(stream: String)
    /// It is the last slot of a schedule.
    case schedule
    /// It began a run of a cron slot that has not ended.
    case cronRun
    /// It fired a state trigger whose function has not ended, or is its run.
    case reaction
    /// It made a trigger of this type, which belongs to no connection and is still there.
    case binding(type: String)
    /// It made what this entry of the configuration is.
    case configuration(id: String)
    /// It tells of an `Idempotency-Key` of this route that still counts.
    case requestKey(route: String)
    /// It made an HTTP route that is still there, or says that routes stay while workers leave.
    case route
    /// An engine was started: that ended the deliveries before it.
    case engineStart
    /// It is of a kind that this version does not know.
    case unknownKind
}

extension Views {
    /// Why ``needs(_:at:)`` wants the record of `event` at `offset`; nil: it does not.
    package func need(of event: Event, at offset: Offset) -> Need? {
        guard needs(event, at: offset) else { return nil }
        switch event {
        case .queue(let event): return need(of: event, at: offset)
        case .state(.set(let set)): return .value(scope: set.scope)
        case .state(.deleted(let deleted)): return .value(scope: deleted.scope)
        case .stream(let event): return .item(stream: event.group.stream)
        case .cron: return .schedule
        case .invoked: return work.reactions.needs(offset) ? .reaction : .cronRun
        case .triggered: return .reaction
        case .configuration(let event): return .configuration(id: event.id)
        case .triggerBound(let bound): return .binding(type: bound.type)
        case .request(let event): return .requestKey(route: work.requests.route(of: event))
        case .triggerRegistered, .stopping: return .route
        default: return .engineStart
        }
    }

    private func need(of event: QueueEvent, at offset: Offset) -> Need {
        switch event {
        case .defined, .subscribed, .unsubscribed: .queueSetup
        case .enqueued(let event):
            event.target == nil
                ? need(offset, in: work.queue.queues(ofTopic: event.queue), called: event.queue)
                : need(offset, in: [event.queue], called: event.queue)
        case .delivered(let event): need(event.message, in: event.queue)
        case .retried(let event): need(event.message, in: event.queue)
        case .deadLettered(let event): need(event.message, in: event.queue)
        case .redriven(let event): need(event.message, in: event.queue)
        case .acked(let event): .settled(queue: event.queue)
        case .discarded(let event): .settled(queue: event.queue)
        case .purged(let event): .settled(queue: event.queue)
        }
    }

    /// Of an attempt.
    private func need(_ message: Offset, in queue: String) -> Need {
        work.queue.message(message, in: queue) == nil
            ? .settled(queue: queue) : need(message, in: [queue], called: queue)
    }

    private func need(_ message: Offset, in queues: [String], called name: String) -> Need {
        let isDead = queues.compactMap { work.queue.message(message, in: $0) }.allSatisfy {
            message in
            if case .dead = message.state { true } else { false }
        }
        return isDead ? .deadLetter(queue: name) : .waitingMessage(queue: name)
    }
}
