package import Primitives

/// Walks the records of one batch body, checking each against its own checksum.
package struct BatchReader {
    private let body: UnsafeRawBufferPointer
    private var position = Layout.bodyPrefix
    private var previousTrace: TraceID?
    /// When the batch was begun.
    package let time: Timestamp
    /// The offset of the record to come.
    package private(set) var next: Offset
    private let end: Offset

    /// Reads the `header.bodyLength` bytes that follow the header. Nil when they are too few to be
    /// a body.
    package init?(_ header: BatchHeader, body: UnsafeRawBufferPointer) {
        precondition(body.count == Int(header.bodyLength))
        guard body.count >= Layout.bodyPrefix else { return nil }
        self.body = body
        next = header.base
        end = header.end
        time = Timestamp(
            nanoseconds: Int64(littleEndian: body.loadUnaligned(as: Int64.self))
        )
    }

    /// Reads a batch that is still in its builder's memory.
    init(base: Offset, end: Offset, time: Timestamp, body: UnsafeRawBufferPointer) {
        self.body = body
        next = base
        self.end = end
        self.time = time
    }

    /// Why a record cannot be served.
    package enum Failure: Error, Equatable, Sendable {
        /// The record's bytes are not what was written; the one behind it can still be found.
        case checksum
        /// Where the record ends cannot be told: it and all behind it in the batch are lost.
        case structure
    }

    /// The next record; nil behind the last one.
    ///
    /// After ``Failure/checksum`` the next call goes on with the record behind. A record that
    /// shares the trace id of a damaged one is served without a trace.
    package mutating func record() throws(Failure) -> RecordView? {
        guard next < end else {
            guard position == body.count else { throw .structure }
            return nil
        }
        let size = try sizeOfNext()
        let stored = body.loadUnaligned(fromByteOffset: position + 4, as: UInt32.self)
        let limits = position + 8..<position + size
        let rest = UnsafeRawBufferPointer(rebasing: body[limits])
        let offset = next
        position += size
        next = next.advanced(by: 1)
        let actual = Checksum.record(
            offset: offset.rawValue,
            batchTime: time.nanoseconds,
            length: UInt32(size),
            rest: rest
        )
        guard actual == UInt32(littleEndian: stored) else {
            previousTrace = nil
            throw .checksum
        }
        do throws(DecodeError) {
            return try decode(rest, offset: offset)
        } catch {
            previousTrace = nil
            throw .checksum
        }
    }

    /// Goes on at `offset`, a record to come of this batch. What lies before it is not checked, but
    /// for the record whose trace id it may share.
    ///
    /// - Throws: ``Failure/structure`` where a record on the way has no sensible length.
    package mutating func skip(to offset: Offset) throws(Failure) {
        precondition(next <= offset && offset < end)
        /// This batch before the record that the trace id is from.
        var traced: BatchReader?
        while next < offset {
            let size = try sizeOfNext()
            let flags = RecordFlags(rawValue: body[position + Layout.recordFlags])
            if !flags.contains(.sameTrace) {
                traced = flags.contains(.trace) ? self : nil
                previousTrace = nil
            }
            position += size
            next = next.advanced(by: 1)
        }
        if traced != nil { previousTrace = try? traced?.record()?.trace }
    }

    private func sizeOfNext() throws(Failure) -> Int {
        guard body.count - position >= Layout.recordHeader else { throw .structure }
        let stated = body.loadUnaligned(fromByteOffset: position, as: UInt32.self)
        let size = UInt32(littleEndian: stated)
        guard size >= Layout.recordHeader, Int(size) <= body.count - position else {
            throw .structure
        }
        return Int(size)
    }

    private mutating func decode(
        _ rest: UnsafeRawBufferPointer,
        offset: Offset
    ) throws(DecodeError) -> RecordView {
        var reader = ByteReader(rest)
        let kind = try reader.byte()
        let flags = RecordFlags(rawValue: try reader.byte())
        guard flags.isSubset(of: .known) else { throw DecodeError(position: 1, expected: "flags") }
        _ = try reader.u16()
        let delta = try reader.u32()
        let time =
            flags.contains(.fullTime)
            ? Timestamp(nanoseconds: try reader.i64())
            : time.advanced(by: .init(nanoseconds: Int64(delta)))
        var trace: TraceID?
        if flags.contains(.sameTrace) {
            trace = previousTrace
        } else if flags.contains(.trace) {
            let high = try reader.u64().byteSwapped
            trace = TraceID(high: high, low: try reader.u64().byteSwapped)
        }
        previousTrace = trace
        var cause: Offset?
        if flags.contains(.cause) {
            let distance = try reader.varint()
            guard distance > 0, distance <= offset.rawValue else {
                throw DecodeError(position: reader.position, expected: "an earlier record")
            }
            cause = Offset(offset.rawValue - distance)
        }
        return RecordView(
            offset: offset,
            time: time,
            trace: trace,
            cause: cause,
            kind: kind,
            payload: UnsafeRawBufferPointer(rebasing: rest[reader.position...])
        )
    }
}
