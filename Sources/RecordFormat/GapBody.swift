package import Primitives

/// The body of a gap: no record, but how many offsets it stands for.
package struct GapBody: Equatable, Sendable {
    /// When it was written, or that of the record before it: times never go back.
    package let time: Timestamp
    /// The number of offsets that no record has any more.
    package let count: UInt64
    package let reason: Reason

    /// Why the records are not there.
    package enum Reason: UInt8, Sendable {
        /// They were damaged, and somebody accepted the loss.
        case lost = 0
        /// Retention removed them: no view needed them any more.
        case removed = 1
    }

    package init(time: Timestamp, count: UInt64, reason: Reason) {
        self.time = time
        self.count = count
        self.reason = reason
    }

    private static let byteCount = Layout.bodyPrefix + 9

    /// Reads a body; nil where it is none of a gap.
    package init?(_ body: UnsafeRawBufferPointer) {
        guard body.count == Self.byteCount else { return nil }
        time = Timestamp(nanoseconds: Int64(littleEndian: body.loadUnaligned(as: Int64.self)))
        count = UInt64(
            littleEndian: body.loadUnaligned(fromByteOffset: Layout.bodyPrefix, as: UInt64.self)
        )
        guard let reason = Reason(rawValue: body[Layout.bodyPrefix + 8]) else { return nil }
        self.reason = reason
    }

    /// The offset behind a gap from `base` on; nil where no log can be that long.
    package func end(from base: Offset) -> Offset? {
        let (end, overflows) = base.rawValue.addingReportingOverflow(count)
        return overflows || Offset(end) > .limit ? nil : Offset(end)
    }

    /// Fills the page that `memory` is with the whole batch; `header` says kind, place, base and
    /// durable mark.
    package func write(_ header: BatchHeader, to memory: UnsafeMutableRawBufferPointer) {
        precondition(header.kind == .gap)
        precondition(memory.count == Layout.page)
        memory.initializeMemory(as: UInt8.self, repeating: 0)
        let start = Layout.batchHeader
        memory.storeBytes(of: time.nanoseconds.littleEndian, toByteOffset: start, as: Int64.self)
        memory.storeBytes(
            of: count.littleEndian,
            toByteOffset: start + Layout.bodyPrefix,
            as: UInt64.self
        )
        memory[start + Layout.bodyPrefix + 8] = reason.rawValue
        let body = UnsafeRawBufferPointer(rebasing: memory[start..<start + Self.byteCount])
        var header = header
        header.bodyLength = UInt32(Self.byteCount)
        header.rawLength = header.bodyLength
        header.bodyChecksum = Checksum.crc32c(body)
        header.zeroSectors = UInt16(Layout.page / Layout.sector - 1)
        header.write(to: memory)
    }
}
