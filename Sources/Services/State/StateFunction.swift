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
    case entries = "state::entries"
    case getMany = "state::get_many"
    case transact = "state::transact"
    case history = "state::history"
    case changes = "state::changes"

    /// Whether a call may change the state.
    package var writes: Bool {
        switch self {
        case .set, .delete, .update, .transact: true
        case .get, .list, .listGroups, .entries, .getMany, .history, .changes: false
        }
    }

    /// The members of its input that a function reads which passes over all others (services 1,
    /// 0.3); empty: it refuses others, or has no options.
    package var members: [String] {
        switch self {
        case .set:
            [
                "scope", "key", "value", "data", "if_revision", "with_revision", "ttl_ms",
                "expires_at",
            ]
        case .update:
            ["scope", "key", "ops", "if_revision", "with_revision", "ttl_ms", "expires_at"]
        case .delete: ["scope", "key", "if_revision", "with_revision"]
        case .get: ["scope", "key", "at", "with_revision"]
        case .list, .listGroups, .entries, .getMany, .transact, .history, .changes: []
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
        case .entries: "ENTRIES_ERROR"
        case .getMany: "GET_MANY_ERROR"
        case .transact: "TRANSACT_ERROR"
        case .history: "HISTORY_ERROR"
        case .changes: "CHANGES_ERROR"
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
    /// Members of the input that were passed over.
    package internal(set) var unknownMembers: [String] = []

    init(_ changes: StateChange..., reply: StateReply, after: Offset?) {
        self.init(changes, reply: reply, after: after)
    }

    init(_ changes: [StateChange], reply: StateReply, after: Offset?) {
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
    /// That value with its revision, and when it goes by itself.
    case revised(version: Offset, expires: Timestamp?)
    /// That value, after the key was deleted; with the deletion's revision where that is wanted.
    case deleted(oldVersion: Offset, revision: Offset?)
    /// That value as the one before `new`; with the revision of `new` where that was asked for.
    case written(new: [UInt8], oldVersion: Offset, revision: Offset?)
    /// To be answered by the log.
    case log(StateQuestion)

    /// The record that has to be read; nil: none.
    package var missing: Offset? {
        switch self {
        case .ready, .log: nil
        case .value(let version), .revised(let version, _), .deleted(let version, _),
            .written(_, let version, _):
            version
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
        case .revised(let version, let expires):
            return .value(StateAnswer.revised(try read(version), version.rawValue, expires))
        case .log:
            throw ErrorBody(
                code: "INVALID_ARGUMENTS",
                message: "what the log is asked for is answered to a worker that waits for it"
            )
        case .deleted(let version, let revision):
            let old: [UInt8]?
            do throws(ErrorBody) { old = try read(version) } catch { old = nil }
            if let revision { return .value(StateAnswer.deleted(old, revision)) }
            return old.map { .value($0) } ?? .none
        case .written(let new, let version, let revision):
            let old: [UInt8]?
            var errors: [OperationError] = []
            do throws(ErrorBody) {
                old = try read(version)
            } catch {
                old = nil
                errors = [OperationError(index: 0, code: error.code, message: error.message)]
            }
            return .value(
                StateAnswer.written(old: old, new: new, errors: errors, revision: revision)
            )
        }
    }
}
