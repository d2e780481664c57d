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
/// * No value that was not in a snapshot is younger than its scope's `changed`.
package struct StateView: Sendable {
    var scopes = NameTable<Scope>()
    package internal(set) var keyCount = 0
    /// The youngest record that made or emptied a scope, where none of that was in a snapshot: what
    /// a snapshot holds is durable.
    package internal(set) var groupsChanged: Offset?
    private let maxValueBytes: Int?
    private var cache: ValueCache

    /// - Parameters:
    ///   - maxValueBytes: the largest value that `state::set` takes, in bytes of compact JSON; nil:
    ///     what a record can hold.
    ///   - cacheBytes: what the values that are kept in memory may take; the others are in the log.
    package init(maxValueBytes: Int? = nil, cacheBytes: Int = .max) {
        self.maxValueBytes = maxValueBytes
        cache = ValueCache(bytes: cacheBytes)
    }

    package var scopeCount: Int { scopes.count }

    /// For tests: traps where an invariant of the cache does not hold.
    func checkCache() {
        var kept: [Int] = []
        scopes.forEach { _, scope in
            scope.entries.forEach { _, entry in
                if let value = entry.value { kept.append(value.count) }
            }
        }
        cache.checkInvariants(kept)
    }
}

/// The keys of one scope.
struct Scope: Sendable {
    var entries = NameTable<StateEntry>()
    /// The youngest record that set or deleted one of its keys; nil: all were in a snapshot.
    var changed: Offset?

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
    /// Compact JSON; nil where memory was short, and the record at ``version`` has it.
    package internal(set) var value: [UInt8]?
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
    /// Gives the value that the record at an offset wrote.
    ///
    /// - Throws: why it cannot be read any more.
    package typealias ReadValue = (Offset) throws(ErrorBody) -> [UInt8]

    /// What a call of `function` with `input` does and answers. Values that are not in memory are
    /// left for later where only the answer has them, else `read` is asked for them.
    ///
    /// - Throws: `deserialization_error` when the input is not what the function takes, what `read`
    ///   threw, else the function's own code. Nothing changes then.
    package func decide(
        _ function: StateFunction,
        input: JSONText,
        read: ReadValue
    ) throws(ErrorBody) -> StateDecision {
        let call = try StateCall(function, input: input)
        switch function {
        case .set: return try decideSet(call)
        case .get: return decideGet(try call.place())
        case .delete: return decideDelete(try call.place())
        case .list: return try decideList(scope: try call.name("scope"), read)
        case .listGroups: return decideListGroups()
        case .update: return try decideUpdate(call, read)
        }
    }

    private func value(of entry: StateEntry, _ read: ReadValue) throws(ErrorBody) -> [UInt8] {
        if let value = entry.value { return value }
        return try read(entry.version)
    }

    private func entry(at place: StatePlace) -> StateEntry? {
        scopes[place.scope]?.entries[place.key]
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
        let old = entry(at: place)
        if let old, old.value == nil {
            let reply = StateReply.written(new: value, oldVersion: old.version)
            return try write(value, reply, to: place, call)
        }
        let answer = StateAnswer.written(old: old?.value, new: value, errors: [])
        return try write(value, .ready(.value(answer)), to: place, call)
    }

    private func decideUpdate(
        _ call: StateCall,
        _ read: ReadValue
    ) throws(ErrorBody) -> StateDecision {
        let place = try call.place()
        let operations = try call.operations()
        let stored: [UInt8]?
        if let entry = entry(at: place) {
            stored = try value(of: entry, read)
        } else {
            stored = nil
        }
        var document = UpdatedDocument(stored.map { JSONText(trusted: $0).value() })
        let errors = document.apply(operations)
        guard document.value.depth <= Limits.stateDepth else {
            throw call.failure(
                "the new value of \(place) would be nested \(document.value.depth) levels deep; "
                    + "at most \(Limits.stateDepth) are allowed"
            )
        }
        let value = document.value.text.bytes
        let answer = StateAnswer.written(old: stored, new: value, errors: errors)
        return try write(value, .ready(.value(answer)), to: place, call)
    }

    private func write(
        _ value: [UInt8],
        _ reply: StateReply,
        to place: StatePlace,
        _ call: StateCall
    ) throws(ErrorBody) -> StateDecision {
        guard value.count <= Limits.stateValueBytes else {
            throw call.failure(
                "the new value of \(place) would be \(value.count) bytes of compact JSON; "
                    + "a record holds at most \(Limits.stateValueBytes)"
            )
        }
        let event = StateSet(
            scope: place.scope.text,
            key: place.key.text,
            value: value,
            function: call.function.rawValue
        )
        return StateDecision(event: .set(event), reply: reply, after: nil)
    }

    private func decideGet(_ place: StatePlace) -> StateDecision {
        guard let entry = entry(at: place) else { return absent(place) }
        let reply = entry.value.map { StateReply.ready(.value($0)) }
        return StateDecision(
            event: nil,
            reply: reply ?? .value(version: entry.version),
            after: entry.version
        )
    }

    private func decideDelete(_ place: StatePlace) -> StateDecision {
        guard let entry = entry(at: place) else { return absent(place) }
        let event = StateDeleted(scope: place.scope.text, key: place.key.text)
        let reply = entry.value.map { StateReply.ready(.value($0)) }
        return StateDecision(
            event: .deleted(event),
            reply: reply ?? .deleted(oldVersion: entry.version),
            after: nil
        )
    }

    private func absent(_ place: StatePlace) -> StateDecision {
        StateDecision(event: nil, reply: .ready(.none), after: changed(place.scope))
    }

    private func decideList(
        scope: Name,
        _ read: ReadValue
    ) throws(ErrorBody) -> StateDecision {
        let entries = scopes[scope]?.inOrder.map(\.entry) ?? []
        var values = entries.map { $0.value ?? [] }
        // In the order of the log: what lies together is read together.
        let missing = entries.indices.filter { entries[$0].value == nil }
            .sorted { entries[$0].version < entries[$1].version }
        for index in missing { values[index] = try read(entries[index].version) }
        let result = FunctionResult.value(StateAnswer.list(values))
        return StateDecision(event: nil, reply: .ready(result), after: changed(scope))
    }

    private func decideListGroups() -> StateDecision {
        let result = FunctionResult.value(StateAnswer.groups(scopes.sortedNames))
        return StateDecision(event: nil, reply: .ready(result), after: groupsChanged)
    }

    /// The youngest record that has touched a scope, or may have emptied it; nil: it was durable
    /// when this process began.
    package func changed(scope: String) -> Offset? { changed(Name(scope)) }

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
        let place = StatePlace(scope: Name(event.scope), key: Name(event.key))
        let isKept = cache.admit(event.value.count)
        let (isNewScope, old) = scopes.change(place.scope) { scope in
            let isNewScope = scope == nil
            var changed = scope.take() ?? Scope(changed: offset)
            changed.changed = offset
            let old = changed.entries.change(place.key) { entry in
                let old = entry
                entry = StateEntry(
                    value: isKept ? event.value : nil,
                    version: offset,
                    created: old?.created ?? offset
                )
                return old
            }
            scope = changed
            return (isNewScope, old)
        }
        if isNewScope { groupsChanged = offset }
        if old == nil { keyCount += 1 }
        if let value = old?.value { cache.dropped(value.count) }
        if isKept { cache.kept(event.value.count, at: place, version: offset) }
        shrink()
    }

    private mutating func apply(_ event: StateDeleted, at offset: Offset) {
        let (removed, emptied) = scopes.change(Name(event.scope)) { scope in
            guard var changed = scope.take() else { return (nil as StateEntry?, false) }
            changed.changed = offset
            let removed = changed.entries.change(Name(event.key)) { $0.take() }
            let emptied = changed.entries.isEmpty
            if !emptied { scope = changed }
            return (removed, emptied)
        }
        if removed != nil { keyCount -= 1 }
        if let value = removed?.value { cache.dropped(value.count) }
        if emptied { groupsChanged = offset }
    }

    /// Keeps the value that the record at `version` wrote, and that had to be read, in memory: it
    /// is likely to be asked for again. Content does not change.
    package mutating func keep(_ set: StateSet, version: Offset) {
        guard cache.admit(set.value.count) else { return }
        let place = StatePlace(scope: Name(set.scope), key: Name(set.key))
        let isKept = scopes.change(place.scope) { scope in
            scope?.entries.change(place.key) { entry in
                guard entry?.version == version, entry?.value == nil else { return false }
                entry?.value = set.value
                return true
            } ?? false
        }
        guard isKept else { return }
        cache.kept(set.value.count, at: place, version: version)
        shrink()
    }

    /// Lets the oldest values go until the rest fits.
    private mutating func shrink() {
        while cache.isOverfull, let (place, version) = cache.oldest() {
            let freed = scopes.change(place.scope) { scope in
                scope?.entries.change(place.key) { entry -> Int in
                    guard entry?.version == version, let value = entry?.value else { return 0 }
                    entry?.value = nil
                    return value.count
                } ?? 0
            }
            if freed > 0 { cache.dropped(freed) }
        }
        let scopes = scopes
        cache.tidy { place, version in
            let entry = scopes[place.scope]?.entries[place.key]
            return entry?.version == version && entry?.value != nil
        }
    }
}
