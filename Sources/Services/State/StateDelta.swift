package import Events
package import Primitives
package import RecordFormat

/// What a part of the log does to the state, found without the state: memory is that of the keys
/// which the part touches, not of all. Put on top of a snapshot, it makes the next one.
package struct StateDelta: Sendable {
    private var scopes = NameTable<NameTable<Change>>()

    /// What became of a key.
    private struct Change: Sendable {
        /// The record of its last value; nil: it was deleted.
        var version: Offset?
        /// The record that made the key, where the part of the log did.
        var created: Offset
        /// When that goes by itself; nil: never.
        var expires: Timestamp?
        /// Whether a key of the snapshot lives on in it: it was never deleted since.
        var keepsPlace: Bool

        func element(_ key: Name, _ created: Offset, _ version: Offset) -> StateElement {
            StateElement(key: key, created: created, version: version, expires: expires)
        }
    }

    package init() {}

    /// Folds one event in.
    package mutating func apply(_ event: StateEvent, at offset: Offset) {
        switch event {
        case .set(let set):
            change(set.scope, set.key) { change in
                let isNew = change == nil || change?.version == nil
                let first = Change(version: nil, created: offset, keepsPlace: change == nil)
                if isNew { change = first }
                change?.version = offset
                change?.expires = set.expires
            }
        case .deleted(let deleted):
            change(deleted.scope, deleted.key) { change in
                change = Change(version: nil, created: offset, keepsPlace: false)
            }
        }
    }

    private mutating func change(
        _ scope: String,
        _ key: String,
        _ body: (inout Change?) -> Void
    ) {
        scopes.change(Name(scope)) { changes in
            var table = changes.take() ?? NameTable()
            table.change(Name(key), body)
            changes = table
        }
    }

    /// Writes the state that it makes of the one in `old`, which ends with it; both as
    /// ``StateView/encode(into:)`` writes. `kept` gets the records that
    /// the state needs: the version of every key, and what made it.
    ///
    /// - Throws: where `old` is not what was written.
    package consuming func merge(
        onto old: inout SnapshotReader,
        into writer: inout SnapshotWriter,
        kept: (Offset) -> Void
    ) throws(DecodeError) {
        var output = StateElementWriter()
        var input = StateElementReader()
        func put(_ scope: Name, _ element: StateElement) {
            output.write(scope, element, into: &writer)
            kept(element.version)
            kept(element.created)
        }
        var names = scopes.sortedNames[...]
        var oldName = try input.scope(&old)
        while let name = [oldName, names.first].compactMap({ $0 }).min() {
            var changes = NameTable<Change>()
            if name == names.first {
                changes = scopes.change(names.removeFirst()) { $0.take() } ?? changes
            }
            if name == oldName {
                while let element = try input.key(&old) {
                    guard let change = changes[element.key] else {
                        put(name, element)
                        continue
                    }
                    guard change.keepsPlace, let version = change.version else { continue }
                    put(name, change.element(element.key, element.created, version))
                    changes.change(element.key) { $0 = nil }
                }
                oldName = try input.scope(&old)
            }
            for (key, change, version) in Self.made(in: changes) {
                put(name, change.element(key, change.created, version))
            }
        }
        output.finish(into: &writer)
    }

    /// The keys that are there at the end and were not at the beginning, in the order in which they
    /// came.
    private static func made(in changes: NameTable<Change>) -> [(Name, Change, Offset)] {
        var made: [(Name, Change, Offset)] = []
        changes.forEach { key, change in
            if let version = change.version { made.append((key, change, version)) }
        }
        return made.sorted { $0.1.created < $1.1.created }
    }
}
