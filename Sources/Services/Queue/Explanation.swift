import DequeModule
import Events
package import JSON
package import Primitives

/// What is known besides the queues and the log of why a message does not run.
package struct ExplanationContext {
    /// What keeps the engine from handing out anything.
    package enum Obstacle: Equatable, Sendable {
        case stopping
        /// And what is wrong with the disk.
        case diskFull(String)
    }

    package let now: Timestamp
    package let obstacle: Obstacle?
    package let isServed: (FunctionName) -> Bool
    /// Whether a topic's queue waits for a trigger to come back.
    package let awaitsTrigger: (String) -> Bool
    /// How a worker that is connected calls itself.
    package let worker: (UUID128) -> String?

    package init(
        now: Timestamp,
        obstacle: Obstacle?,
        isServed: @escaping (FunctionName) -> Bool,
        awaitsTrigger: @escaping (String) -> Bool,
        worker: @escaping (UUID128) -> String?
    ) {
        self.now = now
        self.obstacle = obstacle
        self.isServed = isServed
        self.awaitsTrigger = awaitsTrigger
        self.worker = worker
    }
}

extension QueueView {
    /// Why each of the messages that the log has found runs, waits or is over, and what helps: one
    /// entry for each queue that has or had it, or for `queue` alone.
    package func explain(
        _ found: LoggedMessages,
        in queue: String?,
        _ context: ExplanationContext
    ) -> JSONText {
        var json = JSONBuilder()
        json.beginObject()
        json.key("jobs")
        json.beginArray()
        for message in found.messages {
            for name in queues(of: message) where queue == nil || queue == name {
                Explanation(message, in: name, self, found.workers, context).write(into: &json)
            }
        }
        json.endArray()
        json.key("more")
        json.integer(found.more)
        json.endObject()
        return json.finish()
    }

    /// Of what was published, each subscription has its own.
    private func queues(of logged: LoggedMessage) -> [String] {
        let queue = logged.event.queue
        guard logged.event.target == nil else { return [queue] }
        var names = queues(ofTopic: queue).filter { message(logged.offset, in: $0) != nil }
        for name in logged.steps.compactMap(\.event.queue) where !names.contains(name) {
            names.append(name)
        }
        return names.isEmpty ? [queue] : names
    }
}

/// Why a message is not done, or how it came to its end, in one queue.
struct Explanation {
    let message: LoggedMessage
    let queue: String
    let steps: [LoggedMessage.Step]
    let state: QueueState?
    /// Nil: it is over.
    let live: Message?
    let context: ExplanationContext
    private let workers: [UUID128: String]

    struct Verdict {
        /// In a word; of what waits, also why.
        var state: String
        var reason: String?
        var why: String
        var wayOut: String?
        var attempt: UInt32?
        var nextAt: Timestamp?
        /// How many messages are before it.
        var ahead: Int?
        var worker: String?
        var since: Timestamp?
        var end: LoggedMessage.Step?
    }

    init(
        _ message: LoggedMessage,
        in queue: String,
        _ view: QueueView,
        _ workers: [UUID128: String],
        _ context: ExplanationContext
    ) {
        self.message = message
        self.queue = queue
        self.workers = workers
        self.context = context
        steps = message.steps.filter { $0.event.queue == queue }
        state = view.queues[queue]
        live = view.message(message.offset, in: queue)
    }

    var function: FunctionName? {
        live?.target.function ?? message.event.target ?? state?.subscription?.function
    }

    var functionText: String { function?.description ?? "its function" }

    /// How many attempts it has; nil: its queue is gone.
    var limit: UInt32? { state.map { max(1, $0.settings.attempts) } }

    /// Names a worker; what builtins take no worker has.
    func name(_ worker: UUID128) -> String {
        if worker == UUID128(high: 0, low: 0) { return "the engine" }
        return context.worker(worker) ?? workers[worker] ?? "worker \(worker)"
    }

    /// The error of its last attempt, where that failed.
    var error: ErrorBody? {
        for step in steps.reversed() {
            switch step.event {
            case .retried(let event): return event.error
            case .deadLettered(let event): return event.error
            case .acked: return nil
            default: continue
            }
        }
        guard case .dead(let error, _)? = live?.state else { return nil }
        return error
    }

    var verdict: Verdict {
        guard let live, let state else { return ending }
        let status = state.status(of: live, context.isServed)
        switch status {
        case .running(let since): return running(live, since)
        case .dead(let error, let at): return dead(live, error, at)
        case .delayed(let until, let attempt, let limit):
            return delayed(until, attempt, of: limit)
        case .unsubscribed, .unserved, .conditionUnserved, .stopped, .unreadable, .refused, .behind,
            .noPlace, .next:
            var verdict = Verdict(state: "waiting", reason: status.word, why: status.why)
            tell(status, live, state, &verdict)
            return verdict
        }
    }
}

// MARK: What waits

extension Explanation {
    private func tell(
        _ status: MessageStatus,
        _ live: Message,
        _ state: QueueState,
        _ verdict: inout Verdict
    ) {
        verdict.attempt = live.nextAttempt
        switch status {
        case .unsubscribed:
            verdict.why =
                "the subscription of \(functionText) to topic \(message.event.queue) has ended"
            verdict.wayOut = subscribeAgain
        case .unserved:
            verdict.why = "no worker serves \(functionText)"
            verdict.wayOut = startWorker
        case .conditionUnserved:
            let condition = state.condition?.description ?? "its condition"
            verdict.why =
                "no worker serves \(condition), which is asked before \(functionText) runs"
            verdict.wayOut = startWorker
        case .stopped:
            verdict.why = "queue \(queue) takes no message: its concurrency is 0"
            verdict.wayOut = moreRoom(state)
        case .unreadable:
            verdict.why = "what queue \(queue) would deliver next cannot be read for the moment"
            verdict.wayOut =
                "it is tried again every two seconds; what is wrong is in the engine's output"
        case .refused:
            verdict.why = "the disk does not give its record for the moment; it has lost no attempt"
            verdict.wayOut =
                "it, or another of its queue, is tried again about once a minute at least; what is "
                + "wrong is in the engine's output, and `iii-log verify` tells where"
        case .behind(let group):
            let (count, first) = state.before(live, in: group)
            verdict.ahead = count
            verdict.why =
                "\(count) of its group '\(group)' \(count == 1 ? "is" : "are") before it in queue "
                + "\(queue), and one of a group runs at a time"
            verdict.wayOut = first.map { "`iii explain \($0)` tells why the first is not done" }
        case .noPlace(let places):
            let count = state.before(live)
            verdict.ahead = count
            verdict.why =
                "all \(places) places of queue \(queue) are taken, and \(count) wait before it"
            verdict.wayOut = moreRoom(state)
        default: tellNext(&verdict)
        }
        if context.obstacle == .stopping { tellOfStop(&verdict) }
    }

    private func tellNext(_ verdict: inout Verdict) {
        if context.awaitsTrigger(queue) {
            verdict.reason = "awaits_trigger"
            verdict.why =
                "the trigger that subscribes \(functionText) has not come back since the engine "
                + "was started: a moment is waited for it"
        } else if case .diskFull(let text)? = context.obstacle {
            verdict.reason = "disk_full"
            verdict.why = "the disk under the log is full: \(text)"
            verdict.wayOut = "make room on it: everything goes on by itself then"
        } else {
            verdict.why = "it is next in queue \(queue), and about to be handed to a worker"
        }
    }

    private func tellOfStop(_ verdict: inout Verdict) {
        verdict.reason = "stopping"
        verdict.why = "the engine is stopping, and hands out nothing any more"
        verdict.wayOut = "start it again: what waits is in the log"
    }

    private func delayed(_ until: Timestamp, _ attempt: UInt32, of limit: UInt32) -> Verdict {
        let wait = context.now.distance(to: until)
        let due = wait.nanoseconds > 0 ? "in \(wait.told)" : "now"
        var why = "attempt \(attempt) of \(limit) is due \(due), at \(until.told)"
        if let error { why += ", after \(error.code): \(error.message)" }
        var wayOut = "it goes by itself; what makes \(functionText) fail has to be mended before "
        wayOut += "attempt \(limit), or it becomes a dead letter"
        if let function, !context.isServed(function) {
            why += "; no worker serves \(functionText) now"
            wayOut = startWorker
        }
        var verdict = Verdict(state: "delayed", why: why, wayOut: wayOut)
        verdict.attempt = attempt
        verdict.nextAt = until
        if context.obstacle == .stopping { tellOfStop(&verdict) }
        return verdict
    }

    private var startWorker: String {
        let advice =
            "start a worker that serves it: what waits goes then, and has lost no attempt by it; "
            + "`iii functions` lists what is served"
        guard state?.subscription != nil else { return advice }
        return advice + ". If none will, `iii queue purge \(queue)` drops what waits; "
            + "unregistering a trigger that `engine::register_trigger` makes for the same topic "
            + "and function ends the subscription, so that no more comes"
    }

    private var subscribeAgain: String {
        "it goes when \(functionText) is subscribed again; `iii queue purge \(queue)` drops what "
            + "waits, and the queue goes with the last message that is left"
    }

    private func moreRoom(_ state: QueueState) -> String {
        state.subscription == nil
            ? "raise `concurrency` of queue \(queue), in `[queue.queues.\(queue)]` or by "
                + "`iii queue define`"
            : "raise `concurrency` in the configuration of the trigger of \(functionText)"
    }
}

extension QueueState {
    /// How many messages are before one that is behind another of its group, and what the first of
    /// them is called.
    fileprivate func before(
        _ message: Message,
        in group: String
    ) -> (count: Int, first: String?) {
        let place = groups[group]?.firstIndex { $0 === message } ?? 0
        let first = messages.first(1) { $0.group == group && !$0.isBehind && !$0.isDead }.first
        return (place + 1, first.map { $0.content?.receipt.description ?? "@\($0.offset)" })
    }

    /// How many messages wait for a place that are older.
    fileprivate func before(_ message: Message) -> Int {
        messages.count(where: { $0.isWaiting && !$0.isBehind && $0.offset < message.offset })
    }
}

// MARK: What runs, and what is over

extension Explanation {
    private func running(_ live: Message, _ since: Timestamp) -> Verdict {
        var verdict = Verdict(state: "running", why: "")
        verdict.since = since
        verdict.attempt = live.nextAttempt
        for step in steps.reversed() {
            guard case .delivered(let event) = step.event else { continue }
            verdict.worker = name(event.worker)
            break
        }
        let place = verdict.worker.map { " on \($0)" } ?? ""
        let took = since.distance(to: context.now).told
        verdict.why =
            "attempt \(live.nextAttempt) of \(limit ?? live.nextAttempt) runs\(place) since "
            + "\(since.told), for \(took)"
        verdict.wayOut =
            "if it hangs, stop that worker: the message is delivered again; `lease` of `[queue]` "
            + "bounds how long a worker may take"
        return verdict
    }

    private func dead(_ live: Message, _ error: ErrorBody, _ at: Timestamp) -> Verdict {
        let id = message.event.receipt
        let failures = live.failures == 1 ? "1 attempt" : "\(live.failures) attempts"
        var verdict = Verdict(
            state: "dead",
            why: "a dead letter of queue \(queue) since \(at.told), after \(failures) failed: "
                + "\(error.code): \(error.message)"
        )
        let redriven =
            if state?.isEnded == true {
                "Its subscription has ended: a redrive would wait until there is one again"
            } else if context.isServed(live.target.function) {
                "A worker serves its function now, so a redrive would be tried at once"
            } else {
                "No worker serves its function now: a redrive would wait for one"
            }
        verdict.wayOut =
            "`iii queue redrive \(queue) \(id)` has it tried again from attempt 1, `iii queue "
            + "discard \(queue) \(id)` drops it. \(redriven)"
        verdict.attempt = live.failures
        verdict.since = at
        return verdict
    }

    private var ending: Verdict {
        guard let end = steps.last(where: { $0.event.endsMessage }) else { return untold }
        let place = "at offset \(end.offset), \(end.time.told)"
        let by = end.by ?? end.trace.map { "a call of trace \($0)" } ?? "somebody"
        let log = message.trace.map { "`iii-log replay \($0)` shows what it was" }
        var verdict: Verdict
        switch end.event {
        case .discarded:
            verdict = Verdict(
                state: "discarded",
                why: "a dead letter of queue \(queue), and discarded by \(by) \(place)",
                wayOut: log
            )
        case .purged(let event) where event.areDead:
            verdict = Verdict(
                state: "discarded",
                why: "a dead letter, and discarded with all of queue \(queue) by \(by) \(place)",
                wayOut: log
            )
        case .purged:
            verdict = Verdict(
                state: "purged",
                why: "dropped with all that waited, when queue \(queue) was purged by \(by) "
                    + place,
                wayOut: log
            )
        default:
            verdict = Verdict(state: "done", why: "done \(place)")
            let delivery = steps.first { $0.offset == end.cause }
            if case .delivered(let event)? = delivery?.event {
                verdict.attempt = event.attempt
                verdict.worker = name(event.worker)
                verdict.why += ", by attempt \(event.attempt) on \(name(event.worker))"
            }
            if let note = end.event.omission { verdict.why += "; it answered \(note)" }
        }
        verdict.end = end
        return verdict
    }

    /// The log tells of no end.
    private var untold: Verdict {
        guard state == nil else {
            return Verdict(
                state: "ended",
                why: "it came to its end while it was looked for, or the record of that cannot be "
                    + "read",
                wayOut: "ask again; `iii-log verify` tells what is damaged"
            )
        }
        return Verdict(
            state: "dropped",
            why: "no subscription of topic \(message.event.queue) has it: there was none when it "
                + "was published, or it went with the one that had it",
            wayOut: "publish it again once its function is subscribed; `iii triggers` lists those"
        )
    }
}
