package import Events
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

    /// Whether it shows what the engine counts about itself.
    package var showsEngine: Bool {
        self == .listMetrics
    }

    /// What it clears; nil: nothing.
    package var clears: TelemetryCleared.Content? {
        switch self {
        case .clearTraces: .traces
        case .clearLogs: .logs
        default: nil
        }
    }
}

/// What an answer depends on besides what is kept.
package struct TelemetryContext: Sendable {
    package let now: Timestamp
    /// Of the engine.
    package let version: String
    /// The caller's W3C baggage.
    package let baggage: String?
    /// Whether logs are taken, and spans and metrics.
    package let logging: Bool
    package let tracing: Bool
    /// Spans that were dropped before they were read since the start, at the least.
    package let droppedSpans: UInt64
    /// Frames of all kinds that were.
    package let droppedFrames: UInt64
    /// What the engine counts about itself, for a function that ``TelemetryFunction/showsEngine``.
    package let engine: JSONValue?
    /// What alerts may be about beside what workers report, by the names of metrics.
    package let figures: [String: Double]

    package init(
        now: Timestamp,
        version: String,
        baggage: String?,
        logging: Bool = true,
        tracing: Bool = true,
        droppedSpans: UInt64 = 0,
        droppedFrames: UInt64 = 0,
        engine: JSONValue? = nil,
        figures: [String: Double] = [:]
    ) {
        self.figures = figures
        self.now = now
        self.version = version
        self.baggage = baggage
        self.logging = logging
        self.tracing = tracing
        self.droppedSpans = droppedSpans
        self.droppedFrames = droppedFrames
        self.engine = engine
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
        settings.logging = context.logging
        settings.tracing = context.tracing
        droppedSpans = context.droppedSpans &- forgivenSpans
        logs.trim(now: context.now)
        metrics.trim(now: context.now)
        switch function {
        case .clearTraces:
            _ = try spanStore()
            spans.removeAll()
            forgivenSpans = context.droppedSpans
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
        case .listAlerts: return listAlerts(context)
        case .evaluateAlerts: return evaluateAlerts(context)
        case .getBaggage, .setBaggage, .allBaggage: return try baggage(function, input, context)
        }
    }
}
