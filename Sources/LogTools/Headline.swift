import Events
import JSON
import Primitives
import RecordFormat

/// One record in a few words, and what it carries.
struct Headline: Equatable {
    enum Tone: Equatable { case plain, good, bad }

    var text: String
    /// A result or a value, to stand behind the text on the same line.
    var value: [UInt8]?
    /// What stands behind the value.
    var ending = ""
    /// An input, to stand on a line of its own.
    var detail: (label: String, bytes: [UInt8])?
    var tone = Tone.plain
    /// Where a handler failed, as its SDK told it.
    var stacktrace: String?

    init(_ text: String) { self.text = text }

    static func == (left: Headline, right: Headline) -> Bool {
        left.text == right.text && left.value == right.value && left.ending == right.ending
            && left.detail?.label == right.detail?.label
            && left.detail?.bytes == right.detail?.bytes && left.tone == right.tone
            && left.stacktrace == right.stacktrace
    }
}

/// What is known around a record.
struct HeadlineContext {
    /// How workers call themselves.
    var workers: [UUID128: WorkerName] = [:]
    /// The function that a message is for, by the offset of its `enqueued` record.
    var targets: [Offset: FunctionName] = [:]
    /// The topic that a message was published to, by the offset of its `enqueued` record.
    var topics: [Offset: String] = [:]

    func worker(_ id: UUID128) -> String {
        if id == UUID128(high: 0, low: 0) { return "the engine" }
        if let name = workers[id] { return name.description }
        return "worker \(id.description.prefix(8))"
    }
}

/// How a worker described itself.
package struct WorkerName: Equatable, Sendable, CustomStringConvertible {
    package let name: String
    package let runtime: String
    /// Of its SDK.
    package let version: String

    init(_ event: WorkerDescribed) {
        name = event.name
        runtime = event.runtime
        version = event.version
    }

    package var description: String {
        version.isEmpty ? "\(name) (\(runtime))" : "\(name) (\(runtime) \(version))"
    }
}

extension LogRecord {
    func headline(_ context: HeadlineContext) -> Headline {
        switch content {
        case .event(let event):
            return event.headline(context)
        case .unknown:
            return Headline(
                "\(kindName): \(byteCount) bytes of a kind that this version does not know"
            )
        case .unreadable(let error):
            var headline = Headline(
                "\(kindName): cannot be read: expected \(error.expected) at byte \(error.position) "
                    + "of its \(byteCount)"
            )
            headline.tone = .bad
            return headline
        }
    }
}

extension Event {
    fileprivate func headline(_ context: HeadlineContext) -> Headline {
        switch self {
        case .started(let event):
            return Headline("engine \(event.version) started, process \(event.process)")
        case .stopped(let event): return Headline("engine stopped: \(event.reason)")
        case .stopping: return Headline("engine stops: no new work, and its workers go")
        case .workerJoined(let event):
            return Headline("worker \(event.worker) joined from \(event.address)")
        case .workerDescribed(let event):
            return Headline("worker \(event.worker) is \(WorkerName(event)) in \(event.namespace)")
        case .workerLeft(let event):
            return Headline("\(context.worker(event.worker)) left: \(event.reason)")
        case .functionRegistered(let event):
            let worker = context.worker(event.worker)
            var headline = Headline("\(event.function) is served by \(worker)")
            headline.detail = ("definition", event.definition)
            return headline
        case .functionUnregistered(let event):
            return Headline("\(event.function) is not served by \(context.worker(event.worker))")
        case .triggerRegistered(let event):
            var headline = Headline("trigger \(event.trigger): \(event.type) -> \(event.function)")
            headline.detail = ("config", event.config)
            return headline
        case .triggerUnregistered(let event): return Headline("trigger \(event.trigger) is gone")
        case .triggerTypeRegistered(let event):
            let type = FunctionName(namespace: event.namespace, id: event.type)
            return Headline("trigger type \(type) is served by \(context.worker(event.worker))")
        case .triggerTypeUnregistered(let event):
            let type = FunctionName(namespace: event.namespace, id: event.type)
            return Headline("trigger type \(type) is not served by \(context.worker(event.worker))")
        case .triggerBound(let event):
            var headline = Headline(
                "trigger \(event.trigger) of no worker: \(event.type) -> \(event.function)"
            )
            headline.detail = ("config", event.config)
            return headline
        case .triggerUnbound(let event):
            return Headline("trigger \(event.trigger) of no worker is gone")
        case .triggered(let event):
            var headline = Headline("\(event.type) \(event.summary) -> \(event.function)")
            headline.detail = ("input", event.event)
            return headline
        case .invoked(let event): return event.headline(context)
        case .completed(let event): return event.headline
        case .responded(let event): return event.headline
        case .request(let event): return event.headline
        case .queue(let event): return event.headline(context)
        case .state(let event): return event.headline
        case .cron(let event): return event.headline
        case .stream(let event): return event.headline
        case .configuration(let event): return event.headline
        case .logged(let event): return event.headline
        case .spanReported(let event): return event.headline
        case .metricReported(let event): return event.headline
        case .alertChanged(let event): return event.headline
        case .telemetryCleared(let event): return event.headline
        }
    }
}

extension Headline {
    /// What a function answered, `verb` being how it is said that it did.
    init(_ verb: String, _ result: FunctionResult, took duration: Timestamp.Span) {
        let took = Text.duration(duration)
        switch result {
        case .value(let value):
            let status = JSONText(trusted: value).member("status_code")?.statusAsked
            self.init(status.map { "\(verb) \($0)" } ?? verb)
            self.value = value
            ending = "in \(took)"
            tone = .good
        case .none:
            self.init("\(verb) in \(took)")
            tone = .good
        case .failure(let error):
            self.init("failed in \(took): \(error.code): \(error.message)")
            tone = .bad
            stacktrace = error.stacktrace
        }
    }
}

extension Invoked {
    fileprivate func headline(_ context: HeadlineContext) -> Headline {
        var text = isCondition ? "condition \(function)" : "\(function)"
        text += " on \(context.worker(worker))"
        if caller != UUID128(high: 0, low: 0) { text += ", called by \(context.worker(caller))" }
        if !awaited { text += ", nobody waits" }
        var headline = Headline(text)
        headline.detail = ("input", input)
        return headline
    }
}

extension Completed {
    fileprivate var headline: Headline { Headline("completed", result, took: duration) }
}

extension QueueEvent {
    fileprivate func headline(_ context: HeadlineContext) -> Headline {
        switch self {
        case .defined(let event): return Headline("queue \(event.queue) defined")
        case .subscribed(let event):
            return Headline("\(event.function) is subscribed to topic \(event.topic)")
        case .unsubscribed(let event):
            return Headline("\(event.function) is not subscribed to topic \(event.topic)")
        case .enqueued(let event): return event.headline
        case .delivered(let event):
            let known = context.targets[event.message]
            let target = known ?? event.subscriber(of: context.topics[event.message])
            let name = target?.description ?? "message \(event.message) of queue \(event.queue)"
            return Headline(
                "delivery attempt \(event.attempt) -> \(name) on \(context.worker(event.worker))"
            )
        case .acked(let event): return event.headline
        case .retried(let event):
            return failure(
                "failed, \(Text.count(Int(event.failures), "time")) so far, again at "
                    + "\(event.notBefore.rfc3339())",
                event.error
            )
        case .deadLettered(let event):
            return failure(
                "dead letter after \(Text.count(Int(event.failures), "failure"))",
                event.error
            )
        case .redriven(let event):
            return Headline("redriven: message \(event.message) of queue \(event.queue)")
        case .discarded(let event):
            return Headline("discarded: message \(event.message) of queue \(event.queue)")
        case .purged(let event):
            let count = Text.count(event.messages.count, event.areDead ? "dead letter" : "message")
            let by = event.by.map { " by \($0)" } ?? ""
            let what = event.areDead ? "discarded" : "purged"
            return Headline("\(what): \(count) of queue \(event.queue)\(by)")
        }
    }

    private func failure(_ text: String, _ error: ErrorBody) -> Headline {
        var headline = Headline("\(text): \(error.code): \(error.message)")
        headline.tone = .bad
        headline.stacktrace = error.stacktrace
        return headline
    }
}

extension Acked {
    fileprivate var headline: Headline {
        guard let omission else { return Headline("acked", result, took: duration) }
        var headline = Headline("acked in \(Text.duration(duration)), with \(omission)")
        headline.tone = .good
        return headline
    }
}

extension Enqueued {
    fileprivate var headline: Headline {
        var text =
            target.map { "enqueue \($0) -> queue \(queue), receipt \(receipt)" }
            ?? "publish to topic \(queue), receipt \(receipt)"
        if let group { text += ", group \(group)" }
        var headline = Headline(text)
        headline.detail = ("payload", payload)
        return headline
    }
}

extension Delivered {
    /// The function of a subscription's queue, `topic::function@namespace`; nil for another queue.
    /// Where `topic` is not known, it is what stands before the first `::`.
    func subscriber(of topic: String?) -> FunctionName? {
        let known = topic.map { "\($0)::" }
        let guess = queue.firstRange(of: "::").map { String(queue[..<$0.upperBound]) }
        guard let prefix = known ?? guess, queue.hasPrefix(prefix) else { return nil }
        var parts = [""]
        var isEscaped = false
        for character in queue.dropFirst(prefix.count) {
            if isEscaped || (character != "\\" && character != "@") {
                parts[parts.count - 1].append(character)
                isEscaped = false
            } else if character == "@" {
                parts.append("")
            } else {
                isEscaped = true
            }
        }
        return parts.count == 2 ? FunctionName(namespace: parts[1], id: parts[0]) : nil
    }
}

extension StateEvent {
    fileprivate var headline: Headline {
        switch self {
        case .set(let event):
            var headline = Headline("\(event.function) \(event.scope)/\(event.key) =")
            headline.value = event.value
            return headline
        case .deleted(let event):
            let what = event.reason == .expired ? "state expired" : "state::delete"
            return Headline("\(what) \(event.scope)/\(event.key)")
        }
    }
}

extension StreamEvent {
    fileprivate var headline: Headline {
        switch self {
        case .set(let event):
            var headline = Headline(
                "\(event.function) \(event.stream)/\(event.group)/\(event.item) ="
            )
            headline.value = event.value
            return headline
        case .deleted(let event):
            return Headline("stream::delete \(event.stream)/\(event.group)/\(event.item)")
        case .sent(let event):
            let item = event.item.map { "/\($0)" } ?? ""
            var headline = Headline(
                "stream::send \(event.stream)/\(event.group)\(item) \(event.type)"
            )
            headline.value = event.data
            return headline
        case .relayed(let event):
            var headline = Headline(
                "stream \(event.stream)/\(event.group)/\(event.item), kept by a worker, "
                    + "\(event.change):"
            )
            headline.value = event.data
            return headline
        }
    }
}

extension CronEvent {
    fileprivate var headline: Headline {
        switch self {
        case .fired(let event):
            let late = Text.duration(event.scheduled.distance(to: event.actual))
            return Headline(
                "cron \(event.expression) -> \(event.function), slot "
                    + "\(event.scheduled.rfc3339()), \(late) late"
            )
        case .skipped(let event):
            return Headline(
                "cron slot \(event.scheduled.rfc3339()) of trigger \(event.trigger) skipped: "
                    + event.reason
            )
        case .watched(let mark): return mark.headline("missed slots are caught up from now on")
        case .forgotten(let mark): return mark.headline("missed slots are not caught up any more")
        case .paused(let mark): return mark.headline("paused")
        case .resumed(let mark): return mark.headline("resumed")
        }
    }
}

extension CronMark {
    fileprivate func headline(_ what: String) -> Headline {
        Headline("cron \(expression) -> \(function): \(what)")
    }
}

extension Logged {
    fileprivate var headline: Headline {
        var headline = Headline("log \(severityText) \(service): \(body)")
        if !attributes.isEmpty, attributes != Array("{}".utf8) {
            headline.detail = ("attributes", attributes)
        }
        if severity >= 17 { headline.tone = .bad }
        return headline
    }
}
