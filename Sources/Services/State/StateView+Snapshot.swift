import Primitives
package import RecordFormat

// What a snapshot holds of the state: every key with its version, and no value, which stays in the
// log.

extension StateView {
    package func encode(into writer: inout SnapshotWriter) {
        writer.write {
            $0.byte(groupsChanged == nil ? 0 : 1)
            $0.varint(groupsChanged?.rawValue ?? 0)
            $0.varint(UInt64(scopes.count))
        }
        for name in scopes.sortedNames {
            guard let scope = scopes[name] else { continue }
            writer.write {
                $0.text(name.text)
                $0.varint(scope.changed.rawValue)
                $0.varint(UInt64(scope.entries.count))
            }
            var last: UInt64 = 0
            for (key, entry) in scope.inOrder {
                writer.write {
                    $0.text(key.text)
                    $0.varint(entry.created.rawValue - last)
                    $0.varint(entry.version.rawValue - entry.created.rawValue)
                }
                last = entry.created.rawValue
            }
        }
    }

    /// Puts what ``encode(into:)`` wrote into a view of nothing.
    package mutating func decode(from reader: inout ByteReader) throws(DecodeError) {
        precondition(keyCount == 0)
        let hasChanged = try reader.byte() != 0
        let changed = Offset(try reader.varint())
        groupsChanged = hasChanged ? changed : nil
        for _ in 0..<(try reader.varint()) {
            let name = Name(try reader.text())
            var scope = Scope(changed: Offset(try reader.varint()))
            let count = try reader.varint()
            var last: Offset?
            for _ in 0..<count {
                let key = Name(try reader.text())
                let created = try reader.offset(after: last ?? .zero)
                let version = try reader.offset(after: created)
                // One record makes one key.
                guard created != last, scope.entries[key] == nil else {
                    throw DecodeError(position: reader.position, expected: "another key")
                }
                let entry = StateEntry(value: nil, version: version, created: created)
                scope.entries.change(key) { $0 = entry }
                last = created
            }
            guard scopes[name] == nil else {
                throw DecodeError(position: reader.position, expected: "another scope")
            }
            keyCount += scope.entries.count
            scopes.change(name) { $0 = scope }
        }
    }
}
