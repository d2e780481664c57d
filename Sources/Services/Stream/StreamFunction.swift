package import Events
package import Primitives
package import State

/// The functions of the stream worker.
package enum StreamFunction: String, CaseIterable, Sendable {
    case set = "stream::set"
    case get = "stream::get"
    case delete = "stream::delete"
    case update = "stream::update"
    case list = "stream::list"
    case entries = "stream::entries"
    case listGroups = "stream::list_groups"
    case listAll = "stream::list_all"
    case send = "stream::send"
    case presence = "stream::presence"

    /// Whether a call changes an item, or tells subscribers of something.
    package var writes: Bool {
        switch self {
        case .set, .delete, .update, .send: true
        case .get, .list, .entries, .listGroups, .listAll, .presence: false
        }
    }

    /// The code of errors that are the function's own, not those of reading its input.
    package var errorCode: String {
        switch self {
        case .set: "STREAM_SET_ERROR"
        case .get: "STREAM_GET_ERROR"
        case .delete: "STREAM_DELETE_ERROR"
        case .update: "STREAM_UPDATE_ERROR"
        case .list: "STREAM_GET_GROUP_ERROR"
        case .entries: "STREAM_ENTRIES_ERROR"
        case .listGroups: "STREAM_LIST_GROUPS_ERROR"
        case .listAll: "STREAM_LIST_ALL_ERROR"
        case .send: "STREAM_SEND_ERROR"
        case .presence: "STREAM_PRESENCE_ERROR"
        }
    }

    /// The id of the function that a worker registers to keep the items of `stream` itself; nil:
    /// nobody but the engine serves this one.
    package func custom(_ stream: String) -> FunctionName? {
        switch self {
        case .set, .get, .delete, .update, .list, .listGroups:
            FunctionName(id: "\(rawValue)(\(stream))")
        case .entries, .listAll, .send, .presence: nil
        }
    }
}

/// What a call of a stream function leads to.
package struct StreamDecision: Equatable, Sendable {
    /// To be logged, then applied; nil when nothing changes.
    package let event: StreamEvent?
    package let reply: StateReply
    /// The youngest record that the answer depends on besides `event`; nil where there is none, and
    /// where `event`, being younger, covers it.
    package let after: Offset?
}
