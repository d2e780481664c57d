package import Events
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
    /// The keys that go by themselves, and when.
    var expiries = StateExpiries()
    package var maxValueBytes: Int?
    private var cache: ValueCache
    /// The scopes that have an index.
    var indexed = IndexedScopes()

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
    /// When those of its keys go that do so by themselves. Apart from the entries, which are many:
    /// most keys stay.
    var expiries: [Name: Timestamp] = [:]
    /// The youngest record that set or deleted one of its keys; nil: all were in a snapshot.
    var changed: Offset?
    /// Its keys in order; nil: nobody has asked for pages of it.
    var index: NameIndex?

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
        entry(at: StatePlace(scope: Name(scope), key: Name(key)))
    }

    /// When the key goes by itself; nil: never, or it is not there.
    package func expiry(scope: String, key: String) -> Timestamp? {
        expiry(at: StatePlace(scope: Name(scope), key: Name(key)))
    }

    /// The names of the scopes, in the order of their UTF-8.
    package var scopeNames: [String] { scopes.sortedNames.map(\.text) }

    /// The keys and values of a scope, in the order in which the keys came.
    package func entries(ofScope scope: String) -> [(key: String, entry: StateEntry)] {
        (scopes[Name(scope)]?.inOrder ?? []).map { ($0.key.text, $0.entry) }
    }
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
        if let time = event.expires { expiries.add(event, at: offset, time) }
        let place = StatePlace(scope: Name(event.scope), key: Name(event.key))
        let isKept = cache.admit(event.value.count)
        let (isNewScope, old) = scopes.change(place.scope) { scope in
            let isNewScope = scope == nil
            var changed = scope.take() ?? Scope()
            changed.changed = offset
            if event.expires != nil || !changed.expiries.isEmpty {
                changed.expiries[place.key] = event.expires
            }
            let old = changed.entries.change(place.key) { entry in
                let old = entry
                entry = StateEntry(
                    value: isKept ? event.value : nil,
                    version: offset,
                    created: old?.created ?? offset
                )
                return old
            }
            if old == nil { changed.index?.insert(place.key) }
            scope = changed
            return (isNewScope, old)
        }
        if isNewScope { groupsChanged = offset }
        if old == nil { keyCount += 1 }
        if let old, let value = old.value { cache.dropped(value.count, version: old.version) }
        if isKept { cache.kept(event.value.count, at: place, version: offset) }
        shrink()
        tidyExpiries()
    }

    private mutating func apply(_ event: StateDeleted, at offset: Offset) {
        let name = Name(event.scope)
        let (removed, emptied) = scopes.change(name) { scope in
            guard var changed = scope.take() else { return (nil as StateEntry?, false) }
            changed.changed = offset
            changed.expiries[Name(event.key)] = nil
            let removed = changed.entries.change(Name(event.key)) { $0.take() }
            changed.index?.remove(Name(event.key))
            let emptied = changed.entries.isEmpty
            if !emptied { scope = changed }
            return (removed, emptied)
        }
        if removed != nil { keyCount -= 1 }
        if let removed, let value = removed.value {
            cache.dropped(value.count, version: removed.version)
        }
        if emptied {
            groupsChanged = offset
            indexed.remove(name)
        }
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
            if freed > 0 { cache.evicted(freed) }
        }
        cache.tidy()
    }
}
