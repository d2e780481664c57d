import Events
package import JSON
package import Primitives
import State
import Stream

/// Answers what a run calls that is run again, as the log has it, and keeps what differs.
///
/// Calls are told apart by their function and what they are called with; of equal ones the first of
/// the log is first. The state and streams answer by what they were when the run began, and by what
/// it has written since (``PastState``).
package struct ReplayScript {
    private let recording: Recording
    private let location: LogLocation
    /// What the run did in the log and has not done again.
    private var expected: [Recording.Step]
    /// Nil: nobody has asked.
    private var past: PastState?
    private var found: [ReplayDifference] = []

    package init(_ recording: Recording, _ location: LogLocation) {
        self.recording = recording
        self.location = location
        expected = recording.steps
    }

    /// What a call is answered that `engine::replay` asks about.
    package mutating func answer(_ question: JSONText) -> FunctionResult {
        let data = question.member("data") ?? .null
        let function = Self.function(question)
        let action = question.member("action")
        if action?.member("type")?.stringValue == "enqueue" {
            return enqueue(action?.member("queue")?.stringValue ?? "", function, data)
        }
        switch function.id {
        case "engine::queue::enqueue":
            let queue = data.member("queue")?.stringValue ?? ""
            return enqueue(queue, Self.function(data), data.member("data") ?? .null)
        case "iii::durable::publish", "enqueue":
            let topic = data.member("topic")?.stringValue ?? ""
            return answer(.publish(topic: topic), data.member("data") ?? .null)
        // What whoever is subscribed made of it is not awaited.
        case "publish": return .none
        default: break
        }
        if let state = StateFunction(rawValue: function.id) { return call(state, data) }
        if let stream = StreamFunction(rawValue: function.id) { return call(stream, data) }
        return answer(.call(function), data)
    }

    /// What is different at the end, the run having come to `result`: in the order in which it was
    /// seen, then what was not done again.
    package consuming func finish(_ result: FunctionResult) -> [ReplayDifference] {
        for step in expected where !step.isByEngine {
            found.append(ReplayDifference("\(step.kind)", .missing))
        }
        if let before = recording.result { found += Self.differences(before, result) }
        return found
    }

    private static func function(_ text: JSONText) -> FunctionName {
        FunctionName(
            namespace: text.member("namespace")?.stringValue ?? FunctionName.defaultNamespace,
            id: text.member("function_id")?.stringValue ?? ""
        )
    }

    // MARK: Calls

    private mutating func enqueue(
        _ queue: String,
        _ function: FunctionName,
        _ payload: JSONText
    ) -> FunctionResult {
        answer(.enqueue(queue: queue, function), payload)
    }

    private mutating func answer(_ kind: Recording.Kind, _ payload: JSONText) -> FunctionResult {
        guard let step = take(kind, payload) else {
            return .failure(
                ErrorBody(
                    code: "REPLAY_UNRECORDED",
                    message: "the log has no \(kind) of this run, and nothing else answers it"
                )
            )
        }
        if let answer = step.answer { return answer }
        return .failure(
            ErrorBody(
                code: "REPLAY_UNRECORDED",
                message: "the \(kind) has no end in the log (#\(step.offset))"
            )
        )
    }

    /// The step that is done again; nil: there is none.
    private mutating func take(_ kind: Recording.Kind, _ payload: JSONText) -> Recording.Step? {
        let like = expected.indices.filter { expected[$0].kind == kind }
        guard let first = like.first else {
            found.append(ReplayDifference("\(kind)", .unrecorded))
            return nil
        }
        let same = like.first { JSONDifference.between(expected[$0].payload, payload).isEmpty }
        let step = expected.remove(at: same ?? first)
        found += JSONDifference.between(step.payload, payload).map {
            ReplayDifference("\(kind)", .changed($0))
        }
        return step
    }

    // MARK: The state and streams

    private mutating func call(_ function: StateFunction, _ input: JSONText) -> FunctionResult {
        do throws(ErrorBody) {
            var past = try takePast()
            defer { self.past = past }
            let (result, writes) = try past.call(function, input)
            for write in writes { note(Recording.Step(write, at: .zero)) }
            return result
        } catch {
            return .failure(error)
        }
    }

    private mutating func call(_ function: StreamFunction, _ input: JSONText) -> FunctionResult {
        if let stream = input.member("stream_name")?.stringValue,
            let custom = function.custom(stream),
            expected.contains(where: { $0.kind == .call(custom) })
        {
            return answer(.call(custom), input)
        }
        do throws(ErrorBody) {
            var past = try takePast()
            defer { self.past = past }
            let (result, event) = try past.call(function, input)
            if let event, let step = Recording.Step(event, at: .zero) { note(step) }
            return result
        } catch {
            return .failure(error)
        }
    }

    /// What was written, and should have been.
    private mutating func note(_ step: Recording.Step) { _ = take(step.kind, step.payload) }

    /// Takes it out, so that it is changed in place.
    private mutating func takePast() throws(ErrorBody) -> PastState {
        var known: PastState
        if let past = past.take() {
            known = past
        } else {
            do throws(ToolError) {
                known = try PastState(location, before: recording.run, at: recording.time)
            } catch {
                throw ErrorBody(code: "record_unreadable", message: error.message)
            }
        }
        if let write = expected.first(where: \.isWrite) { known.expectWrite(at: write.offset) }
        return known
    }

    // MARK: Results

    private static func differences(
        _ before: FunctionResult,
        _ now: FunctionResult
    ) -> [ReplayDifference] {
        let places: [JSONDifference]
        switch (before, now) {
        case (.none, .none): places = []
        case (.failure(let before), .failure(let now)):
            places = JSONDifference.between(json(before), json(now))
        case (.value(let before), .value(let now)):
            places = JSONDifference.between(JSONText(orText: before), JSONText(orText: now))
        default: places = [JSONDifference(before: json(before), now: json(now))]
        }
        return places.map { ReplayDifference("result", .changed($0)) }
    }

    private static func json(_ result: FunctionResult) -> JSONText? {
        switch result {
        case .none: nil
        case .value(let bytes): JSONText(orText: bytes)
        case .failure(let error): json(error)
        }
    }

    /// Without the stack trace: that is of the code, and not of what it did.
    private static func json(_ error: ErrorBody) -> JSONText {
        JSONValue.object([
            "error": .object(["code": .string(error.code), "message": .string(error.message)])
        ]).text
    }
}

extension Recording.Step {
    fileprivate var isWrite: Bool {
        switch kind {
        case .set, .delete, .setItem, .deleteItem, .send: true
        case .call, .enqueue, .publish: false
        }
    }
}

/// What a run did otherwise than in the log.
package struct ReplayDifference: Equatable, Sendable {
    package enum Change: Equatable, Sendable {
        case changed(JSONDifference)
        /// It did it, and not in the log.
        case unrecorded
        /// It did it in the log, and not now.
        case missing
    }

    /// What it did, or `result`.
    package let subject: String
    package let change: Change

    init(_ subject: String, _ change: Change) {
        self.subject = subject
        self.change = change
    }

    /// A line for people.
    package var text: String {
        let subject = subject.visible
        switch change {
        case .unrecorded: return "\(subject): not in the log"
        case .missing: return "\(subject): in the log only"
        case .changed(let place):
            return "\(subject) \(place.path.visible): \(Self.shown(place.before)) -> "
                + Self.shown(place.now)
        }
    }

    private static func shown(_ value: JSONText?) -> String {
        value.map { Text.payload($0.bytes, limit: 240) } ?? "nothing"
    }

    /// One JSON object.
    package var json: String {
        var json = JSONBuilder()
        json.beginObject()
        json.key("subject")
        json.string(subject)
        json.key("change")
        switch change {
        case .unrecorded: json.string("unrecorded")
        case .missing: json.string("missing")
        case .changed(let place):
            json.string("changed")
            json.key("path")
            json.string(place.path)
            for (name, value) in [("recorded", place.before), ("now", place.now)] {
                guard let value else { continue }
                json.key(name)
                json.raw(value)
            }
        }
        json.endObject()
        return json.finish().description
    }
}
