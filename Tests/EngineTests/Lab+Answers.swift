import CommitLog
import Events
import JSON
import Primitives
import RecordFormat
import Testing

@testable import Engine

extension Lab {
    /// What a call of `function` is answered.
    func result(
        of function: String,
        _ input: String = "{}",
        by peer: Peer,
        with propagation: Propagation = Propagation()
    ) throws -> FunctionResult {
        let effects = try settle(.call(peer, function, input, with: propagation))
        return try #require(effects.compactMap(\.answer).last, "\(function) was not answered")
    }

    func value(of function: String, _ input: String = "{}", by peer: Peer) throws -> JSONText {
        let result = try result(of: function, input, by: peer)
        guard case .value(let bytes) = result else {
            Issue.record("\(function) answers \(result.line)")
            return .null
        }
        return try JSONText(validating: bytes)
    }

    func failure(of function: String, _ input: String = "{}", by peer: Peer) throws -> ErrorBody {
        let result = try result(of: function, input, by: peer)
        guard case .failure(let error) = result else {
            Issue.record("\(function) does not fail but answers \(result.line)")
            return ErrorBody(code: "", message: "")
        }
        return error
    }
}

extension JSONText {
    /// The names of an object's members, sorted.
    var keys: [String] {
        guard case .object(let object) = value() else { return [] }
        return object.members.map(\.name).sorted()
    }
}

extension String {
    /// The lines as one.
    var joined: String { split(separator: "\n").joined() }
}

extension Lab {
    /// What the log has.
    func recordedEvents() throws -> [Event] {
        var events: [Event] = []
        var reader = LogReader(SimulatedStorage(disk))
        _ = try reader.read { record throws(DecodeError) in
            if let event = try Event(record) { events.append(event) }
        }
        return events
    }
}
