import CommitLog
import Disk
import Primitives
import RecordFormat

/// A small log directory of which every byte is known: what stands there, and which records it
/// bears.
///
///     segment 0   header | 3 records | 2 records, 2 pages | 1 record | seal | footer
///     segment 1   header | 4 records | 2 records | idle mark | zeros | footer
///     segment 2   zeros, only where it was made ahead
///     MANIFEST    two slots
package struct SoundLog: Sendable {
    /// How the directory was left.
    package enum Ending: String, CaseIterable, Sendable {
        /// Killed while quiet, before the next segment was made: 64 KiB.
        case killed
        /// Closed in order, with the next segment made ahead: 92 KiB.
        case closed
    }

    /// A batch, and where it is.
    struct Batch: Sendable {
        let segment: UInt64
        let position: Int
        let header: BatchHeader
        /// Whether no batch follows it in the log.
        var isLast = false

        var offsets: Range<Offset> { header.base..<header.end }
    }

    /// What a stretch of bytes is for.
    enum Place: Sendable {
        case slot(Int)
        case segmentHeader(base: Offset)
        case batchHeader(Batch)
        case batchTime(Batch)
        /// The length of a record: without it the records behind are not found.
        case recordLength(Batch, Offset)
        case record(Batch, Offset)
        case padding(Batch)
        /// Behind the last batch; `position` is where the next one goes.
        case tail(position: Int)
        /// Behind a seal; `end` is the offset behind the segment.
        case sealed(end: Offset)
        /// The last page of a sealed segment; `end` is the offset behind it.
        case footer(end: Offset)
        /// In a segment that was made ahead.
        case ahead
    }

    struct Region: Sendable {
        /// Nil: MANIFEST.
        let segment: UInt64?
        let bytes: Range<Int>
        let place: Place
    }

    static let options = LogOptions(
        segmentBytes: 7 * Layout.page,
        firstSegmentBytes: 7 * Layout.page
    )

    let files: [UInt64: SimulatedDisk.File]
    let manifest: SimulatedDisk.File
    /// Of every record: its hash, and the hash that it has without its trace.
    let records: [(whole: UInt64, untraced: UInt64)]
    /// In the order of the directory; they cover every byte.
    private(set) var regions: [Region] = []

    /// - Throws: what the log throws: nothing, unless it is broken.
    init(_ ending: Ending) throws(LogError) {
        let disk = SimulatedDisk(seed: 1)
        disk.delayPercent = 0
        records = try Self.fill(disk, closes: ending == .closed)
        if ending == .killed { disk.files[2] = nil }
        guard let manifest = disk.manifest else { preconditionFailure("a log has a MANIFEST") }
        self.manifest = manifest
        files = disk.files
        map()
    }

    var byteCount: Int {
        files.values.reduce(manifest.cache.count) { $0 + $1.cache.count }
    }

    /// A disk that holds the log.
    func disk() -> SimulatedDisk {
        let disk = SimulatedDisk(seed: 2)
        disk.delayPercent = 0
        disk.files = files
        disk.manifest = manifest
        return disk
    }

    // MARK: Writing

    private static func fill(
        _ disk: SimulatedDisk,
        closes: Bool
    ) throws(LogError) -> [(UInt64, UInt64)] {
        var random = SeededEntropy(seed: 3)
        var log = try CommitLog(
            opening: LogClaim(SimulatedStorage(disk)),
            options: options,
            entropy: &random,
            now: Timestamp(seconds: 1)
        ) { _ in }
        for sizes in [[40, 0, 90], [3000, 2500], [700], [100, 30, 1, 900], [1500, 64]] {
            for size in sizes { try append(size, &log) }
            try flush(&log)
        }
        try log.flushIdle()
        try flush(&log)
        var records: [(UInt64, UInt64)] = []
        for number in 0..<log.durable.rawValue {
            records.append(try log.record(at: Offset(number)) { Self.hashes(of: $0) })
        }
        precondition(log.activeSegment.number == 1, "one segment is rolled")
        if closes { try log.close() }
        disk.kill()
        return records
    }

    private static func flush(_ log: inout CommitLog<SimulatedStorage>) throws(LogError) {
        while true {
            try log.flush()
            try log.reap()
            if log.isIdle { return }
        }
    }

    /// Appends a record of `size` bytes. Larger ones have sectors of zeros, and one with a single
    /// bit: where that is lost, the batch looks as if the sector had not been written.
    private static func append(
        _ size: Int,
        _ log: inout CommitLog<SimulatedStorage>
    ) throws(LogError) {
        let offset = log.staged.rawValue
        var payload = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ Int(offset)) }
        if size > 1000 {
            for place in 200..<size - 200 { payload[place] = 0 }
            payload[size / 2] = 4
        }
        _ = try log.append(
            kind: UInt8(truncatingIfNeeded: offset),
            time: Timestamp(nanoseconds: 1_000_000_000 * Int64(1 + offset * offset)),
            trace: offset % 4 == 3 ? nil : TraceID(high: 7, low: 1 + offset / 4),
            cause: offset % 3 == 1 ? Offset(offset / 2) : nil
        ) { writer in payload.withUnsafeBytes { writer.raw($0) } }
    }

    static func hashes(of record: RecordView) -> (whole: UInt64, untraced: UInt64) {
        let untraced = RecordView(
            offset: record.offset,
            time: record.time,
            trace: nil,
            cause: record.cause,
            kind: record.kind,
            payload: record.payload
        )
        return (LogWitness.hash(of: record), LogWitness.hash(of: untraced))
    }
}

// MARK: What stands where

extension SoundLog {
    private mutating func map() {
        let slot = Layout.manifestSlot
        for index in 0..<2 { add(nil, index * slot..<(index + 1) * slot, .slot(index)) }
        for (segment, file) in files.sorted(by: { $0.key < $1.key }) {
            file.cache.withUnsafeBytes { map(segment, $0) }
        }
        precondition(regions.reduce(0) { $0 + $1.bytes.count } == byteCount, "no byte is left out")
    }

    private mutating func add(_ segment: UInt64?, _ bytes: Range<Int>, _ place: Place) {
        if !bytes.isEmpty { regions.append(Region(segment: segment, bytes: bytes, place: place)) }
    }

    private mutating func map(_ segment: UInt64, _ bytes: UnsafeRawBufferPointer) {
        let page = UnsafeRawBufferPointer(rebasing: bytes[..<Layout.page])
        guard case .valid(let header) = SegmentHeader.read(page) else {
            return add(segment, 0..<bytes.count, .ahead)
        }
        add(segment, 0..<Layout.segmentHeader, .segmentHeader(base: header.base))
        var position = Layout.segmentHeader
        while case .header(let header) = BatchHeader.read(Self.sector(of: bytes, position)) {
            var batch = Batch(segment: segment, position: position, header: header)
            let next = position + header.extent
            batch.isLast =
                header.kind != .seal && BatchHeader.read(Self.sector(of: bytes, next)) == .zero
            map(batch, bytes)
            position = next
            guard header.kind == .seal else { continue }
            let footer = bytes.count - Layout.segmentFooter
            add(segment, position..<footer, .sealed(end: header.base))
            return add(segment, footer..<bytes.count, .footer(end: header.base))
        }
        add(segment, position..<bytes.count, .tail(position: position))
    }

    private static func sector(
        of bytes: UnsafeRawBufferPointer,
        _ position: Int
    ) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[position..<position + Layout.sector])
    }

    private mutating func map(_ batch: Batch, _ bytes: UnsafeRawBufferPointer) {
        var position = batch.position + Layout.batchHeader
        add(batch.segment, batch.position..<position, .batchHeader(batch))
        add(batch.segment, position..<position + Layout.bodyPrefix, .batchTime(batch))
        position += Layout.bodyPrefix
        var offset = batch.header.base
        while offset < batch.header.end {
            let stated = bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self)
            let end = position + Int(UInt32(littleEndian: stated))
            add(batch.segment, position..<position + 4, .recordLength(batch, offset))
            add(batch.segment, position + 4..<end, .record(batch, offset))
            position = end
            offset = offset.advanced(by: 1)
        }
        let end = batch.position + batch.header.extent
        add(batch.segment, position..<end, .padding(batch))
    }
}
