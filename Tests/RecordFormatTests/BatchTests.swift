import Primitives
import RecordFormat
import Testing

private struct Sample: Equatable {
    var time: Timestamp
    var trace: TraceID?
    var cause: Offset?
    var kind: UInt8
    var payload: [UInt8]
}

/// Closes a builder and copies what would be written.
private func close(_ builder: inout BatchBuilder) -> [UInt8] {
    let header = BatchHeader(
        kind: .data,
        segment: 3,
        salt: 0x5A17,
        position: 8192,
        base: builder.base,
        durable: builder.base
    )
    return [UInt8](builder.close(header, time: Timestamp(seconds: 5)))
}

private func header(_ bytes: [UInt8]) throws -> BatchHeader {
    guard case .header(let header) = bytes.withUnsafeBytes({ BatchHeader.read($0) }) else {
        throw DecodeError(position: 0, expected: "a header")
    }
    return header
}

private func read(_ bytes: [UInt8]) throws -> [Sample] {
    let header = try header(bytes)
    return try bytes.withUnsafeBytes { memory in
        let body = UnsafeRawBufferPointer(
            rebasing: memory[Layout.batchHeader..<Layout.batchHeader + Int(header.bodyLength)]
        )
        guard Checksum.crc32c(body) == header.bodyChecksum,
            var reader = BatchReader(header, body: body)
        else { throw DecodeError(position: 0, expected: "a body") }
        var samples: [Sample] = []
        while let view = try reader.record() {
            #expect(view.offset == header.base.advanced(by: samples.count))
            let payload = [UInt8](view.payload)
            samples.append(
                Sample(
                    time: view.time,
                    trace: view.trace,
                    cause: view.cause,
                    kind: view.kind,
                    payload: payload
                )
            )
        }
        return samples
    }
}

@Suite("Batches")
struct BatchTests {
    @Test("random batches come back as they were, whatever they carry", arguments: 1...50)
    func roundTrip(seed: UInt64) throws {
        var entropy = SeededEntropy(seed: seed)
        var builder = BatchBuilder(base: Offset(entropy.next() % 1000), capacity: 4096)
        for _ in 0..<3 {
            var samples: [Sample] = []
            var time: Int64 = 0
            for _ in 0..<entropy.next() % 40 + 1 {
                time += entropy.next() % 5 == 0 ? 5_000_000_000 : Int64(entropy.next() % 1000)
                let offset = builder.end.rawValue
                let cause = entropy.next() % 2 == 0 ? nil : entropy.next() % (offset + 1)
                let size = Int(
                    entropy.next() % 10 == 0 ? entropy.next() % 9000 : entropy.next() % 90
                )
                let sample = Sample(
                    time: Timestamp(nanoseconds: time),
                    trace: TraceID(high: 0, low: entropy.next() % 3),
                    cause: cause.flatMap { $0 < offset ? Offset($0) : nil },
                    kind: UInt8(truncatingIfNeeded: entropy.next()),
                    payload: [UInt8](repeating: UInt8(truncatingIfNeeded: size), count: size)
                )
                append(sample, to: &builder)
                samples.append(sample)
            }
            let bytes = close(&builder)
            #expect(try read(bytes) == samples)
            #expect(bytes.count % Layout.page == 0)
            builder.reset(base: builder.end)
        }
    }

    private func append(_ sample: Sample, to builder: inout BatchBuilder) {
        let excess = builder.append(
            kind: sample.kind,
            time: sample.time,
            trace: sample.trace,
            cause: sample.cause
        ) { writer in
            sample.payload.withUnsafeBytes { writer.raw($0) }
        }
        #expect(excess == nil)
    }

    @Test("a repeated trace id costs nothing, a missing one neither")
    func traces() {
        let trace = TraceID(high: 1, low: 2)
        var builder = BatchBuilder(base: .zero)
        var sizes: [Int] = []
        for trace in [trace, trace, nil, trace] {
            let before = builder.byteCount
            let time = Timestamp(seconds: 1)
            _ = builder.append(kind: 1, time: time, trace: trace, cause: nil) { _ in }
            sizes.append(builder.byteCount - before)
        }
        #expect(sizes == [32, 16, 16, 32])
    }

    @Test("a record over the limit is refused, with its size, and leaves no trace")
    func limit() throws {
        var builder = BatchBuilder(base: .zero, capacity: 4096)
        let time = Timestamp(seconds: 1)
        let before = builder.byteCount
        let payload = [UInt8](repeating: 1, count: 10_000)
        let excess = builder.append(kind: 1, time: time, trace: nil, cause: nil, limit: 9_999) {
            writer in payload.withUnsafeBytes { writer.raw($0) }
        }
        #expect(excess == 10_000)
        #expect(builder.byteCount == before)
        let isEmpty = builder.isEmpty
        #expect(isEmpty)
    }

    @Test("a record that was taken back is as if it had not been")
    func takenBack() throws {
        var builder = BatchBuilder(base: Offset(5))
        let sample = Sample(
            time: Timestamp(seconds: 1),
            trace: TraceID(high: 1, low: 2),
            cause: nil,
            kind: 1,
            payload: [1, 2, 3]
        )
        append(sample, to: &builder)
        let before = builder.byteCount
        append(sample, to: &builder)
        builder.removeLast(backTo: before)
        append(sample, to: &builder)
        #expect(try read(close(&builder)) == [sample, sample])
    }

    @Test("sectors that are zero by right are counted, padding included")
    func zeroSectors() throws {
        var builder = BatchBuilder(base: .zero)
        let zeros = [UInt8](repeating: 0, count: 4096)
        let time = Timestamp(seconds: 1)
        _ = builder.append(kind: 1, time: time, trace: nil, cause: nil) { writer in
            zeros.withUnsafeBytes { writer.raw($0) }
        }
        let bytes = close(&builder)
        // 88 bytes before the payload, 4096 of payload, 8192 in all: sectors 1 to 15 are zero.
        #expect(try header(bytes).zeroSectors == 15)
        let counted = bytes.withUnsafeBytes { RecordFormat.zeroSectors($0) }
        #expect(counted == 15)
    }

    @Test("every flipped bit of a header is noticed")
    func headerBits() {
        var builder = BatchBuilder(base: Offset(9))
        let time = Timestamp(seconds: 1)
        _ = builder.append(kind: 1, time: time, trace: nil, cause: nil) { $0.u64(1) }
        var bytes = close(&builder)
        for bit in 0..<Layout.batchHeader * 8 {
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            let reading = bytes.withUnsafeBytes { BatchHeader.read($0) }
            #expect(reading == .damaged, "bit \(bit)")
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
        }
    }

    @Test("records behind a damaged one are still served")
    func salvage() throws {
        var builder = BatchBuilder(base: .zero)
        let time = Timestamp(seconds: 1)
        for byte in UInt8(0)..<3 {
            _ = builder.append(kind: 1, time: time, trace: nil, cause: nil) { $0.byte(byte) }
        }
        var bytes = close(&builder)
        let start = Layout.batchHeader + Layout.bodyPrefix
        bytes[start + 17 + 16] ^= 1
        let header = try header(bytes)
        try bytes.withUnsafeBytes { memory in
            let end = Layout.batchHeader + Int(header.bodyLength)
            let body = UnsafeRawBufferPointer(rebasing: memory[Layout.batchHeader..<end])
            var reader = try #require(BatchReader(header, body: body))
            #expect(try reader.record()?.payload.first == 0)
            #expect(throws: BatchReader.Failure.checksum) { _ = try reader.record() }
            #expect(try reader.record()?.payload.first == 2)
            #expect(try reader.record() == nil)
        }
    }
}
