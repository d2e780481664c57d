import Events
package import JSON
import Primitives

extension HistoryTree {
    /// The tree as one JSON object: `{"trace", "records", "started", "duration_ms", "roots"}`; a
    /// record has its fields under `event` and its effects under `children`. `guessed` is true of a
    /// log line that another run may have written.
    package var json: String { json(limit: .max).map(\.description) ?? "" }

    /// As above; nil: it would have more than `limit` bytes.
    package func json(limit: Int) -> JSONText? {
        var json = JSONBuilder(capacity: 256 * nodes.count)
        json.beginObject()
        json.key("trace")
        if let trace = history.trace { json.string(trace.description) } else { json.null() }
        json.key("records")
        json.integer(nodes.count)
        json.key("started")
        json.string(start.rfc3339())
        json.key("duration_ms")
        json.double(Double(duration.nanoseconds) / 1_000_000)
        json.key("roots")
        guard writeNodes(into: &json, limit: limit) else { return nil }
        json.endObject()
        return json.finish()
    }

    /// Without recursion: a history may be deeper than the thread's stack.
    ///
    /// - Returns: false: it was given up beyond `limit` bytes.
    private func writeNodes(into json: inout JSONBuilder, limit: Int) -> Bool {
        enum Step {
            case node(Int)
            case end
        }
        json.beginArray()
        var waiting = roots.reversed().map(Step.node)
        while let step = waiting.popLast() {
            switch step {
            case .end:
                json.endArray()
                json.endObject()
            case .node(let index):
                guard json.byteCount <= limit else { return false }
                let node = nodes[index]
                json.beginObject()
                node.record.writeMembers(into: &json)
                writeAround(node, into: &json)
                json.key("children")
                json.beginArray()
                waiting.append(.end)
                waiting += node.children.reversed().map(Step.node)
            }
        }
        json.endArray()
        return json.byteCount <= limit
    }

    private func writeAround(_ node: Node, into json: inout JSONBuilder) {
        json.key("elapsed_ms")
        json.double(Double(start.distance(to: node.record.time).nanoseconds) / 1_000_000)
        if let worker = node.record.event?.worker, let name = history.workers[worker] {
            json.key("worker")
            json.beginObject()
            json.key("name")
            json.string(name.name)
            json.key("runtime")
            json.string(name.runtime)
            json.key("version")
            json.string(name.version)
            json.endObject()
        }
        if let missing = node.missing {
            json.key("missing")
            json.string(missing)
        }
        if node.isGuessed {
            json.key("guessed")
            json.bool(true)
        }
    }
}

extension Event {
    /// Who runs what the event begins.
    var worker: UUID128? {
        switch self {
        case .invoked(let event): event.worker
        case .queue(.delivered(let event)): event.worker
        default: nil
        }
    }
}

extension LogRecord {
    /// The record as JSON members, within an object that was begun; with `fields` in place of its
    /// event's own, where there are some.
    func writeMembers(into json: inout JSONBuilder, fields: [EventField]? = nil) {
        for field in ownFields { field.write(into: &json) }
        guard let event else { return }
        json.key("event")
        Self.write(fields ?? event.fields, into: &json)
    }

    private static func write(_ fields: [EventField], into json: inout JSONBuilder) {
        json.beginObject()
        for field in fields { field.write(into: &json) }
        json.endObject()
    }

    /// What the record says, as a JSON object on one line; null where it cannot be read.
    var eventJSON: String {
        var json = JSONBuilder(capacity: 256)
        if let event { Self.write(event.fields, into: &json) } else { json.null() }
        return json.finish().description
    }

    /// The record as one JSON object on one line.
    package var json: String { json(fields: nil) }

    /// As above, with `fields` in place of its event's own, where there are some.
    func json(fields: [EventField]?) -> String {
        var json = JSONBuilder(capacity: 256)
        json.beginObject()
        writeMembers(into: &json, fields: fields)
        json.endObject()
        return json.finish().description
    }
}
