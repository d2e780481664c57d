import Primitives
package import RecordFormat

// What a snapshot holds of the state: every key with its version, and no value, which stays in the
// log. Scopes come in the order of their names, keys in the order in which they came:
//
//     ( 1 scope ( 1 key created version | 2 key created version expires )* 0 )* 0
//
// `created` is counted from that of the key before, and `version` from `created`.

extension StateView {
    package func encode(into writer: inout SnapshotWriter) {
        var elements = StateElementWriter()
        for name in scopes.sortedNames {
            guard let scope = scopes[name] else { continue }
            for (key, entry) in scope.inOrder {
                let element = StateElement(
                    key: key,
                    created: entry.created,
                    version: entry.version,
                    expires: scope.expiries[key]
                )
                elements.write(name, element, into: &writer)
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
            while let element = try elements.key(&reader) {
                let entry = StateEntry(
                    value: nil,
                    version: element.version,
                    created: element.created
                )
                let isNew = scope.entries.change(element.key) { known in
                    defer { known = entry }
                    return known == nil
                }
                guard isNew else { throw DecodeError(position: 0, expected: "another key") }
                guard let time = element.expires else { continue }
                scope.expiries[element.key] = time
                let place = StatePlace(scope: name, key: element.key)
                expiries.add(place, version: element.version, time)
            }
            keyCount += scope.entries.count
            scopes.change(name) { $0 = scope }
        }
    }
}

/// A key as a snapshot has it.
struct StateElement {
    let key: Name
    let created: Offset
    let version: Offset
    let expires: Timestamp?
}

/// Writes keys, scope by scope.
struct StateElementWriter {
    private var scope: Name?
    private var last: UInt64 = 0

    mutating func write(
        _ scope: Name,
        _ element: StateElement,
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
        let created = element.created.rawValue
        writer.write {
            $0.byte(element.expires == nil ? 1 : 2)
            $0.text(element.key.text)
            $0.varint(created - last)
            $0.varint(element.version.rawValue - created)
            if let time = element.expires { $0.i64(time.nanoseconds) }
        }
        self.last = created
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
    ) throws(DecodeError) -> StateElement? {
        let last = last
        let element: StateElement? = try reader.read { (bytes) throws(DecodeError) in
            let form = try bytes.byte()
            guard form != 0 else { return nil }
            let name = Name(try bytes.text())
            let created = try bytes.offset(after: last ?? .zero)
            // One record makes one key.
            guard created != last else {
                throw DecodeError(position: bytes.position, expected: "another key's record")
            }
            return StateElement(
                key: name,
                created: created,
                version: try bytes.offset(after: created),
                expires: form == 2 ? Timestamp(nanoseconds: try bytes.i64()) : nil
            )
        }
        if let element { self.last = element.created }
        return element
    }
}
