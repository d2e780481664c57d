package import Events
package import JSON
package import Primitives

/// The entries of the configuration: what each is for, what it may be, and what it is (services 1,
/// E.2). All of it is in memory: entries are few, and small.
///
/// Invariants:
/// * A value is as it was written; what its placeholders stand for is looked up when it is read.
/// * `files` has what was last taken from each file, also where the entry has gone since.
package struct ConfigurationView {
    package struct Entry: Sendable {
        package internal(set) var name = ""
        package internal(set) var description = ""
        /// Nil: nobody has registered it, a file only tells of its value.
        package internal(set) var schemaText: JSONText?
        /// The same, as values are held against it.
        package internal(set) var schema: Schema?
        package internal(set) var metadata: JSONText?
        package internal(set) var value = JSONText.null
        /// The records that described it and wrote its value.
        var described: Offset?
        var written: Offset?

        mutating func take(schema bytes: [UInt8]) {
            schemaText = bytes.isEmpty ? nil : JSONText(trusted: bytes)
            // What is in the log is not judged again: that takes long, and is another version's.
            schema = schemaText.map { Schema(taken: $0) }
        }
    }

    struct File {
        let hash: UInt64
        let taken: Offset
    }

    var entries: [String: Entry] = [:]
    var files: [String: File] = [:]

    /// As many entries may there be.
    package static let entriesMax = 1024
    /// As large may all of an entry together be, in bytes.
    package static let entryBytesMax = 256 << 10

    package init() {}

    package var count: Int { entries.count }
    package var ids: [String] { entries.keys.sorted() }

    package subscript(id: String) -> Entry? { entries[id] }

    /// Of what was last taken from the file of an entry; nil: it has none.
    package func fileHash(of id: String) -> UInt64? { files[id]?.hash }

    /// The entries whose files were there when they were last looked at.
    package var filed: [String] { files.keys.sorted() }

    // MARK: Applying

    package mutating func apply(_ event: ConfigurationEvent, at offset: Offset) {
        switch event {
        case .registered(let event):
            var entry = entries[event.id] ?? Entry()
            entry.name = event.name
            entry.description = event.description
            entry.take(schema: event.schema)
            entry.metadata = event.metadata.isEmpty ? nil : JSONText(trusted: event.metadata)
            entry.described = offset
            if let value = event.value {
                entry.value = JSONText(trusted: value)
                entry.written = offset
            }
            entries[event.id] = entry
        case .set(let event):
            // Retention may have left this behind, and the description in front of it not.
            var entry = entries[event.id] ?? Entry()
            entry.value = JSONText(trusted: event.value)
            entry.written = offset
            entries[event.id] = entry
        case .deleted(let event):
            entries[event.id] = nil
            if event.reason == .fileGone { files[event.id] = nil }
        case .fileTaken(let event): files[event.id] = File(hash: event.hash, taken: offset)
        }
    }

    /// Whether the record of `event` at `offset` has to be kept (see `RecordNeeds`).
    package func needs(_ event: ConfigurationEvent, at offset: Offset) -> Bool {
        switch event {
        case .registered, .set:
            guard let entry = entries[event.id] else { return false }
            return entry.described == offset || entry.written == offset
        case .fileTaken: return files[event.id]?.taken == offset
        case .deleted: return false
        }
    }

    /// A hash of what there is: equal for equal contents, in every process.
    package func digest() -> UInt64 {
        var hash = ContentHash()
        hash.add(UInt64(entries.count))
        for (id, entry) in entries.sorted(by: { $0.key < $1.key }) {
            hash.add(id)
            hash.add(entry.name)
            hash.add(entry.description)
            hash.add(entry.schemaText?.bytes ?? [])
            hash.add(entry.metadata?.bytes ?? [])
            hash.add(entry.value.bytes)
            hash.add(entry.described.map { $0.rawValue + 1 } ?? 0)
            hash.add(entry.written.map { $0.rawValue + 1 } ?? 0)
        }
        hash.add(UInt64(files.count))
        for (id, file) in files.sorted(by: { $0.key < $1.key }) {
            hash.add(id)
            hash.add(file.hash)
            hash.add(file.taken.rawValue)
        }
        return hash.value
    }
}
