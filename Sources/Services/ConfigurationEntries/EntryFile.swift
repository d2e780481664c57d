package import Events
package import JSON
package import Primitives

/// What the file of an entry says, as the engine was told.
package struct EntryFile: Equatable, Sendable {
    package let id: String
    /// Of its bytes.
    package let hash: UInt64
    /// Nil: it says nothing that can be taken; the entry stays as it is.
    package let content: Content?

    package struct Content: Equatable, Sendable {
        /// Nil: as the entry has it.
        package var name: String?
        package var description: String?
        package var value: JSONText?
        package var metadata: JSONText?

        package init(
            name: String? = nil,
            description: String? = nil,
            value: JSONText? = nil,
            metadata: JSONText? = nil
        ) {
            self.name = name
            self.description = description
            self.value = value
            self.metadata = metadata
        }
    }

    package init(id: String, hash: UInt64, content: Content?) {
        self.id = id
        self.hash = hash
        self.content = content
    }
}

extension ConfigurationView {
    /// What an edited file leads to: the first event says that it was taken, one behind it what it
    /// changes.
    ///
    /// - Returns: empty: nothing is new.
    /// - Throws: why what it says cannot be; nothing changes then.
    package func decide(
        _ file: EntryFile,
        _ placeholders: Placeholders
    ) throws(ErrorBody) -> [ConfigurationEvent] {
        guard let content = file.content, fileHash(of: file.id) != file.hash else { return [] }
        let taken = ConfigurationEvent.fileTaken(
            ConfigurationFileTaken(id: file.id, hash: file.hash)
        )
        let old = self[file.id]
        let value = content.value ?? old?.value ?? .null
        if old == nil { try checkRoom() }
        let event = ConfigurationRegistered(
            id: file.id,
            name: content.name ?? old?.name ?? file.id,
            description: content.description ?? old?.description ?? "",
            schema: old?.schemaText?.bytes ?? [],
            metadata: (content.metadata ?? old?.metadata)?.bytes ?? [],
            value: content.value?.bytes ?? (old == nil ? JSONText.null.bytes : nil)
        )
        try Self.check(bytes: event.size(with: value), file.id)
        if let schema = old?.schema { try check(value, schema, file.id, placeholders) }
        guard let old else { return [taken, .registered(event)] }
        let isDescribedAlike =
            old.name == event.name && old.description == event.description
            && (old.metadata?.bytes ?? []) == event.metadata
        if !isDescribedAlike { return [taken, .registered(event)] }
        guard value != old.value else { return [taken] }
        return [taken, .set(ConfigurationSet(id: file.id, value: value.bytes))]
    }
}
