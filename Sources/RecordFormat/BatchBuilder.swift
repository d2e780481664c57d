package import Primitives

/// The one batch that is being filled: records are encoded straight into the memory that the device
/// will read.
///
/// Invariants:
/// * Between two calls the memory holds whole records only, dense from `base`.
/// * Record times never decrease.
/// * After ``close(_:)`` the bytes are final until ``reset(base:)``.
package struct BatchBuilder: ~Copyable {
    private var memory: AlignedMemory
    private var used = Layout.batchHeader + Layout.bodyPrefix
    private var openingTime = Timestamp(nanoseconds: 0)
    private var previousTrace: TraceID?
    private let restingCapacity: Int
    /// The offset of the first record.
    package private(set) var base: Offset
    package private(set) var count = 0

    /// An empty batch. It begins with memory of `capacity` bytes, and shrinks to that after a spell
    /// of large batches.
    package init(base: Offset, capacity: Int = 256 << 10) {
        precondition(capacity >= Layout.page)
        self.base = base
        restingCapacity = capacity
        memory = AlignedMemory(capacity: capacity)
    }

    package var isEmpty: Bool { count == 0 }
    /// The offset that the next record gets.
    package var end: Offset { base.advanced(by: count) }
    /// Bytes of header and body so far, without padding.
    package var byteCount: Int { used }
    /// Bytes that the batch takes on the device as it stands.
    package var extent: Int { Layout.padded(used) }

    /// Encodes one record behind the others, in place. The payload may be asked for twice, when the
    /// first time shows that there is too little room. `time` is not before that of the record
    /// before, `cause` an earlier record, `limit` the most bytes that the payload may have.
    ///
    /// - Returns: the payload's bytes when they are more than `limit`; then nothing was added.
    package mutating func append(
        kind: UInt8,
        time: Timestamp,
        trace: TraceID?,
        cause: Offset?,
        limit: Int = .max,
        _ payload: (inout ByteWriter) -> Void
    ) -> Int? {
        let offset = end
        if count == 0 { openingTime = time }
        if memory.capacity - used < Layout.recordOverhead {
            memory.grow(to: used + Layout.recordOverhead, keeping: used)
        }
        let prefix = writePrefix(kind: kind, time: time, trace: trace, cause: cause, at: offset)
        let start = used + prefix
        var writer = ByteWriter(UnsafeMutableRawBufferPointer(rebasing: memory.bytes[start...]))
        payload(&writer)
        let length = writer.count
        guard length <= limit else { return length }
        if writer.overflowed {
            memory.grow(to: start + length, keeping: start)
            writer = ByteWriter(UnsafeMutableRawBufferPointer(rebasing: memory.bytes[start...]))
            payload(&writer)
            precondition(writer.count == length, "a payload must encode the same each time")
        }
        finish(length: prefix + length, offset: offset)
        previousTrace = trace
        return nil
    }

    /// Writes everything before the payload but length and checksum; returns its bytes.
    private func writePrefix(
        kind: UInt8,
        time: Timestamp,
        trace: TraceID?,
        cause: Offset?,
        at offset: Offset
    ) -> Int {
        let bytes = memory.bytes
        precondition(time >= openingTime, "times never go back")
        let elapsed = openingTime.distance(to: time).nanoseconds
        var flags = RecordFlags()
        var next = used + Layout.recordHeader
        var delta: UInt32 = 0
        if let short = UInt32(exactly: elapsed) {
            delta = short
        } else {
            flags.insert(.fullTime)
            bytes.storeBytes(of: time.nanoseconds.littleEndian, toByteOffset: next, as: Int64.self)
            next += 8
        }
        if let trace {
            flags.insert(.trace)
            if count > 0, trace == previousTrace {
                flags.insert(.sameTrace)
            } else {
                bytes.storeBytes(of: trace.high.bigEndian, toByteOffset: next, as: UInt64.self)
                bytes.storeBytes(of: trace.low.bigEndian, toByteOffset: next + 8, as: UInt64.self)
                next += 16
            }
        }
        if let cause {
            precondition(cause < offset, "a cause is an earlier record")
            flags.insert(.cause)
            var rest = offset.rawValue - cause.rawValue
            while rest >= 0x80 {
                bytes[next] = UInt8(truncatingIfNeeded: rest) | 0x80
                rest >>= 7
                next += 1
            }
            bytes[next] = UInt8(rest)
            next += 1
        }
        bytes[used + 8] = kind
        bytes[used + 9] = flags.rawValue
        bytes.storeBytes(of: 0, toByteOffset: used + 10, as: UInt16.self)
        bytes.storeBytes(of: delta.littleEndian, toByteOffset: used + 12, as: UInt32.self)
        return next - used
    }

    private mutating func finish(length: Int, offset: Offset) {
        let size = UInt32(length)
        let bytes = memory.bytes
        let rest = UnsafeRawBufferPointer(rebasing: bytes[used + 8..<used + length])
        let checksum = Checksum.record(
            offset: offset.rawValue,
            batchTime: openingTime.nanoseconds,
            length: size,
            rest: rest
        )
        bytes.storeBytes(of: size.littleEndian, toByteOffset: used, as: UInt32.self)
        bytes.storeBytes(of: checksum.littleEndian, toByteOffset: used + 4, as: UInt32.self)
        used += length
        count += 1
    }

    /// Reads what was appended; valid until the next change.
    package var reader: BatchReader {
        BatchReader(
            base: base,
            end: end,
            time: openingTime,
            body: UnsafeRawBufferPointer(rebasing: memory.bytes[Layout.batchHeader..<used])
        )
    }

    /// Takes the last record back: it does not fit what the batch has to fit. `byteCount` is what
    /// ``byteCount`` was before the record.
    package mutating func removeLast(backTo byteCount: Int) {
        precondition(count > 0)
        precondition(byteCount < used)
        used = byteCount
        count -= 1
        // Forgetting the trace costs 16 bytes once; remembering the wrong one would be a lie.
        previousTrace = nil
    }

    /// Writes the batch's time, pads it, counts its zero sectors and seals it with its checksums.
    ///
    /// - Parameters:
    ///   - header: kind, place, base and durable mark; the rest is filled in here.
    ///   - time: of a batch without records; one with records has that of its first.
    /// - Returns: the padded bytes. They stay where they are until the builder changes.
    package mutating func close(
        _ header: BatchHeader,
        time: Timestamp? = nil
    ) -> UnsafeRawBufferPointer {
        precondition(header.base == base)
        precondition(!isEmpty || time != nil)
        let bytes = memory.bytes
        let opening = isEmpty ? time ?? openingTime : openingTime
        bytes.storeBytes(
            of: opening.nanoseconds.littleEndian,
            toByteOffset: Layout.batchHeader,
            as: Int64.self
        )
        var header = header
        header.recordCount = UInt32(count)
        header.rawLength = UInt32(used - Layout.batchHeader)
        header.finish(bytes, bodyLength: used - Layout.batchHeader)
        return memory.prefix(extent)
    }

    /// Begins the next batch in the same memory.
    package mutating func reset(base: Offset) {
        if memory.capacity > 4 * restingCapacity, used < memory.capacity / 8 {
            memory.shrink(to: restingCapacity)
        }
        self.base = base
        used = Layout.batchHeader + Layout.bodyPrefix
        count = 0
        previousTrace = nil
    }
}
