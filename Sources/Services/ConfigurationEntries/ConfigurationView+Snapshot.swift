import Events
import JSON
import Primitives
package import RecordFormat

extension ConfigurationView {
    /// Writes down what there is. Equal views give equal bytes.
    package func encode(into writer: inout SnapshotWriter) {
        writer.write { $0.varint(UInt64(entries.count)) }
        for (id, entry) in entries.sorted(by: { $0.key < $1.key }) {
            writer.write {
                $0.text(id)
                $0.varint(entry.described.map { $0.rawValue + 1 } ?? 0)
                $0.varint(entry.written.map { $0.rawValue + 1 } ?? 0)
                $0.text(entry.name)
                $0.text(entry.description)
                $0.bytes(entry.schemaText?.bytes ?? [])
                $0.bytes(entry.metadata?.bytes ?? [])
                $0.bytes(entry.value.bytes)
            }
        }
        writer.write { $0.varint(UInt64(files.count)) }
        for (id, file) in files.sorted(by: { $0.key < $1.key }) {
            writer.write {
                $0.text(id)
                $0.u64(file.hash)
                $0.varint(file.taken.rawValue)
            }
        }
    }

    /// Reads what ``encode(into:)`` wrote.
    package init(from reader: inout ByteReader) throws(DecodeError) {
        self.init()
        for _ in 0..<(try reader.varint()) {
            let id = try reader.text()
            var entry = Entry()
            entry.described = try reader.offsetOrNone()
            entry.written = try reader.offsetOrNone()
            entry.name = try reader.text()
            entry.description = try reader.text()
            entry.take(schema: try reader.bytes())
            let metadata = try reader.bytes()
            entry.metadata = metadata.isEmpty ? nil : JSONText(trusted: metadata)
            entry.value = JSONText(trusted: try reader.bytes())
            entries[id] = entry
        }
        for _ in 0..<(try reader.varint()) {
            let id = try reader.text()
            let hash = try reader.u64()
            files[id] = File(hash: hash, taken: Offset(try reader.varint()))
        }
    }
}

extension ByteReader {
    /// 0, or one more than the offset.
    fileprivate mutating func offsetOrNone() throws(DecodeError) -> Offset? {
        let number = try varint()
        return number == 0 ? nil : Offset(number - 1)
    }
}
