import Disk
import RecordFormat

extension CommitLog where Store: ~Copyable {
    /// Whether the batch being filled is below its bound. Take no new work while it is not.
    package var hasRoom: Bool { filling.byteCount < options.batchBytes }

    /// Of the batch being filled, in bytes.
    package var unflushedBytes: Int { filling.byteCount }

    /// Whether so many records, of so many bytes of payload in all, go into the batch being filled:
    /// they then survive together, or not at all, if nothing is flushed between them. An empty
    /// batch takes what ``batchPayloadMax(records:)`` says.
    package func takes(records: Int, bytes: Int) -> Bool {
        filling.byteCount + bytes + records * Layout.recordOverhead <= options.batchExtentMax
    }

    /// How many bytes of payload so many records may have in all, to go into one batch.
    package func batchPayloadMax(records: Int) -> Int {
        let empty = Layout.batchHeader + Layout.bodyPrefix
        return options.batchExtentMax - empty - records * Layout.recordOverhead
    }
}
