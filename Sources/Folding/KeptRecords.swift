package import Events
package import Primitives
import Stream

/// Which records are kept: those that are needed, and what ends the runs of cron slots and state
/// triggers among them, or they would run again. Asked about records from the oldest on.
///
/// A record that nobody needs may be left where it is, if it would cost more to leave it out. Then
/// what it began must not be forgotten behind it: a key's deletion, and all that became of a
/// message, are kept, too.
package struct KeptRecords {
    package enum Verdict: Equatable, Sendable {
        case needed
        /// Nobody needs it, and it may be left where it is; `begins` is what it began.
        case spare(begins: Subject?)
        /// It must go: what ends what it began may go, too.
        case over
    }

    /// A key, an item or a message: a hash, so that two may be taken for one, of which more is kept
    /// then.
    package struct Subject: Hashable, Sendable {
        fileprivate let hash: UInt64
    }

    private let needs: any RecordNeeds
    /// The slots and triggers that are kept, and their runs.
    private var firings: Set<Offset> = []
    /// What was begun by records that nobody needs and that were left where they are.
    private var left: Set<Subject> = []

    /// As many things may have been begun so, for the memory that each takes.
    private static let leftLimit = 1 << 18

    package init(_ needs: any RecordNeeds) { self.needs = needs }

    /// What is to become of a record. One of before that is spare must have been left or not by
    /// now, unless this one shares its fate.
    package mutating func judge(_ event: Event, at offset: Offset, cause: Offset?) -> Verdict {
        if isNeeded(event, at: offset, cause: cause) { return .needed }
        switch event {
        case .state(let event): return judge(event, of: 0)
        case .stream(let event): return event.asItem.map { judge($0, of: 1) } ?? .spare(begins: nil)
        case .queue(let event): return judge(event, at: offset)
        // What no view folds; and calls, which are folded only where what fired them is.
        case .invoked, .completed, .stopped, .workerJoined, .workerDescribed, .functionRegistered,
            .functionUnregistered, .triggerTypeRegistered, .triggerTypeUnregistered, .logged,
            .spanReported, .metricReported, .alertChanged, .telemetryCleared, .responded:
            return .spare(begins: nil)
        case .started, .stopping, .workerLeft, .triggerRegistered, .triggerUnregistered,
            .triggerBound, .triggerUnbound, .triggered, .request, .cron, .configuration:
            return .over
        }
    }

    /// A spare record that began this was left where it is.
    package mutating func leave(_ subject: Subject) { left.insert(subject) }

    private mutating func isNeeded(_ event: Event, at offset: Offset, cause: Offset?) -> Bool {
        let isOfFiring = cause.map { firings.contains($0) } ?? false
        switch event {
        case .cron(.fired), .triggered:
            guard needs.needs(event, at: offset) else { return false }
            firings.insert(offset)
            return true
        case .invoked where isOfFiring:
            firings.insert(offset)
            return true
        case .completed where isOfFiring, .cron(.skipped) where isOfFiring: return true
        default: return needs.needs(event, at: offset)
        }
    }

    /// `space` tells keys from items.
    private func judge(_ event: StateEvent, of space: UInt8) -> Verdict {
        switch event {
        case .set(let set): spare(key(set.scope, set.key, of: space))
        case .deleted(let deleted):
            left.contains(key(deleted.scope, deleted.key, of: space))
                ? .needed : .spare(begins: nil)
        }
    }

    private func judge(_ event: QueueEvent, at offset: Offset) -> Verdict {
        switch event {
        case .defined, .subscribed, .unsubscribed: .over
        case .enqueued: spare(message(offset))
        case .delivered(let event): judge(event.message, of: event.queue)
        case .retried(let event): judge(event.message, of: event.queue)
        case .deadLettered(let event): judge(event.message, of: event.queue)
        case .redriven(let event): judge(event.message, of: event.queue)
        case .acked(let event): judge(event.message, of: event.queue)
        case .discarded(let event): judge(event.message, of: event.queue)
        case .purged(let event):
            event.messages.contains { left.contains(message($0)) }
                ? .needed : .spare(begins: nil)
        }
    }

    /// Of what became of a message all is kept, or it counts for nothing, as the message is gone.
    private func judge(_ number: Offset, of queue: String) -> Verdict {
        if left.contains(message(number)) { return .needed }
        return needs.hasMessage(number, of: queue) ? .over : .spare(begins: nil)
    }

    private func spare(_ subject: Subject) -> Verdict {
        let hasRoom = left.count < Self.leftLimit || left.contains(subject)
        return hasRoom ? .spare(begins: subject) : .over
    }

    private func message(_ offset: Offset) -> Subject {
        var hash = ContentHash()
        hash.add(UInt8(2))
        hash.add(offset.rawValue)
        return Subject(hash: hash.value)
    }

    private func key(_ scope: String, _ key: String, of space: UInt8) -> Subject {
        var hash = ContentHash()
        hash.add(space)
        hash.add(scope)
        hash.add(key)
        return Subject(hash: hash.value)
    }
}
