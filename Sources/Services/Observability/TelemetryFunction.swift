package import JSON
package import Primitives

/// The functions that look into telemetry (protocol 6.11; services 2, C.5).
package enum TelemetryFunction: String, CaseIterable, Sendable {
    case listTraces = "engine::traces::list"
    case traceTree = "engine::traces::tree"
    case groupTraces = "engine::traces::group_by"
    case clearTraces = "engine::traces::clear"
    case listLogs = "engine::logs::list"
    case clearLogs = "engine::logs::clear"
    case listMetrics = "engine::metrics::list"
    case listRollups = "engine::rollups::list"
    case samplingRules = "engine::sampling::rules"
    case checkHealth = "engine::health::check"
    case listAlerts = "engine::alerts::list"
    case evaluateAlerts = "engine::alerts::evaluate"
    case getBaggage = "engine::baggage::get"
    case setBaggage = "engine::baggage::set"
    case allBaggage = "engine::baggage::get_all"
}

/// What an answer depends on besides what is kept.
package struct TelemetryContext {
    package let now: Timestamp
    /// Of the engine.
    package let version: String
    package let activeWorkers: Int
    /// The caller's W3C baggage.
    package let baggage: String?

    package init(now: Timestamp, version: String, activeWorkers: Int, baggage: String?) {
        self.now = now
        self.version = version
        self.activeWorkers = activeWorkers
        self.baggage = baggage
    }
}

extension TelemetryStore {
    /// Runs a function; those that clear change what is kept.
    ///
    /// - Throws: what the function refuses.
    package mutating func answer(
        _ function: TelemetryFunction,
        _ input: JSONText,
        _ context: TelemetryContext
    ) throws(ErrorBody) -> JSONText {
        logs.trim(now: context.now)
        metrics.trim(now: context.now)
        switch function {
        case .clearTraces:
            _ = try spanStore()
            spans.removeAll()
            droppedSpans = 0
            return JSONValue.object(["success": .bool(true)]).text
        case .clearLogs:
            logs.removeAll()
            return JSONValue.object(["success": .bool(true)]).text
        case .listTraces, .traceTree, .groupTraces:
            return try traces(function, input, context)
        case .listLogs: return try listLogs(input, context)
        case .listMetrics: return try listMetrics(input, context)
        case .listRollups: return try listRollups(input, context)
        case .samplingRules: return samplingRules(context)
        case .checkHealth: return health(context)
        case .listAlerts, .evaluateAlerts: return alerts(function, context)
        case .getBaggage, .setBaggage, .allBaggage: return try baggage(function, input, context)
        }
    }
}
