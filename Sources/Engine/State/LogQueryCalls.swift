import Primitives
import State

/// A call that the log is read for, or that waits for a change.
struct LogQueryCall {
    let call: Call
    let connection: ConnectionID
    var question: Effect.LogQuery.Question
    /// Until when there need not be changes, on the monotonic clock.
    let deadline: UInt64
    /// What it is answered at its deadline; nil: the log is being read for it.
    var nothing: FunctionResult?
    /// A change that it waits for was made while the log was being read for it.
    var isOvertaken = false
}

/// The calls that ask the log, by the name of their reading.
///
/// Invariants:
/// * `byScope` has each that asks for changes under the scope that it asks for, and no other: a
///   write looks at those that it may concern.
struct LogQueryCalls {
    private var calls: [UInt64: LogQueryCall] = [:]
    private var byScope: [Scope: Set<UInt64>] = [:]

    private enum Scope: Hashable {
        case any
        case one(Name)
    }

    var count: Int { calls.count }
    var isEmpty: Bool { calls.isEmpty }
    /// All, in the order in which they asked.
    var names: [UInt64] { calls.keys.sorted() }

    subscript(name: UInt64) -> LogQueryCall? { calls[name] }

    mutating func add(_ asking: LogQueryCall, _ name: UInt64) {
        calls[name] = asking
        if let scope = Self.scope(of: asking) { byScope[scope, default: []].insert(name) }
    }

    /// Changes one that is there. What it asks for changes in no scope.
    mutating func update(_ name: UInt64, _ change: (inout LogQueryCall) -> Void) {
        guard var asking = calls[name] else { return }
        change(&asking)
        calls[name] = asking
    }

    @discardableResult
    mutating func remove(_ name: UInt64) -> LogQueryCall? {
        guard let asking = calls.removeValue(forKey: name) else { return nil }
        if let scope = Self.scope(of: asking) {
            byScope[scope]?.remove(name)
            if byScope[scope]?.isEmpty == true { byScope[scope] = nil }
        }
        return asking
    }

    /// Those that a write in `scope` may concern, in the order in which they asked.
    func watching(_ scope: String) -> [UInt64] {
        guard !byScope.isEmpty else { return [] }
        let all = byScope[.any, default: []].union(byScope[.one(Name(scope)), default: []])
        return all.sorted()
    }

    private static func scope(of asking: LogQueryCall) -> Scope? {
        guard case .state(.changes(let changes)) = asking.question else { return nil }
        guard let scope = changes.scope else { return .any }
        return .one(Name(scope))
    }
}
