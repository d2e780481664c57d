import JSON
import Primitives

/// The input of `engine::metrics::list` and `engine::rollups::list`.
struct MetricQuery {
    /// In milliseconds since 1970.
    let from: Int64?
    let until: Int64?
    let name: String?
    /// In seconds.
    let interval: Int64?
    /// 0 for minutes, 1 for five of them, 2 for hours.
    let level: Int64?

    init(_ fields: JSONFields) throws(JSONFieldError) {
        from = try fields.optionalInteger("start_time")
        until = try fields.optionalInteger("end_time")
        name = try fields.optionalString("metric_name")
        interval = try fields.optionalInteger("aggregate_interval")
        level = try fields.optionalInteger("level")
        if let level, !(0...2).contains(level) {
            throw fields.mismatch("level", expected: "0, 1 or 2")
        }
        if let interval, interval < 0 {
            throw fields.mismatch("aggregate_interval", expected: "seconds, 0 or more")
        }
    }

    var isEmpty: Bool { from == nil && until == nil && name == nil && interval == nil }

    /// What was asked for, null where nothing was.
    var json: JSONObject {
        func number(_ value: Int64?) -> JSONValue { value.map { .integer($0) } ?? .null }
        return [
            "start_time": number(from), "end_time": number(until),
            "metric_name": name.map { .string($0) } ?? .null,
        ]
    }
}

extension TelemetryStore {
    func listMetrics(
        _ input: JSONText,
        _ context: TelemetryContext
    ) throws(ErrorBody) -> JSONText {
        let name = TelemetryFunction.listMetrics.rawValue
        let query = try JSONFields.read(input, of: name, MetricQuery.init)
        let from = try Timestamp.told(query.from)
        let until = try Timestamp.told(query.until)
        let selected = metrics.select(name: query.name, from: from, until: until)
        var json = JSONBuilder()
        json.beginObject()
        json.key("engine_metrics")
        (context.engine ?? EngineMetrics().json(activeWorkers: 0)).write(into: &json)
        json.key("sdk_metrics")
        json.beginArray()
        for metric in selected { metric.write(into: &json) }
        json.endArray()
        json.key("timestamp")
        json.integer(context.now.milliseconds)
        if let interval = query.interval, interval > 0 {
            let grown = metrics.growth(name: query.name, from: from, until: until)
            let summary = MetricSummary(of: grown, interval: .seconds(interval))
            let rows = summary.rows(percentiles: true)
            if !rows.isEmpty {
                json.key("aggregated_metrics")
                JSONValue.array(rows).write(into: &json)
            }
        }
        if !query.isEmpty {
            var asked = query.json
            asked["aggregate_interval"] = query.interval.map { .integer($0) } ?? .null
            json.key("query")
            JSONValue.object(asked).write(into: &json)
        }
        json.endObject()
        return json.finish()
    }

    /// Minutes are put together from what is kept, when they are asked for; what is longer is kept
    /// so.
    func listRollups(
        _ input: JSONText,
        _ context: TelemetryContext
    ) throws(ErrorBody) -> JSONText {
        let name = TelemetryFunction.listRollups.rawValue
        let query = try JSONFields.read(input, of: name, MetricQuery.init)
        let hour = Timestamp.Span.seconds(3600)
        let until = try Timestamp.told(query.until) ?? context.now
        let from = try Timestamp.told(query.from) ?? until.advanced(by: hour.negated)
        let level = query.level ?? 0
        let rows: (numbers: [JSONValue], histograms: [JSONValue])
        if level == 0 {
            let points = metrics.growth(name: query.name, from: from, until: until)
            let summary = MetricSummary(of: points, interval: .seconds(60))
            rows = (summary.rows(percentiles: false), summary.histogramRows)
        } else {
            rows = rollups.rows(level: Int(level), name: query.name, from: from, until: until)
        }
        var asked = query.json
        asked["start_time"] = .integer(from.milliseconds)
        asked["end_time"] = .integer(until.milliseconds)
        var answer: JSONObject = [
            "rollups": .array(rows.numbers), "histogram_rollups": .array(rows.histograms),
            "level": .integer(level),
        ]
        if level == 0 { answer["source"] = .string("on_the_fly") }
        answer["query"] = .object(asked)
        answer["timestamp"] = .integer(context.now.milliseconds)
        return JSONValue.object(answer).text
    }
}

extension Timestamp.Span {
    fileprivate var negated: Timestamp.Span { Timestamp.Span(nanoseconds: -nanoseconds) }
}
