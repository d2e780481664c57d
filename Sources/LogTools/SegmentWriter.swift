import Disk
import Primitives
import RecordFormat

/// Writes one whole segment: records under their own offsets, gaps where some are missing, a seal
/// and a footer at the end, and the header last, when the size is known.
struct SegmentWriter: ~Copyable {
    private let files: any Files
    private let name: String
    private let number: UInt64
    private let base: Offset
    private let salt: UInt64
    private let engine: UUID128
    private let created: Timestamp
    private var batch: BatchBuilder
    private let compression: Compression
    private var compressor: BatchCompressor?
    private var tally = SegmentTally()
    private var position = Layout.segmentHeader
    private var lastTime: Timestamp
    private var page = AlignedMemory(capacity: Layout.page)
    private var gaps: [Manifest.Quarantine] = []
    private let missing: MissingRecords

    /// Bytes from which on a batch is written: who wants one record decompresses no more.
    static let batchBytes = 64 << 10

    /// What was written.
    struct Written {
        /// Of the file.
        var byteCount: Int
        /// What was given up in it.
        var gaps: [Manifest.Quarantine]
    }

    /// Begins the file `name` as segment `number`. `time` is that of the record before;
    /// `missing` says why offsets are missing in it.
    init(
        _ number: UInt64,
        base: Offset,
        engine: UUID128,
        time: Timestamp,
        missing: MissingRecords,
        compression: Compression,
        in files: any Files,
        as name: String
    ) throws(ToolError) {
        self.files = files
        self.name = name
        self.number = number
        self.base = base
        self.engine = engine
        self.missing = missing
        salt = files.random()
        created = time
        lastTime = time
        self.compression = compression
        compressor = compression == .zstd ? BatchCompressor() : nil
        batch = BatchBuilder(base: base)
        // Until the header is there, a page of zeros stands in its place.
        try files.create(name)
    }

    /// Bytes so far.
    var byteCount: Int { position + batch.extent }

    /// Adds a record; offsets between it and the one before are given up.
    mutating func append(_ record: RecordView) throws(ToolError) {
        if record.offset > batch.end { try skip(to: record.offset) }
        precondition(record.offset == batch.end, "records come in order, each once")
        // A time before that of the batch has no place in it.
        if record.time < lastTime || batch.byteCount >= Self.batchBytes { try flush() }
        _ = batch.append(
            kind: record.kind,
            time: record.time,
            trace: record.trace,
            cause: record.cause
        ) { $0.raw(record.payload) }
        lastTime = record.time
    }

    /// Goes by the offsets below `end` that no record was appended for.
    mutating func skip(to end: Offset) throws(ToolError) {
        try flush()
        while batch.base < end {
            let (reason, next) = missing.next(from: batch.base, to: end)
            let gap = batch.base..<next
            if reason == .lost {
                gaps.append(.init(segment: number, position: UInt64(position), lost: gap))
            }
            let count = UInt64(gap.lowerBound.distance(to: next))
            let memory = UnsafeMutableRawBufferPointer(rebasing: page.bytes[..<Layout.page])
            GapBody(time: lastTime, count: count, reason: reason).write(header(.gap), to: memory)
            try put(UnsafeRawBufferPointer(memory))
            batch.reset(base: next)
        }
    }

    /// Ends the segment with a seal and a footer. On return it is on the medium under the name that
    /// it has.
    consuming func finish() throws(ToolError) -> Written {
        try flush()
        let seal = batch.close(header(.seal), time: lastTime)
        try put(seal)
        let memory = UnsafeMutableRawBufferPointer(rebasing: page.bytes[..<Layout.page])
        let footer = tally.footer(
            number: number,
            salt: salt,
            end: batch.base,
            compression: compression
        )
        footer.write(to: memory)
        try files.write(UnsafeRawBufferPointer(memory), to: name, at: position)
        var header = SegmentHeader(
            number: number,
            base: base,
            salt: salt,
            engine: engine,
            created: created,
            size: UInt64(position + Layout.segmentFooter)
        )
        header.hasCompressed = tally.hasCompressed
        header.write(to: memory)
        try files.write(UnsafeRawBufferPointer(memory), to: name, at: 0)
        try files.protect(name)
        try files.sync(name)
        return Written(byteCount: Int(header.size), gaps: gaps)
    }

    private mutating func flush() throws(ToolError) {
        guard !batch.isEmpty else { return }
        let next = batch.end
        let bytes = batch.close(header(.data))
        try put(compressor?.compress(bytes) ?? bytes)
        batch.reset(base: next)
    }

    private func header(_ kind: BatchHeader.Kind) -> BatchHeader {
        BatchHeader(
            kind: kind,
            segment: number,
            salt: salt,
            position: UInt64(position),
            base: batch.base,
            durable: batch.base
        )
    }

    private mutating func put(_ bytes: UnsafeRawBufferPointer) throws(ToolError) {
        guard case .header(let header) = BatchHeader.read(bytes) else {
            preconditionFailure("no batch")
        }
        try files.write(bytes, to: name, at: position)
        tally.add(header, bytes)
        position += bytes.count
    }
}

extension Manifest {
    /// Adds what was given up, as far as there is room: the gaps in the log say it all.
    mutating func add(_ lost: [Quarantine]) {
        let new = lost.filter { !quarantine.contains($0) }
        quarantine += new.prefix(Manifest.quarantineLimit - quarantine.count)
    }

    /// Writes this as the next generation, into the slot that is not the current one; on the medium
    /// on return.
    func writeNext(to files: any Files) throws(ToolError) {
        let memory = AlignedMemory(capacity: Layout.manifestSlot)
        var next = self
        next.generation += 1
        next.write(to: memory.bytes)
        let position = Int(next.generation % 2) * Layout.manifestSlot
        try files.write(memory.prefix(Layout.manifestSlot), to: "MANIFEST", at: position)
        try files.sync("MANIFEST")
    }

    /// Writes MANIFEST as the first of its generations, on the medium on return.
    func write(to files: any Files, as name: String) throws(ToolError) {
        let memory = AlignedMemory(capacity: 2 * Layout.manifestSlot)
        memory.bytes.initializeMemory(as: UInt8.self, repeating: 0)
        var first = self
        first.generation = 1
        let slot = Layout.manifestSlot..<2 * Layout.manifestSlot
        first.write(to: UnsafeMutableRawBufferPointer(rebasing: memory.bytes[slot]))
        try files.create(name)
        try files.write(memory.prefix(2 * Layout.manifestSlot), to: name, at: 0)
        try files.sync(name)
    }
}
