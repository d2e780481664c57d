import Events
import JSON
import Primitives
import State

extension StateTable {
    /// The keys that differ between two places, by scope and in the order of their names: added,
    /// changed or removed. One that was written anew, and is as it was, does not differ. Only those
    /// of `scope` where there is one, and that begin with `prefix`.
    ///
    /// Values are not kept while both states are folded: those that are to be shown are read back.
    package func difference(
        _ first: LogMoment,
        _ second: LogMoment,
        scope: String? = nil,
        prefix: String = ""
    ) throws(ToolError) -> AnswerRows {
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
        let writes = try writes(keys.flatMap(\.versions.all))
        return AnswerRows(
            keys.compactMap { $0.difference(writes) },
            [
                ("CHANGE", { $0.shown("change") }), ("SCOPE", { $0.shown("scope") }),
                ("KEY", { $0.shown("key") }), ("OLD", { $0.value("old", unless: "added") }),
                ("NEW", { $0.value("new", unless: "removed") }),
            ]
        )
    }

    /// The writes at these offsets: all of them.
    private func writes(_ offsets: [Offset]) throws(ToolError) -> [Offset: StateSet] {
        let records = try pass.records(at: offsets)
        var writes: [Offset: StateSet] = [:]
        for offset in offsets {
            guard case .state(.set(let set))? = records[offset]?.event else {
                // It was there a moment ago.
                throw StateLog.trimmed(try StateLog(pass).complete)
            }
            writes[offset] = set
        }
        return writes
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
        func difference(_ writes: [Offset: StateSet]) -> JSONText? {
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
            return json.finish()
        }
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
