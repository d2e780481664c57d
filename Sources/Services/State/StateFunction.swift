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
    /// The caller's answer.
    package let result: FunctionResult
    /// The youngest record that the answer depends on besides `event`: it must be durable before
    /// the answer leaves. Nil where there is none, and where `event`, being younger, covers it.
    package let after: Offset?

    package init(event: StateEvent?, result: FunctionResult, after: Offset?) {
        self.event = event
        self.result = result
        self.after = after
    }
}
