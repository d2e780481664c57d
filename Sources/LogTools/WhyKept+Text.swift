import Folding
import JSON
package import Primitives

extension WhyKept {
    /// The reasons, the most frequent first.
    private var reasons: [(need: Need, count: Int)] {
        needs.map { ($0.key, $0.value) }.sorted {
            ($1.count, "\($0.need)") < ($0.count, "\($1.need)")
        }
    }

    package func write(to output: Output, palette: Palette) {
        let state = isActive ? "active" : "sealed"
        output.line(
            "segment \(segment)  \(state)  offsets \(offsets)  "
                + "\(Text.count(records, "record"))  \(byteCount) bytes"
        )
        output.line(palette.bold("needed now, whatever its age: \(Text.count(needed, "record"))"))
        let width = reasons.map { "\($0.count)".count }.max() ?? 0
        for (need, count) in reasons {
            output.line("  \(Text.rightAligned("\(count)", width))  \(need.text(count))")
        }
        output.line(palette.bold("history: \(Text.count(history, "record"))"))
        output.line("  \(explanation)")
    }

    /// What has to happen before the history goes.
    private var explanation: String {
        if isActive { return "kept: the engine still writes to this segment" }
        if history == 0 { return "nothing is left for retention to remove" }
        if isFolded {
            return "goes when it is older than `[log] retention`, or the log larger than "
                + "`retention_bytes`; what is between records that stay, and takes less room than "
                + "a gap in its place, stays with them, and so does what ends what it began, as "
                + "a key's deletion does"
        }
        guard snapshots.count > 1, let oldest = snapshots.min() else {
            return "kept: there are not yet two snapshots to start from without it; where there is "
                + "retention, an engine makes them as segments are sealed"
        }
        return "kept: a start from the older snapshot, of offset \(oldest), reads it"
    }

    /// Everything as one JSON object on one line.
    package var json: String {
        var json = JSONBuilder()
        json.beginObject()
        json.key("segment")
        json.integer(segment)
        json.key("first_offset")
        json.integer(offsets.lowerBound.rawValue)
        json.key("next_offset")
        json.integer(offsets.upperBound.rawValue)
        json.key("bytes")
        json.integer(byteCount)
        json.key("active")
        json.bool(isActive)
        json.key("records")
        json.integer(records)
        json.key("needed")
        json.integer(needed)
        json.key("history")
        json.integer(history)
        json.key("below_snapshots")
        json.bool(isFolded)
        json.key("snapshots")
        json.beginArray()
        for snapshot in snapshots { json.integer(snapshot.rawValue) }
        json.endArray()
        json.key("reasons")
        json.beginArray()
        for (need, count) in reasons {
            json.beginObject()
            json.key("reason")
            json.string(need.name)
            json.key("of")
            if let subject = need.subject { json.string(subject) } else { json.null() }
            json.key("records")
            json.integer(count)
            json.endObject()
        }
        json.endArray()
        json.endObject()
        return json.finish().description
    }
}

extension Need {
    /// For scripts.
    fileprivate var name: String {
        switch self {
        case .waitingMessage: "waiting_message"
        case .deadLetter: "dead_letter"
        case .settled: "settled_elsewhere"
        case .queueSetup: "queue_setup"
        case .value: "value"
        case .item: "item"
        case .schedule: "schedule"
        case .cronRun: "cron_run"
        case .reaction: "state_trigger_run"
        case .binding: "trigger"
        case .requestKey: "idempotency_key"
        case .configuration: "configuration"
        case .route: "http_route"
        case .engineStart: "engine_start"
        case .unknownKind: "unknown_kind"
        }
    }

    /// Which part of the engine needs it, in a word: what a list of segments counts by.
    var holder: String {
        switch self {
        case .waitingMessage, .settled, .queueSetup: "queue"
        case .deadLetter: "dlq"
        case .value: "state"
        case .item: "stream"
        case .schedule, .cronRun: "cron"
        case .reaction, .binding: "trigger"
        case .requestKey: "request"
        case .route: "route"
        case .configuration: "configuration"
        case .engineStart: "engine"
        case .unknownKind: "unknown"
        }
    }

    /// The queue, the scope, or what else it is of.
    fileprivate var subject: String? {
        switch self {
        case .waitingMessage(let name), .deadLetter(let name), .settled(let name), .value(let name),
            .binding(let name), .item(let name), .requestKey(let name), .configuration(let name):
            name
        case .queueSetup, .schedule, .cronRun, .reaction, .route, .engineStart, .unknownKind: nil
        }
    }

    /// What `count` records of it are, behind their number.
    fileprivate func text(_ count: Int) -> String {
        let noun = count == 1 ? "record" : "records"
        let name = subject.map { "'\($0.visible)'" } ?? ""
        return switch self {
        case .waitingMessage: "\(noun) of messages that wait in queue \(name)"
        case .deadLetter: "\(noun) of dead letters of queue \(name)"
        case .settled: "\(noun) of messages that are over in queue \(name), and not in another"
        case .queueSetup: "\(noun) of queues and subscriptions"
        case .value: "\(count == 1 ? "record" : "records") of keys of scope \(name)"
        case .item: "\(noun) of items of stream \(name)"
        case .schedule: "\(noun) of cron slots"
        case .cronRun: "\(noun) of cron runs that have not ended"
        case .reaction: "\(noun) of state triggers whose functions have not ended"
        case .binding: "\(noun) of triggers of type \(name) that belong to no worker"
        case .requestKey: "\(noun) of idempotency keys of \(name)"
        case .configuration: "\(noun) of configuration entry \(name)"
        case .route: "\(noun) of HTTP routes that workers have registered"
        case .engineStart: "\(count == 1 ? "start" : "starts") of the engine"
        case .unknownKind: "\(noun) of kinds that this version does not know"
        }
    }
}
