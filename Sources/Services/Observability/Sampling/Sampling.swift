import JSON
package import Primitives

/// Which traces are kept and sent on, and which lines (services 2, C.10). What the engine records
/// of its own work is not touched by it.
package struct Sampling: Equatable, Sendable {
    /// What holds for traces that begin with such a span.
    package struct Rule: Equatable, Sendable {
        /// Nil: any.
        package var operation: Glob?
        package var service: Glob?
        /// From 0 to 1.
        package var rate: Double

        package init(operation: Glob?, service: Glob?, rate: Double) {
            self.operation = operation
            self.service = service
            self.rate = rate
        }

        func matches(_ operation: String, _ service: String) -> Bool {
            (self.operation?.matches(operation) ?? true) && (self.service?.matches(service) ?? true)
        }
    }

    /// Of traces that no rule is about; from 0 to 1.
    package var ratio = 1.0
    /// Whether a trace that began elsewhere is kept where it was kept there, and only there.
    package var isParentBased = true
    /// The first that matches counts.
    package var rules: [Rule] = []
    /// Traces that begin within a second, at the most; nil: any number.
    package var tracesPerSecond: Double?
    /// Of lines; from 0 to 1.
    package var logRatio = 1.0

    package init() {}

    /// Whether which trace it is does not matter.
    var keepsAllTraces: Bool { ratio >= 1 && rules.isEmpty && tracesPerSecond == nil }

    func rate(_ operation: String, _ service: String) -> Double {
        rules.first { $0.matches(operation, service) }?.rate ?? ratio
    }

    /// Where a trace stands between 0 and 1: the same everywhere, and evenly spread, since the last
    /// 56 bits of a trace id are random (W3C Trace Context Level 2, 3.2.2.3).
    static func place(of trace: TraceID) -> Double {
        Double(trace.low & 0x00FF_FFFF_FFFF_FFFF) / range
    }

    private static let range = Double(UInt64(1) << 56)

    /// The same for a line, whose record is at `offset`.
    func keepsLine(at offset: Offset) -> Bool {
        logRatio >= 1 || Double(EngineSpans.id(of: offset) >> 8) / Self.range < logRatio
    }

    /// As `engine::sampling::rules` shows it.
    func json(isTracing: Bool, isLogging: Bool, now: Timestamp) -> JSONValue {
        func pattern(_ glob: Glob?) -> JSONValue { glob.map { .string($0.text) } ?? .null }
        let rules = rules.map { rule in
            JSONValue.object([
                "operation": pattern(rule.operation), "service": pattern(rule.service),
                "rate": .double(rule.rate),
            ])
        }
        var traces: JSONObject = [
            "default_ratio": .double(isTracing ? ratio : 0), "rules": .array(rules),
            "parent_based": .bool(isParentBased),
        ]
        if let tracesPerSecond { traces["max_traces_per_second"] = .double(tracesPerSecond) }
        return .object([
            "traces": .object(traces),
            "logs": .object(["sampling_ratio": .double(isLogging ? logRatio : 0)]),
            "timestamp": .integer(now.milliseconds),
        ])
    }
}

/// A display rule: spans that trees show without themselves, their children in their place.
package struct CollapsedSpans: Equatable, Sendable {
    /// Nil: any.
    package var name: Glob?
    package var service: Glob?

    package init(name: Glob?, service: Glob?) {
        self.name = name
        self.service = service
    }

    func matches(_ name: String, _ service: String) -> Bool {
        (self.name?.matches(name) ?? true) && (self.service?.matches(service) ?? true)
    }
}
