import Disk
import RecordFormat

extension CommitLog where Store: ~Copyable {
    /// Whether so many records, of so many bytes of payload in all, go into the batch being filled:
    /// they then survive together, or not at all, if nothing is flushed between them. An empty
    /// batch takes what one record may hold, less what each record has beside its payload.
    package func takes(records: Int, bytes: Int) -> Bool {
        filling.byteCount + bytes + records * Layout.recordOverhead <= options.batchExtentMax
    }
}
