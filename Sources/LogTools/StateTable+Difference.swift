import Events
import JSON
import Primitives
import RecordFormat
import State

extension StateTable {
    /// Hands over the keys that differ between two places, by scope and in the order of their
    /// names: added, changed or removed. One that was written anew, and is as it was, does not
    /// differ. Only those of `scope` where there is one, and that begin with `prefix`.
    ///
    /// Values are not kept while both states are folded: they are read back, of so many keys at a
    /// time as have no more than `room` bytes of them.
    package func difference(
        _ first: LogMoment,
        _ second: LogMoment,
        scope: String? = nil,
        prefix: String = "",
        room: Int = 32 << 20,
        _ visit: (StateDifference) -> Void
    ) throws(ToolError) {
        var rest = try keys(first, second, scope, prefix)[...]
        while !rest.isEmpty {
            let (count, writes) = try load(rest.prefix(Self.pieceKeys), room)
            for key in rest.prefix(count) {
                for offset in key.versions.all where writes[offset] == nil {
                    // It was there a moment ago.
                    throw StateLog.trimmed(try StateLog(pass).complete)
                }
                if let difference = key.difference(writes) { visit(difference) }
            }
            rest = rest.dropFirst(count)
        }
    }

    /// A pass over the log is made for so many keys.
    private static let pieceKeys = 1 << 16

    /// The keys whose records differ.
    private func keys(
        _ first: LogMoment,
        _ second: LogMoment,
        _ scope: String?,
        _ prefix: String
    ) throws(ToolError) -> [Key] {
        let before = try fold(at: first, scope, keepsValues: false)
        let after = try fold(at: second, scope, keepsValues: false)
        var keys: [Key] = []
        for name in Set((before.scopeNames + after.scopeNames).map { Name($0) }).sorted() {
            var versions: [Name: Versions] = [:]
            for (key, entry) in before.entries(ofScope: name.text) where key.begins(prefix) {
                versions[Name(key), default: Versions()].old = entry.version
            }
            for (key, entry) in after.entries(ofScope: name.text) where key.begins(prefix) {
                versions[Name(key), default: Versions()].new = entry.version
            }
            for (key, pair) in versions.sorted(by: { $0.key < $1.key }) where pair.old != pair.new {
                keys.append(Key(scope: name.text, key: key.text, versions: pair))
            }
        }
        return keys
    }

    /// The writes of the first of `keys`: of how many there was room for, and at least of one.
    private func load(
        _ keys: ArraySlice<Key>,
        _ room: Int
    ) throws(ToolError) -> (count: Int, writes: [Offset: StateSet]) {
        var places: [Offset: Int] = [:]
        for (place, key) in keys.enumerated() {
            for offset in key.versions.all { places[offset] = place }
        }
        var count = keys.count
        var writes: [Offset: StateSet] = [:]
        guard let first = places.keys.min(), let last = places.keys.max() else {
            return (count, writes)
        }
        var used = 0
        try pass.read(from: first) { record in
            guard record.offset <= last else { return false }
            if let place = places[record.offset], place < count,
                case .state(.set(let set))? = try? Event(record)
            {
                writes[record.offset] = set
                used += set.value.count
                // The last ones wait for the next piece: rows come in order.
                while used > room, count > 1 {
                    count -= 1
                    for offset in keys[keys.startIndex + count].versions.all {
                        used -= writes.removeValue(forKey: offset)?.value.count ?? 0
                    }
                }
            }
            return record.offset < last
        }
        return (count, writes)
    }

    /// The records of a key's values at both places; nil: it was not there.
    private struct Versions {
        var old: Offset?
        var new: Offset?

        var all: [Offset] { [old, new].compactMap(\.self) }
    }

    private struct Key {
        let scope: String
        let key: String
        let versions: Versions

        /// Nil: there is none.
        func difference(_ writes: [Offset: StateSet]) -> StateDifference? {
            let old = versions.old.flatMap { writes[$0] }
            let new = versions.new.flatMap { writes[$0] }
            if old?.value == new?.value, old?.expires == new?.expires { return nil }
            var json = JSONBuilder()
            json.beginObject()
            json.key("scope")
            json.string(scope)
            json.key("key")
            json.string(key)
            json.key("change")
            json.string(old == nil ? "added" : new == nil ? "removed" : "changed")
            for (name, set, version) in [("old", old, versions.old), ("new", new, versions.new)] {
                json.key(name)
                if let set { json.raw(bytes: set.value) } else { json.null() }
                json.key("\(name)_revision")
                json.integer(version?.rawValue ?? 0)
                guard let expires = set?.expires else { continue }
                json.key("\(name)_expires_at")
                json.integer(expires.milliseconds)
            }
            json.endObject()
            return StateDifference(object: json.finish())
        }
    }
}

/// A key that differs between two places.
package struct StateDifference: Equatable, Sendable {
    package static let headings = ["CHANGE", "SCOPE", "KEY", "OLD", "NEW"]

    let object: JSONText

    /// For programs, on one line.
    package var json: String { object.description }

    /// For people, below ``headings``; of a long value the start.
    package var cells: [String] {
        [
            object.shown("change"), object.shown("scope"), object.shown("key"),
            object.value("old", unless: "added"), object.value("new", unless: "removed"),
        ]
    }
}

extension String {
    /// Names are compared by their bytes.
    fileprivate func begins(_ prefix: String) -> Bool { utf8.starts(with: prefix.utf8) }
}

extension JSONText {
    /// A value of the state; a dash where the change says that there was none.
    fileprivate func value(_ name: String, unless change: String) -> String {
        shown("change") == change ? "-" : payload(name)
    }
}
