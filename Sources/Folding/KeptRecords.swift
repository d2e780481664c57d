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

    /// What a record has begun.
    package enum Subject: Equatable, Sendable {
        /// A key or an item by its hash, so that two may be taken for one, of which more is kept
        /// then.
        case value(hash: UInt64)
        /// `isChained`: what is before it stays for the sake of another message alone.
        case message(Offset, isChained: Bool)
    }

    /// How much there may be to remember of what was left where it is.
    package struct Limits: Equatable, Sendable {
        /// Bits for all keys and items, and as many for all messages: a power of two and at least
        /// 64. Once there are many for them, the ends of others are kept, too; eight bits for each
        /// make that 2 %.
        package var bits: Int
        /// Messages that are left beside what stays for another one's sake. All that became of one
        /// is kept, and parts what is between into shorter runs, of which more is left: without a
        /// limit that would go on through the whole log.
        package var chained: Int

        package init(bits: Int = 1 << 26, chained: Int = 1 << 14) {
            self.bits = bits
            self.chained = chained
        }
    }

    private let needs: any RecordNeeds
    private let limits: Limits
    /// The slots and triggers that are kept, and their runs.
    private var firings: Set<Offset> = []
    /// The keys and items that were begun by records that nobody needs and that were left where
    /// they are.
    private var leftValues: KeyFilter
    /// The messages among such records.
    private var leftMessages: KeyFilter
    /// How many of them were left beside what stays for another one's sake.
    private var chained = 0
    /// Whether the last record that stays does so for the sake of a message that was left.
    private var isChained = false

    package init(_ needs: any RecordNeeds, limits: Limits = Limits()) {
        self.needs = needs
        self.limits = limits
        leftValues = KeyFilter(bits: limits.bits)
        leftMessages = KeyFilter(bits: limits.bits)
    }

    /// What is to become of a record. One of before that is spare must have been left or not by
    /// now, unless this one shares its fate.
    package mutating func judge(_ event: Event, at offset: Offset, cause: Offset?) -> Verdict {
        if isNeeded(event, at: offset, cause: cause) {
            isChained = false
            return .needed
        }
        let verdict = judgeUnneeded(event, at: offset)
        if verdict == .needed { isChained = true }
        return verdict
    }

    /// No view needs it.
    private func judgeUnneeded(_ event: Event, at offset: Offset) -> Verdict {
        switch event {
        case .state(let event): return judge(event, of: 0)
        case .stream(let event): return event.asItem.map { judge($0, of: 1) } ?? .spare(begins: nil)
        case .queue(let event): return judge(event, at: offset)
        // What no view folds; and calls, which are folded only where what fired them is.
        case .invoked, .completed, .stopped, .workerJoined, .workerDescribed, .functionRegistered,
            .functionUnregistered, .triggerTypeRegistered, .triggerTypeUnregistered, .logged,
            .spanReported, .metricReported, .alertChanged, .telemetryCleared, .responded:
            return .spare(begins: nil)
        case .triggered(let event) where event.type != ReactionView.type:
            return .spare(begins: nil)
        case .started, .stopping, .workerLeft, .triggerRegistered, .triggerUnregistered,
            .triggerBound, .triggerUnbound, .triggered, .request, .cron, .configuration:
            return .over
        }
    }

    /// A spare record that began this was left where it is.
    package mutating func leave(_ subject: Subject) {
        switch subject {
        case .value(let hash): leftValues.insert(hash)
        case .message(let offset, let isChained):
            leftMessages.insert(offset.rawValue)
            if isChained { chained += 1 }
        }
    }

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
        case .set(let set): .spare(begins: .value(hash: hash(set.scope, set.key, of: space)))
        case .deleted(let deleted):
            leftValues.contains(hash(deleted.scope, deleted.key, of: space))
                ? .needed : .spare(begins: nil)
        }
    }

    private func judge(_ event: QueueEvent, at offset: Offset) -> Verdict {
        switch event {
        case .defined, .subscribed, .unsubscribed: .over
        case .enqueued:
            isChained && chained >= limits.chained
                ? .over : .spare(begins: .message(offset, isChained: isChained))
        case .delivered(let event): judge(event.message, of: event.queue)
        case .retried(let event): judge(event.message, of: event.queue)
        case .deadLettered(let event): judge(event.message, of: event.queue)
        case .redriven(let event): judge(event.message, of: event.queue)
        case .acked(let event): judge(event.message, of: event.queue)
        case .discarded(let event): judge(event.message, of: event.queue)
        case .purged(let event):
            event.messages.contains { leftMessages.contains($0.rawValue) }
                ? .needed : .spare(begins: nil)
        }
    }

    /// Of what became of a message all is kept, or it counts for nothing, as the message is gone.
    private func judge(_ number: Offset, of queue: String) -> Verdict {
        if leftMessages.contains(number.rawValue) { return .needed }
        return needs.hasMessage(number, of: queue) ? .over : .spare(begins: nil)
    }

    private func hash(_ scope: String, _ key: String, of space: UInt8) -> UInt64 {
        var hash = ContentHash()
        hash.add(space)
        hash.add(scope)
        hash.add(key)
        return hash.value
    }
}
