import Primitives
package import RecordFormat

// What a snapshot holds of the state: every key with its version, and no value, which stays in the
// log. Scopes come in the order of their names, keys in the order in which they came:
//
//     ( 1 scope ( 1 key created version )* 0 )* 0
//
// `created` is counted from that of the key before, and `version` from `created`.

extension StateView {
    package func encode(into writer: inout SnapshotWriter) {
        var elements = StateElementWriter()
        for name in scopes.sortedNames {
            guard let scope = scopes[name] else { continue }
            for (key, entry) in scope.inOrder {
                elements.write(name, key, entry.created, entry.version, into: &writer)
            }
        }
        elements.finish(into: &writer)
    }

    /// Puts what ``encode(into:)`` wrote into a view of nothing.
    package mutating func decode(from reader: inout SnapshotReader) throws(DecodeError) {
        precondition(keyCount == 0)
        var elements = StateElementReader()
        while let name = try elements.scope(&reader) {
            var scope = Scope(changed: nil)
            guard scopes[name] == nil else {
                throw DecodeError(position: 0, expected: "another scope")
            }
            while let (key, created, version) = try elements.key(&reader) {
                guard scope.entries[key] == nil else {
                    throw DecodeError(position: 0, expected: "another key")
                }
                let entry = StateEntry(value: nil, version: version, created: created)
                scope.entries.change(key) { $0 = entry }
            }
            keyCount += scope.entries.count
            scopes.change(name) { $0 = scope }
        }
    }
}

/// Writes keys, scope by scope.
struct StateElementWriter {
    private var scope: Name?
    private var last: UInt64 = 0

    mutating func write(
        _ scope: Name,
        _ key: Name,
        _ created: Offset,
        _ version: Offset,
        into writer: inout SnapshotWriter
    ) {
        if scope != self.scope {
            if self.scope != nil { writer.write { $0.byte(0) } }
            writer.write {
                $0.byte(1)
                $0.text(scope.text)
            }
            self.scope = scope
            last = 0
        }
        let last = last
        writer.write {
            $0.byte(1)
            $0.text(key.text)
            $0.varint(created.rawValue - last)
            $0.varint(version.rawValue - created.rawValue)
        }
        self.last = created.rawValue
    }

    func finish(into writer: inout SnapshotWriter) {
        if scope != nil { writer.write { $0.byte(0) } }
        writer.write { $0.byte(0) }
    }
}

/// Reads what ``StateElementWriter`` wrote.
struct StateElementReader {
    private var last: Offset?

    /// The scope to come; nil: there is none.
    mutating func scope(_ reader: inout SnapshotReader) throws(DecodeError) -> Name? {
        last = nil
        return try reader.read { (bytes) throws(DecodeError) in
            try bytes.byte() == 0 ? nil : Name(try bytes.text())
        }
    }

    /// The next key of the scope; nil: there is none.
    mutating func key(
        _ reader: inout SnapshotReader
    ) throws(DecodeError) -> (Name, created: Offset, version: Offset)? {
        let last = last
        let key: (Name, created: Offset, version: Offset)? = try reader.read {
            (bytes) throws(DecodeError) in
            guard try bytes.byte() != 0 else { return nil }
            let name = Name(try bytes.text())
            let created = try bytes.offset(after: last ?? .zero)
            // One record makes one key.
            guard created != last else {
                throw DecodeError(position: bytes.position, expected: "another key's record")
            }
            return (name, created, try bytes.offset(after: created))
        }
        if let key { self.last = key.created }
        return key
    }
}
