package import Events
package import Primitives

/// The functions of the state worker.
package enum StateFunction: String, CaseIterable, Sendable {
    case set = "state::set"
    case get = "state::get"
    case delete = "state::delete"
    case list = "state::list"
    case listGroups = "state::list_groups"
    case update = "state::update"

    /// The code of errors that are the function's own, not those of reading its input.
    var errorCode: String {
        switch self {
        case .set: "SET_ERROR"
        case .get: "GET_ERROR"
        case .delete: "DELETE_ERROR"
        case .list: "LIST_ERROR"
        case .listGroups: "LIST_GROUPS_ERROR"
        case .update: "UPDATE_ERROR"
        }
    }
}

/// What a call of a state function leads to.
package struct StateDecision: Equatable, Sendable {
    /// To be logged, then applied; nil when nothing changes.
    package let event: StateEvent?
    package let reply: StateReply
    /// The youngest record that the answer depends on besides `event`: it must be durable before
    /// the answer leaves. Nil where there is none, and where `event`, being younger, covers it.
    package let after: Offset?

    package init(event: StateEvent?, reply: StateReply, after: Offset?) {
        self.event = event
        self.reply = reply
        self.after = after
    }
}

/// The caller's answer, or where the part of it is that is not in memory.
package enum StateReply: Equatable, Sendable {
    case ready(FunctionResult)
    /// The value that the record at `version` wrote.
    case value(version: Offset)
    /// That value, after the key was deleted.
    case deleted(oldVersion: Offset)
    /// That value as the one before `new`.
    case written(new: [UInt8], oldVersion: Offset)

    /// The record that has to be read; nil: none.
    package var missing: Offset? {
        switch self {
        case .ready: nil
        case .value(let version), .deleted(let version), .written(_, let version): version
        }
    }

    /// The answer, where `read` gives the value that is missing. What is done is done: the answer
    /// to a change tells of none before where that cannot be read.
    ///
    /// - Throws: what `read` threw, where the value is what was asked for.
    package func result(
        _ read: StateView.ReadValue
    ) throws(ErrorBody) -> FunctionResult {
        switch self {
        case .ready(let result): return result
        case .value(let version): return .value(try read(version))
        case .deleted(let version):
            do throws(ErrorBody) { return .value(try read(version)) } catch { return .none }
        case .written(let new, let version):
            let old: [UInt8]?
            var errors: [OperationError] = []
            do throws(ErrorBody) {
                old = try read(version)
            } catch {
                old = nil
                errors = [OperationError(index: 0, code: error.code, message: error.message)]
            }
            return .value(StateAnswer.written(old: old, new: new, errors: errors))
        }
    }
}
