import Events
import JSON
import Primitives
import State

/// The engine's part: a decision's event is logged, then applied.
struct StateHarness {
    var view: StateView
    private(set) var log: [StateEvent] = []
    var now = Timestamp(seconds: 1_900_000_000)

    init(maxValueBytes: Int? = nil, cacheBytes: Int = .max) {
        view = StateView(maxValueBytes: maxValueBytes, cacheBytes: cacheBytes)
    }

    var moment: StateMoment { StateMoment(now: now, next: tail) }

    var tail: Offset { Offset(UInt64(log.count)) }

    /// Calls a function and returns its decision, the event of which has been applied.
    @discardableResult
    mutating func decide(_ function: StateFunction, _ input: String) throws -> StateDecision {
        let input = try JSONText(validating: Array(input.utf8))
        let decision = try view.decide(function, input: input, at: moment, read: value(at:))
        for event in decision.changes.compactMap(\.event) {
            record(event)
        }
        return decision
    }

    mutating func record(_ event: StateEvent) {
        view.apply(event, at: tail)
        log.append(event)
    }

    /// The value that a record of the log wrote.
    func value(at offset: Offset) throws(ErrorBody) -> [UInt8] {
        guard case .set(let set) = log[Int(offset.rawValue)] else {
            throw ErrorBody(code: "test", message: "\(offset) wrote no value")
        }
        return set.value
    }

    /// Calls a function and returns the JSON of its answer; nil for "no value".
    @discardableResult
    mutating func call(_ function: StateFunction, _ input: String) throws -> String? {
        let reply = try decide(function, input).reply
        let result = try reply.result(value(at:))
        // What was read is kept, as an engine does.
        if let version = reply.missing, case .set(let set) = log[Int(version.rawValue)] {
            view.keep(set, version: version)
        }
        return result.text
    }

    /// A view that has seen the same events.
    func replayed() -> StateView {
        var view = StateView()
        for (index, event) in log.enumerated() { view.apply(event, at: Offset(UInt64(index))) }
        return view
    }
}

extension FunctionResult {
    var text: String? {
        switch self {
        case .value(let bytes): String(decoding: bytes, as: UTF8.self)
        case .none: nil
        case .failure(let error): "failure: \(error.message)"
        }
    }
}

extension StateEvent {
    /// The function that wrote a value; nil for a deletion.
    var function: String? {
        if case .set(let set) = self { set.function } else { nil }
    }
}
