package import Events
package import Primitives
package import RecordFormat
package import State

/// The items of streams: for each group of each stream the values of its items, in the order in
/// which they came.
///
/// They behave as values of the state do, and are kept by the same view: a group is a scope of it,
/// an item a key. What is added is which groups a stream has.
///
/// Invariant: a group is in `streams` exactly while it has an item.
package struct StreamView: Sendable {
    package private(set) var items: StateView
    private var streams = NameTable<Set<Name>>()

    /// - Parameter cacheBytes: what the values that are kept in memory may take.
    package init(cacheBytes: Int = .max) {
        items = StateView(cacheBytes: cacheBytes)
    }

    package var itemCount: Int { items.keyCount }

    package func entry(of item: String, in group: StreamGroup) -> StateEntry? {
        items.entry(scope: group.scope, key: item)
    }

    /// The items of a group, in the order in which they came.
    package func entries(of group: StreamGroup) -> [(key: String, entry: StateEntry)] {
        items.entries(ofScope: group.scope)
    }

    /// The names of all streams that have an item, in the order of their UTF-8.
    package var streamNames: [String] { streams.sortedNames.map(\.text) }

    /// How many streams have an item.
    package var streamCount: Int { streams.count }

    /// The streams with the most groups, of equals the first by name, and how many they have.
    package func largest(_ count: Int) -> [(name: String, groups: Int)] {
        var top = TopK<(name: Name, groups: Int)>(count) {
            ($1.groups, $0.name) < ($0.groups, $1.name)
        }
        streams.forEach { name, groups in top.add((name, groups.count)) }
        return top.sorted.map { ($0.name.text, $0.groups) }
    }

    package func groupCount(of stream: String) -> Int { streams[Name(stream)]?.count ?? 0 }

    /// The names of a stream's groups, in the order of their UTF-8.
    package func groupNames(of stream: String) -> [String] {
        (streams[Name(stream)] ?? []).sorted().map(\.text)
    }

    // MARK: Applying: changes, cannot refuse.

    /// Folds one event in. `offset` is later than that of every event before.
    package mutating func apply(_ event: StreamEvent, at offset: Offset) {
        guard let item = event.asItem else { return }
        let before = items.scopeCount
        items.apply(item, at: offset)
        switch event {
        case .set(let set) where items.scopeCount > before:
            streams.change(Name(set.stream)) { $0 = ($0 ?? []).union([Name(set.group)]) }
        case .deleted(let deleted) where items.scopeCount < before:
            streams.change(Name(deleted.stream)) { groups in
                groups?.remove(Name(deleted.group))
                if groups?.isEmpty == true { groups = nil }
            }
        default: break
        }
    }

    /// Keeps the value that the record at `version` wrote, and that had to be read, in memory.
    package mutating func keep(_ set: StreamSet, version: Offset) {
        items.keep(set.asItem, version: version)
    }

    // MARK: What is kept

    /// A hash of the content: equal for equal contents, in every process.
    package func digest() -> UInt64 { items.digest() }

    /// Whether the record of `event` at `offset` has to be kept so that folding what is kept makes
    /// the same items as folding all.
    package func needs(_ event: StreamEvent, at offset: Offset) -> Bool {
        event.asItem.map { items.needs($0, at: offset) } ?? false
    }

    package func encode(into writer: inout SnapshotWriter) { items.encode(into: &writer) }

    /// Puts what ``encode(into:)`` wrote into a view of nothing.
    package mutating func decode(from reader: inout SnapshotReader) throws(DecodeError) {
        try items.decode(from: &reader)
        for scope in items.scopeNames {
            guard let group = StreamGroup(scope: scope) else {
                throw DecodeError(position: 0, expected: "a group of a stream")
            }
            streams.change(Name(group.stream)) { $0 = ($0 ?? []).union([Name(group.group)]) }
        }
    }
}

extension StreamEvent {
    /// What it does to the items; nil: nothing.
    package var asItem: StateEvent? {
        switch self {
        case .set(let set): .set(set.asItem)
        case .deleted(let deleted):
            .deleted(
                StateDeleted(
                    scope: StreamGroup(stream: deleted.stream, group: deleted.group).scope,
                    key: deleted.item
                )
            )
        case .sent, .relayed: nil
        }
    }
}

extension StreamSet {
    /// As the view of items has it.
    fileprivate var asItem: StateSet {
        StateSet(
            scope: StreamGroup(stream: stream, group: group).scope,
            key: item,
            value: value,
            function: function
        )
    }
}
