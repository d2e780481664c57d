package import Primitives
package import RecordFormat

/// What was handed to the device, record by record, and what of it must be there after a crash: the
/// oracle of the log. It reads batches by itself, on their way to the disk.
package struct LogWitness {
    /// A hash of every record handed over, by offset.
    private var submitted: [UInt64] = []
    /// Offsets at which a batch ended.
    private var ends: Set<Int> = [0]
    /// Below it, every record was promised or shown to somebody.
    package private(set) var promised = 0

    package init() {}

    /// Takes note of a batch; nil: it goes on where the one before ended.
    mutating func see(_ batch: BatchHeader, _ bytes: UnsafeRawBufferPointer) -> String? {
        guard batch.base.rawValue == UInt64(submitted.count) else {
            return "a batch at offset \(batch.base) behind \(submitted.count) records"
        }
        guard batch.recordCount > 0 else { return nil }
        let end = Layout.batchHeader + Int(batch.bodyLength)
        let body = UnsafeRawBufferPointer(rebasing: bytes[Layout.batchHeader..<end])
        guard var reader = BatchReader(batch, body: body) else { return "a batch without a body" }
        do throws(BatchReader.Failure) {
            while let record = try reader.record() { submitted.append(Self.hash(of: record)) }
        } catch {
            return "a batch that cannot be read: \(error)"
        }
        ends.insert(submitted.count)
        return nil
    }

    /// The log says that every record below `durable` is on the medium.
    package mutating func promise(_ durable: Offset) {
        promised = max(promised, Int(durable.rawValue))
    }

    /// Compares what was recovered, as hashes in order. From then on it is promised: what was
    /// served once must survive the next power cut, acknowledged or not.
    ///
    /// - Parameters:
    ///   - recovered: a hash of every record, from the first on.
    ///   - mayLose: whether promises may be broken, since the device lied.
    /// - Returns: nil when it is right, else what is wrong.
    package mutating func judge(_ recovered: [UInt64], mayLose: Bool = false) -> String? {
        if recovered.count < promised, !mayLose {
            return "lost: \(promised) records promised, \(recovered.count) recovered"
        }
        if recovered.count > submitted.count {
            return "invented: \(submitted.count) records submitted, \(recovered.count) recovered"
        }
        for (offset, hash) in recovered.enumerated() where hash != submitted[offset] {
            return "record \(offset) is not what was submitted"
        }
        guard ends.contains(recovered.count) else {
            return "half a batch: \(recovered.count) records recovered"
        }
        submitted.removeLast(submitted.count - recovered.count)
        ends = ends.filter { $0 <= recovered.count }
        promised = recovered.count
        return nil
    }

    package static func hash(of record: RecordView) -> UInt64 {
        var hash = ContentHash()
        hash.add(UInt64(Checksum.crc32c(record.payload)) << 32 | UInt64(record.payload.count))
        hash.add(record.kind)
        hash.add(UInt64(bitPattern: record.time.nanoseconds))
        hash.add((record.trace?.high ?? 0) ^ (record.trace?.low ?? 0))
        hash.add(record.cause?.rawValue ?? .max)
        return hash.value
    }
}
