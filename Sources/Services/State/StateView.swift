package import Events
package import JSON
package import Primitives

/// The key-value state: for each scope the values of its keys, in the order in which the keys came.
///
/// A call is a decision and, where it writes, an event. Deciding reads only; applying the event is
/// what changes the view, live and in recovery alike.
///
/// Invariants:
/// * No scope is empty.
/// * `keyCount` is the number of keys in all scopes.
/// * No value is younger than its scope's `changed`.
package struct StateView: Sendable {
    private(set) var scopes = NameTable<Scope>()
    package private(set) var keyCount = 0
    /// The youngest record that made or emptied a scope.
    private var groupsChanged: Offset?
    private let maxValueBytes: Int?

    /// - Parameter maxValueBytes: the largest value that `state::set` takes, in bytes of compact
    ///   JSON; nil: what a record can hold.
    package init(maxValueBytes: Int? = nil) { self.maxValueBytes = maxValueBytes }

    package var scopeCount: Int { scopes.count }
}

/// The keys of one scope.
struct Scope: Sendable {
    var entries = NameTable<StateEntry>()
    /// The youngest record that set or deleted one of its keys.
    var changed: Offset

    /// The elements, in the order in which their keys came.
    var inOrder: [(key: Name, entry: StateEntry)] {
        var elements: [(key: Name, entry: StateEntry)] = []
        elements.reserveCapacity(entries.count)
        entries.forEach { elements.append(($0, $1)) }
        return elements.sorted { $0.entry.created < $1.entry.created }
    }
}

/// A value and where it comes from.
package struct StateEntry: Equatable, Sendable {
    /// Compact JSON.
    package let value: [UInt8]
    /// The record that wrote the value.
    package let version: Offset
    /// The record that made the key: its place among the keys of the scope.
    package let created: Offset
}

// MARK: Reading

extension StateView {
    package func entry(scope: String, key: String) -> StateEntry? {
        scopes[Name(scope)]?.entries[Name(key)]
    }

    /// The names of the scopes, in the order of their UTF-8.
    package var scopeNames: [String] { scopes.sortedNames.map(\.text) }

    /// The keys and values of a scope, in the order in which the keys came.
    package func entries(ofScope scope: String) -> [(key: String, entry: StateEntry)] {
        (scopes[Name(scope)]?.inOrder ?? []).map { ($0.key.text, $0.entry) }
    }
}

// MARK: Deciding: reads, refuses, changes nothing.

extension StateView {
    /// What a call of `function` with `input` does and answers.
    ///
    /// - Throws: `deserialization_error` when the input is not what the function takes, else the
    ///   function's own code. Nothing changes then.
    package func decide(
        _ function: StateFunction,
        input: JSONText
    ) throws(ErrorBody) -> StateDecision {
        let call = try StateCall(function, input: input)
        switch function {
        case .set: return try decideSet(call)
        case .get: return decideGet(try call.place())
        case .delete: return decideDelete(try call.place())
        case .list: return decideList(scope: try call.name("scope"))
        case .listGroups: return decideListGroups()
        case .update: return try decideUpdate(call)
        }
    }

    private func decideSet(_ call: StateCall) throws(ErrorBody) -> StateDecision {
        let place = try call.place()
        let value = try call.value().compacted().bytes
        if let maxValueBytes, value.count > maxValueBytes {
            throw ErrorBody(
                code: "VALUE_TOO_LARGE",
                message: "the value of \(place) is \(value.count) bytes of compact JSON; "
                    + "max_value_bytes is \(maxValueBytes)"
            )
        }
        return try write(value, to: place, call)
    }

    private func decideUpdate(_ call: StateCall) throws(ErrorBody) -> StateDecision {
        let place = try call.place()
        let operations = try call.operations()
        let stored = scopes[place.scope]?.entries[place.key]
        var document = UpdatedDocument(stored.map { JSONText(trusted: $0.value).value() })
        let errors = document.apply(operations)
        guard document.value.depth <= Limits.stateDepth else {
            throw call.failure(
                "the new value of \(place) would be nested \(document.value.depth) levels deep; "
                    + "at most \(Limits.stateDepth) are allowed"
            )
        }
        return try write(document.value.text.bytes, to: place, call, errors: errors)
    }

    private func write(
        _ value: [UInt8],
        to place: StatePlace,
        _ call: StateCall,
        errors: [OperationError] = []
    ) throws(ErrorBody) -> StateDecision {
        guard value.count <= Limits.stateValueBytes else {
            throw call.failure(
                "the new value of \(place) would be \(value.count) bytes of compact JSON; "
                    + "a record holds at most \(Limits.stateValueBytes)"
            )
        }
        let old = scopes[place.scope]?.entries[place.key]?.value
        let event = StateSet(
            scope: place.scope.text,
            key: place.key.text,
            value: value,
            function: call.function.rawValue
        )
        let answer = StateAnswer.written(old: old, new: value, errors: errors)
        return StateDecision(event: .set(event), result: .value(answer), after: nil)
    }

    private func decideGet(_ place: StatePlace) -> StateDecision {
        guard let entry = scopes[place.scope]?.entries[place.key] else { return absent(place) }
        return StateDecision(event: nil, result: .value(entry.value), after: entry.version)
    }

    private func decideDelete(_ place: StatePlace) -> StateDecision {
        guard let entry = scopes[place.scope]?.entries[place.key] else { return absent(place) }
        let event = StateDeleted(scope: place.scope.text, key: place.key.text)
        return StateDecision(event: .deleted(event), result: .value(entry.value), after: nil)
    }

    private func absent(_ place: StatePlace) -> StateDecision {
        StateDecision(event: nil, result: .none, after: changed(place.scope))
    }

    private func decideList(scope: Name) -> StateDecision {
        let values = scopes[scope]?.inOrder.map(\.entry.value) ?? []
        let result = FunctionResult.value(StateAnswer.list(values))
        return StateDecision(event: nil, result: result, after: changed(scope))
    }

    private func decideListGroups() -> StateDecision {
        let result = FunctionResult.value(StateAnswer.groups(scopes.sortedNames))
        return StateDecision(event: nil, result: result, after: groupsChanged)
    }

    /// The youngest record that has touched a scope, or may have emptied it.
    private func changed(_ scope: Name) -> Offset? { scopes[scope]?.changed ?? groupsChanged }
}

// MARK: Applying: changes, cannot refuse.

extension StateView {
    /// Folds one event in. `offset` is later than that of every event before.
    package mutating func apply(_ event: StateEvent, at offset: Offset) {
        switch event {
        case .set(let set): apply(set, at: offset)
        case .deleted(let deleted): apply(deleted, at: offset)
        }
    }

    private mutating func apply(_ event: StateSet, at offset: Offset) {
        let (isNewScope, isNewKey) = scopes.change(Name(event.scope)) { scope in
            let isNewScope = scope == nil
            var changed = scope.take() ?? Scope(changed: offset)
            changed.changed = offset
            let isNewKey = changed.entries.change(Name(event.key)) { entry in
                let old = entry
                entry = StateEntry(
                    value: event.value,
                    version: offset,
                    created: old?.created ?? offset
                )
                return old == nil
            }
            scope = changed
            return (isNewScope, isNewKey)
        }
        if isNewScope { groupsChanged = offset }
        if isNewKey { keyCount += 1 }
    }

    private mutating func apply(_ event: StateDeleted, at offset: Offset) {
        let (removed, emptied) = scopes.change(Name(event.scope)) { scope in
            guard var changed = scope.take() else { return (false, false) }
            changed.changed = offset
            let removed = changed.entries.change(Name(event.key)) { $0.take() != nil }
            let emptied = changed.entries.isEmpty
            if !emptied { scope = changed }
            return (removed, emptied)
        }
        if removed { keyCount -= 1 }
        if emptied { groupsChanged = offset }
    }
}
