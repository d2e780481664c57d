import DequeModule
import Events
package import JSON
package import Primitives

/// A trace of which a span has ended.
package struct SeenTrace: Equatable, Sendable {
    package let trace: TraceID
    package let service: String
    /// `ok`, `error` or `unset`.
    package let status: String

    package init(trace: TraceID, service: String, status: String) {
        self.trace = trace
        self.service = service
        self.status = status
    }
}

/// The triggers of types `log` and `trace` (services 2, C.8).
///
/// Bounded: so many runs a second; what is more is dropped, and counted.
package struct TelemetryTriggers: Sendable {
    private struct Filter: Sendable {
        var service: String?
        var status: String?
    }

    /// By trigger; the level's severity text, nil for all, in the order of registration.
    private var ofLogs: [(id: String, level: String?)] = []
    private var ofTraces: [(id: String, filter: Filter)] = []
    /// Traces of runs that it led to: what is told in them must not lead to more.
    private var own: Set<TraceID> = []
    private var ownOrder: Deque<TraceID> = []
    private var second: UInt64 = 0
    private var fired = 0
    /// Runs that there were too many of.
    package private(set) var dropped: UInt64 = 0

    private static let ownLimit = 4096
    /// Runs a second, of all triggers together.
    package static let firedLimit = 1024
    private static let levels = ["trace", "debug", "info", "warn", "error"]
    private static let statuses = ["unset", "ok", "error"]

    package init() {}

    package var isEmpty: Bool { ofLogs.isEmpty }
    package var wantsTraces: Bool { !ofTraces.isEmpty }

    /// - Throws: `trigger_registration_failed` for a configuration that means nothing.
    package mutating func addLog(_ id: String, _ config: JSONText) throws(ErrorBody) {
        let level = try Self.read(config, "log", id) { (fields) throws(JSONFieldError) in
            let level = try fields.optionalString("level")?.lowercased() ?? "all"
            guard level == "all" || Self.levels.contains(level) else {
                let all = Self.levels.joined(separator: ", ")
                throw fields.mismatch("level", expected: "all, \(all)")
            }
            return level
        }
        remove(id)
        ofLogs.append((id, level == "all" ? nil : level))
    }

    /// - Throws: as ``addLog(_:_:)``.
    package mutating func addTrace(_ id: String, _ config: JSONText) throws(ErrorBody) {
        let filter = try Self.read(config, "trace", id) { (fields) throws(JSONFieldError) in
            let status = try fields.optionalString("status")?.lowercased()
            guard status.map(Self.statuses.contains) ?? true else {
                let all = Self.statuses.joined(separator: ", ")
                throw fields.mismatch("status", expected: "one of \(all)")
            }
            return Filter(service: try fields.optionalString("service_name"), status: status)
        }
        remove(id)
        ofTraces.append((id, filter))
    }

    private static func read<Value>(
        _ config: JSONText,
        _ type: String,
        _ id: String,
        _ body: (JSONFields) throws(JSONFieldError) -> Value
    ) throws(ErrorBody) -> Value {
        do throws(JSONFieldError) {
            return try body(try JSONFields(config.isNull ? .emptyObject : config))
        } catch {
            throw ErrorBody(
                code: "trigger_registration_failed",
                message: "the configuration of \(type) trigger \"\(id)\": \(error)"
            )
        }
    }

    package mutating func remove(_ id: String) {
        ofLogs.removeAll { $0.id == id }
        ofTraces.removeAll { $0.id == id }
    }

    /// Those that want the line: of its level, or of any.
    package func triggers(for line: LogLine) -> [String] {
        let level = LogLine.severityText(line.record.severity).lowercased()
        return ofLogs.filter { $0.level == nil || $0.level == level }.map(\.id)
    }

    /// The traces that each wants of those, each once; without those that want none.
    package func triggers(for seen: [SeenTrace]) -> [(id: String, traces: [TraceID])] {
        ofTraces.compactMap { id, filter in
            var traces: [TraceID] = []
            for item in seen
            where (filter.service.map { $0 == item.service } ?? true)
                && (filter.status.map { $0 == item.status } ?? true)
                && !traces.contains(item.trace)
            {
                traces.append(item.trace)
            }
            return traces.isEmpty ? nil : (id, traces)
        }
    }

    // MARK: Runs

    package func isOwn(_ trace: TraceID) -> Bool { own.contains(trace) }

    package mutating func own(_ trace: TraceID) {
        own.insert(trace)
        ownOrder.append(trace)
        if ownOrder.count > Self.ownLimit, let oldest = ownOrder.popFirst() { own.remove(oldest) }
    }

    /// Whether one more run fits into this second of the monotonic clock; one that does not is
    /// counted.
    package mutating func mayFire(at now: UInt64) -> Bool {
        if now / 1_000_000_000 != second {
            second = now / 1_000_000_000
            fired = 0
        }
        guard fired < Self.firedLimit else {
            dropped += 1
            return false
        }
        fired += 1
        return true
    }
}

extension LogLine {
    /// As listings show it, and as functions of triggers get it.
    package func json(received: Timestamp) -> JSONText {
        var json = JSONBuilder(capacity: 256)
        write(into: &json, received: received)
        return json.finish()
    }

    /// A few words.
    package var summary: String { "\(record.severityText) \(record.body.prefix(80))" }
}
