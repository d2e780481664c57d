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
            var created: UInt64 = 0
            for _ in 0..<count {
                let key = Name(try reader.text())
                created &+= try reader.varint()
                let entry = StateEntry(
                    value: nil,
                    version: Offset(created &+ (try reader.varint())),
                    created: Offset(created)
                )
                scope.entries.change(key) { $0 = entry }
            }
            keyCount += scope.entries.count
            scopes.change(name) { $0 = scope }
        }
    }
}
