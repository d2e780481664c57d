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

    /// Whether a call may change the state.
    package var writes: Bool {
        switch self {
        case .set, .delete, .update: true
        case .get, .list, .listGroups: false
        }
    }

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
    /// What it does, in order: each to be logged, then applied, all in one batch.
    package let changes: [StateChange]
    package let reply: StateReply
    /// The youngest record that the answer depends on besides `changes`: it must be durable
    /// before the answer leaves. Nil where there is none, and where they, being younger, cover it.
    package let after: Offset?

    package init(_ changes: StateChange..., reply: StateReply, after: Offset?) {
        self.changes = changes
        self.reply = reply
        self.after = after
    }
}

/// What a call does to one key.
package struct StateChange: Equatable, Sendable {
    package let scope: String
    package let key: String
    /// Nil: there is nothing to delete. No record tells of it, but triggers are told.
    package let event: StateEvent?

    init(_ event: StateEvent) {
        switch event {
        case .set(let set): (scope, key) = (set.scope, set.key)
        case .deleted(let deleted): (scope, key) = (deleted.scope, deleted.key)
        }
        self.event = event
    }

    init(deletingNothingAt place: StatePlace) {
        scope = place.scope.text
        key = place.key.text
        event = nil
    }

    /// JSON; nil: there is no value any more.
    package var new: [UInt8]? { if case .set(let set) = event { set.value } else { nil } }
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
