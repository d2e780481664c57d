import Primitives
import RecordFormat

extension FuzzTarget {
    static let batches = [
        FuzzTarget("batch-header", batchHeader),
        FuzzTarget("batch-body", batchBody),
        FuzzTarget("compressed-body", compressedBody),
        FuzzTarget("gap-body", gapBody),
    ]

    /// Puts the checksum of a batch header right.
    static func sealHeader(_ header: UnsafeMutableRawBufferPointer) {
        let covered = UnsafeRawBufferPointer(rebasing: header[8..<Layout.batchHeader])
        header.storeBytes(
            of: Checksum.crc32c(covered).littleEndian,
            toByteOffset: 4,
            as: UInt32.self
        )
    }

    private static func batchHeader(_ bytes: UnsafeRawBufferPointer) -> String? {
        let memory = AlignedMemory(capacity: Layout.page)
        memory.bytes.initializeMemory(as: UInt8.self, repeating: 0)
        memory.bytes.copyBytes(from: bytes.prefix(Layout.batchHeader))
        sealHeader(memory.bytes)
        guard case .header(let header) = BatchHeader.read(memory.prefix(Layout.sector)) else {
            return nil
        }
        guard header.end >= header.base, header.extent >= Layout.page else {
            return "\(header) ends before it begins"
        }
        memory.bytes.initializeMemory(as: UInt8.self, repeating: 0)
        header.write(to: memory.bytes)
        let again = BatchHeader.read(memory.prefix(Layout.sector))
        return again == .header(header) ? nil : "\(header) is read again as \(again)"
    }

    /// One byte: how many records; eight: the first offset; then the body.
    private static func batchBody(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard let count = bytes.first else { return nil }
        let base = Offset(number(dropping(1, of: bytes)) >> 1)
        let body = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(1, bytes.count - 9),
            alignment: 1
        )
        defer { body.deallocate() }
        body.initializeMemory(as: UInt8.self, repeating: 0)
        body.copyBytes(from: dropping(9, of: bytes))
        sealRecords(body, base: base)
        var header = BatchHeader(
            kind: .data,
            segment: 0,
            salt: 0,
            position: 0,
            base: base,
            durable: .zero
        )
        header.bodyLength = UInt32(body.count)
        header.rawLength = header.bodyLength
        header.recordCount = UInt32(count)
        guard let reader = BatchReader(header, body: UnsafeRawBufferPointer(body)) else {
            return nil
        }
        return rewrite(reader, base: base)
    }

    /// Four bytes: how long the body is once decompressed; then what is stored.
    private static func compressedBody(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard bytes.count >= 4 else { return nil }
        var header = BatchHeader(
            kind: .data,
            segment: 0,
            salt: 0,
            position: 0,
            base: .zero,
            durable: .zero
        )
        let stored = dropping(4, of: bytes)
        header.compression = .zstd
        header.bodyLength = UInt32(stored.count)
        header.rawLength = bytes.loadUnaligned(as: UInt32.self)
        header.bodyChecksum = Checksum.crc32c(stored)
        let batch = AlignedMemory(capacity: header.extent)
        header.write(to: batch.bytes)
        UnsafeMutableRawBufferPointer(rebasing: batch.bytes[Layout.batchHeader...])
            .copyBytes(from: stored)
        var bodies = BatchDecompressor()
        guard let body = bodies.body(of: header, in: batch.prefix(header.extent)) else {
            return nil
        }
        return body.count == Int(header.rawLength) ? nil : "\(body.count) bytes came of \(header)"
    }

    /// Puts the checksums of the records in a body right, as far as their lengths can be followed.
    static func sealRecords(_ body: UnsafeMutableRawBufferPointer, base: Offset) {
        guard body.count >= Layout.bodyPrefix else { return }
        let time = Int64(littleEndian: body.loadUnaligned(as: Int64.self))
        var position = Layout.bodyPrefix
        var offset = base.rawValue
        while position + Layout.recordHeader <= body.count {
            let stated = body.loadUnaligned(fromByteOffset: position, as: UInt32.self)
            let size = UInt32(littleEndian: stated)
            guard size >= Layout.recordHeader, Int(size) <= body.count - position else { return }
            let checksum = Checksum.record(
                offset: offset,
                batchTime: time,
                length: size,
                rest: UnsafeRawBufferPointer(rebasing: body[position + 8..<position + Int(size)])
            )
            body.storeBytes(
                of: checksum.littleEndian,
                toByteOffset: position + 4,
                as: UInt32.self
            )
            position += Int(size)
            offset &+= 1
        }
    }

    /// Writes every record that can be read into another batch, which must say the same.
    private static func rewrite(_ reader: BatchReader, base: Offset) -> String? {
        var reader = reader
        var builder: BatchBuilder?
        var seen: [(RecordView, payload: [UInt8])] = []
        var last = Timestamp(nanoseconds: .min)
        do throws(BatchReader.Failure) {
            while let record = try reader.record() {
                guard record.time >= last else { return nil }
                last = record.time
                if builder == nil { builder = BatchBuilder(base: record.offset) }
                _ = builder?.append(
                    kind: record.kind,
                    time: record.time,
                    trace: record.trace,
                    cause: record.cause
                ) { $0.raw(record.payload) }
                seen.append((record, [UInt8](record.payload)))
            }
        } catch {
            return nil
        }
        guard let written = builder.take() else { return nil }
        var again = written.reader
        for (record, payload) in seen {
            guard let copy = try? again.record() else { return "a record cannot be read again" }
            let isSame =
                copy.offset == record.offset && copy.kind == record.kind
                && copy.time == record.time && copy.trace == record.trace
                && copy.cause == record.cause && copy.payload.elementsEqual(payload)
            if !isSame { return "record \(record.offset) is read again as \(copy)" }
        }
        return nil
    }

    private static func gapBody(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard let gap = GapBody(bytes) else { return nil }
        let base = Offset(number(bytes))
        if let end = gap.end(from: base), end < base { return "\(gap) ends before it begins" }
        let memory = AlignedMemory(capacity: Layout.page)
        let header = BatchHeader(
            kind: .gap,
            segment: 1,
            salt: 2,
            position: 4096,
            base: .zero,
            durable: .zero
        )
        gap.write(header, to: memory.bytes)
        guard case .header(let again) = BatchHeader.read(memory.prefix(Layout.sector)) else {
            return "the header of \(gap) cannot be read"
        }
        let body = memory.bytes[Layout.batchHeader..<Layout.batchHeader + Int(again.bodyLength)]
        let copy = GapBody(UnsafeRawBufferPointer(rebasing: body))
        return copy == gap ? nil : "\(gap) is read again as \(String(describing: copy))"
    }
}
