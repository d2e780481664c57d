import Disk
package import Primitives
package import RecordFormat

extension CommitLog where Store: ~Copyable {
    /// Calls `body` with the record at `offset`, wherever it is by now: being filled, on its way to
    /// the device, or on the medium, which is then read and waited for. The view is valid during
    /// the call.
    ///
    /// - Precondition: the record was staged in this log, or replayed from it.
    /// - Throws: ``LogError/damaged(_:)`` or ``LogError/storage(_:)`` for a record that cannot be
    ///   read any more. The log itself goes on.
    package mutating func record<Result>(
        at offset: Offset,
        _ body: (RecordView) -> Result
    ) throws(LogError) -> Result {
        precondition(offset < staged)
        if offset >= filling.base { return Self.find(offset, in: filling.reader, body) }
        if offset >= writing.base, offset < writing.end {
            return Self.find(offset, in: writing.reader, body)
        }
        return try fetcher.fetch(offset, &index, from: &device.store, body)
    }

    /// Where a pass over the files may begin that wants the records from `offset` on, once they are
    /// durable; nil where they begin in a sealed segment.
    package func entrance(to offset: Offset) -> ScanStart? {
        guard let entry = index.entry(for: offset), entry.segment == active.number else {
            return nil
        }
        return ScanStart(
            segment: entry.segment,
            salt: active.header.salt,
            base: entry.base,
            position: entry.position
        )
    }

    private static func find<Result>(
        _ offset: Offset,
        in reader: BatchReader,
        _ body: (RecordView) -> Result
    ) -> Result {
        var reader = reader
        while true {
            do throws(BatchReader.Failure) {
                guard let record = try reader.record() else { break }
                if record.offset == offset { return body(record) }
            } catch {
                preconditionFailure("a batch in memory changed: \(error)")
            }
        }
        preconditionFailure("record \(offset) is in no batch in memory")
    }
}
