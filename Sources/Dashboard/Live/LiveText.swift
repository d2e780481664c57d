import Engine
import JSON
import Observability
import Primitives

/// The messages that are whole lists, as text.
enum LiveText {
    /// Of what workers say of their functions and triggers, in bytes: lists are sent whole, and
    /// whoever wants to know all of one asks for it.
    private static let largest = 2048

    /// An object of one message: its `type`, and a list under the same name.
    private static func list<Element>(
        _ type: String,
        _ elements: some Sequence<Element>,
        _ write: (Element, inout JSONBuilder) -> Void
    ) -> JSONBuilder {
        var json = JSONBuilder(capacity: 1024)
        json.beginObject()
        json.key("type")
        json.string(type)
        json.key(type)
        json.beginArray()
        for element in elements {
            json.beginObject()
            write(element, &json)
            json.endObject()
        }
        json.endArray()
        return json
    }

    /// `total`: how many there are, where the list may be only the first ones of them.
    private static func ended(_ json: JSONBuilder, total: Int? = nil) -> [UInt8] {
        var json = json
        if let total { json.add("total", total) }
        json.endObject()
        return json.finish().bytes
    }

    static func workers(_ workers: [EnginePicture.Worker], _ total: Int) -> [UInt8] {
        ended(
            list("workers", workers) { worker, json in
                json.add("id", worker.id.description)
                json.add("name", worker.name)
                json.add("namespace", worker.namespace)
                json.add("runtime", worker.runtime)
                json.add("version", worker.version)
                json.add("status", "connected")
                json.add("function_count", worker.functionCount)
                json.add("active_invocations", worker.active)
                json.add("connected_at_ms", Int(worker.joined.milliseconds))
                json.add("ip_address", worker.address)
                json.add("pid", worker.pid.map { Int($0) })
            },
            total: total
        )
    }

    static func functions(
        _ functions: [EnginePicture.Function],
        _ total: Int,
        _ rates: [FunctionName: LiveRates.Function]
    ) -> [UInt8] {
        ended(
            list("functions", functions) { function, json in
                json.add("function_id", function.name.id)
                json.add("namespace", function.name.namespace)
                json.add("worker_name", function.worker)
                json.add("workers", function.owners)
                for name in ["description", "metadata"] {
                    guard let value = function.definition.member(name), !value.isNull,
                        value.bytes.count <= largest
                    else { continue }
                    json.key(name)
                    json.raw(value)
                }
                let rate = rates[function.name] ?? LiveRates.Function()
                json.key("calls_per_s")
                json.double((rate.calls * 10).rounded() / 10)
                json.key("errors_per_s")
                json.double((rate.errors * 10).rounded() / 10)
            },
            total: total
        )
    }

    static func triggers(_ triggers: [EnginePicture.Trigger], _ total: Int) -> [UInt8] {
        ended(
            list("triggers", triggers) { trigger, json in
                json.add("id", trigger.id)
                json.add("trigger_type", trigger.type)
                json.add("function_id", trigger.function.id)
                json.add("namespace", trigger.function.namespace)
                json.add("worker_name", trigger.worker)
                let isCut = trigger.config.bytes.count > largest
                json.key("config")
                json.raw(isCut ? .emptyObject : trigger.config)
                if isCut {
                    json.key("config_cut")
                    json.bool(true)
                }
                json.add("config_summary", Self.summary(of: trigger.config))
                json.key("served")
                json.bool(trigger.isServed && !trigger.isParked)
                json.key("function_served")
                json.bool(trigger.isServed)
            },
            total: total
        )
    }

    private static func summary(of config: JSONText) -> String {
        let text = config.description
        guard text.unicodeScalars.count > 80 else { return text }
        return String(text.unicodeScalars.prefix(80)) + "…"
    }

    static func queues(
        _ queues: [EnginePicture.Queue],
        _ all: EnginePicture.QueueCounts
    ) -> [UInt8] {
        var message = list("queues", queues) { queue, json in
            json.add("name", queue.name)
            json.add("depth", queue.counts.depth)
            json.add("in_flight", queue.counts.inFlight)
            json.add("delayed", queue.counts.delayed)
            json.add("dead", queue.counts.dead)
            // No age, which would differ with every tick.
            json.add("oldest_at_ms", queue.oldest.map { Int($0.milliseconds) })
            json.key("unserved")
            json.beginArray()
            for put in queue.unserved {
                json.beginObject()
                json.add("function_id", put.function.id)
                json.add("namespace", put.function.namespace)
                json.add("messages", put.count)
                json.endObject()
            }
            json.endArray()
        }
        message.add("dead", all.dead)
        return ended(message, total: all.queues)
    }

    static func streams(_ streams: [EnginePicture.Stream], _ total: Int) -> [UInt8] {
        ended(
            list("streams", streams) { stream, json in
                json.add("name", stream.name)
                json.add("groups", stream.groups)
                json.add("subscribers", stream.subscribers)
            },
            total: total
        )
    }

    static func problems(_ problems: [LiveProblem]) -> [UInt8] {
        ended(
            list("problems", problems) { problem, json in
                json.add("id", problem.id)
                json.add("severity", problem.severity.rawValue)
                json.add("what", problem.what)
                json.add("where", problem.place)
                json.add("way_out", problem.wayOut)
                json.add("link", problem.link)
            }
        )
    }

    static func processes(_ rows: [ProcessRow]) -> [UInt8] {
        var json = JSONBuilder(capacity: 256 * rows.count + 64)
        json.beginObject()
        json.key("type")
        json.string("processes")
        ProcessRow.write(rows, into: &json)
        json.endObject()
        return json.finish().bytes
    }

    static func requests(_ rows: [RequestRow], passed: Int) -> [UInt8] {
        var json = JSONBuilder(capacity: 256 * rows.count + 64)
        json.beginObject()
        json.key("type")
        json.string("requests")
        json.key("requests")
        json.beginArray()
        for row in rows { row.write(into: &json) }
        json.endArray()
        json.key("skipped")
        json.integer(passed)
        json.endObject()
        return json.finish().bytes
    }
}
