import Disk
package import Primitives
import RecordFormat

/// What opening a log found and did.
package struct RecoveryReport: Equatable, Sendable {
    /// How bytes reach the device.
    package internal(set) var backend = ""
    /// Whether the log was made now.
    package internal(set) var isNew = false
    /// Whether it had been closed in order.
    package internal(set) var wasClean = false
    /// The offset behind the last record.
    package internal(set) var next = Offset.zero
    package internal(set) var recordsReplayed = 0
    /// Up to which offset a snapshot stood for the records; nil: there was none.
    package internal(set) var snapshot: Offset?
    /// Offsets that no record has any more: losses that somebody accepted.
    package internal(set) var offsetsLost = 0
    /// The unfinished batch that was cut off: no record in it was acknowledged.
    package internal(set) var torn: LogScan.TornTail?
    /// Bytes found behind the end of the last segment, which is cut to its size.
    package internal(set) var foreignBytes = 0
    /// Whether MANIFEST was lost, and made anew from the segments.
    package internal(set) var rebuiltManifest = false
}

/// Opens the log of a claimed directory: replays, puts the tail in order, and only then lets it be
/// appended to.
struct Recovery<Store: Storage & ~Copyable>: ~Copyable {
    let options: LogOptions
    /// What need not be read: the records below, and where they are.
    let known: LogStart
    var salts: SeededEntropy
    let now: Timestamp
    var page = AlignedMemory(capacity: Layout.page)
    var report = RecoveryReport()

    /// What the log goes on from.
    struct Outcome {
        var manifest: Manifest
        var active: ActiveSegment
        var next: Offset
        var lastTime: Timestamp
        var report: RecoveryReport
        var salts: SeededEntropy
        /// Bytes of the segment behind the active one; nil when it is not made yet.
        var nextSize: Int?
        var index: OffsetIndex
    }

    init(
        options: LogOptions,
        known: LogStart,
        entropy: inout some Entropy,
        now: Timestamp
    ) {
        self.options = options
        self.known = known
        salts = SeededEntropy(seed: entropy.next())
        self.now = now
    }

    consuming func run(
        _ device: inout Device<Store>,
        engine: UUID128,
        _ replay: (RecordView) throws(DecodeError) -> Void
    ) throws(LogError) -> Outcome {
        report.backend = device.store.backend
        let isInUse = try device.isInUse()
        let slots = isInUse ? try readManifest(&device) : nil
        let scan = try replayAll(&device, manifest: slots, isInUse: isInUse, replay)
        var manifest = slots ?? Manifest(engine: engine)
        if slots == nil, let tail = scan.tail {
            manifest.engine = tail.header.engine
            manifest.oldestSegment = try device.store.listed().first?.number ?? 0
            report.rebuiltManifest = true
        }
        report.isNew = scan.tail == nil
        report.wasClean = manifest.isClean
        try device.arrange()
        if report.isNew { try write(&manifest, &device, durable: scan.next) }
        let active = try settle(&device, &manifest, scan)
        manifest.active = active.number
        try write(&manifest, &device, durable: scan.next)
        let nextSize = try size(of: active.number + 1, &device)
        // It is open from then on: at the roll there may be no descriptor left.
        if let nextSize { try device.resizeSegment(active.number + 1, to: nextSize) }
        return Outcome(
            manifest: manifest,
            active: active,
            next: scan.next,
            lastTime: scan.lastTime,
            report: report,
            salts: salts,
            nextSize: nextSize,
            index: scan.index
        )
    }

    // MARK: Reading

    /// The newer of the two slots; nil when neither is one.
    private mutating func readManifest(_ device: inout Device<Store>) throws(LogError) -> Manifest?
    {
        try device.store.newestManifest(through: page)
    }

    private mutating func replayAll(
        _ device: inout Device<Store>,
        manifest: Manifest?,
        isInUse: Bool,
        _ replay: (RecordView) throws(DecodeError) -> Void
    ) throws(LogError) -> LogScan {
        guard isInUse else { return LogScan() }
        let scanner = LogScanner<Store>(
            manifest: manifest,
            from: known.next,
            reaching: known.reach,
            salvages: false
        )
        var replayed = 0
        var scan = try scanner.run(&device.store) { record throws(LogError) in
            do throws(DecodeError) {
                try replay(record)
            } catch {
                throw LogError.undecodable(record.offset, error)
            }
            replayed += 1
        }
        guard scan.damages.isEmpty else { throw .damaged(scan.damages) }
        var index = known.index
        index.append(scan.index)
        scan.index = index
        scan.lastTime = max(scan.lastTime, known.lastTime)
        report.recordsReplayed = replayed
        report.snapshot = known.next > .zero ? known.next : nil
        report.next = scan.next
        report.torn = scan.torn
        // Gaps before what is known are not read; MANIFEST has them, too.
        report.offsetsLost = Self.count(
            scan.gaps.map(\.lost) + (manifest?.quarantine ?? []).map(\.lost)
        )
        return scan
    }

    /// How many offsets are in one of `ranges` at least.
    private static func count(_ ranges: [Range<Offset>]) -> Int {
        var count = 0
        var end = Offset.zero
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            let start = max(end, range.lowerBound)
            end = max(end, range.upperBound)
            count += start.distance(to: max(start, end))
        }
        return count
    }

    // MARK: Putting in order

    /// Cuts what an interrupted write left, syncs the tail, and finds or begins the segment to
    /// append to. A crash at any point leaves a log that opens to the same records.
    private mutating func settle(
        _ device: inout Device<Store>,
        _ manifest: inout Manifest,
        _ scan: LogScan
    ) throws(LogError) -> ActiveSegment {
        for file in scan.unused where file.size < LogOptions.segmentBytesMin {
            try device.removeSegment(file.number)
        }
        if let tail = scan.tail {
            let target = WriteTarget.segment(tail.header.number)
            if let torn = scan.torn, !Mutant.is(.staleTail) {
                try zero(torn.byteCount, target, at: torn.position, &device)
            }
            if tail.fileSize != Int(tail.header.size) {
                report.foreignBytes = max(0, tail.fileSize - Int(tail.header.size))
                try device.resizeSegment(tail.header.number, to: Int(tail.header.size))
            }
            // A record that is served must survive the next power cut, too.
            if !Mutant.is(.noTailSync) { try device.sync(segment: tail.header.number) }
            guard tail.isSealed else { return ActiveSegment(tail.header, position: tail.position) }
            manifest.lastSealed = tail.header.number
            device.store.release(segment: tail.header.number)
        }
        let number = scan.tail.map { $0.header.number + 1 } ?? manifest.oldestSegment
        return try begin(number, &device, manifest, scan)
    }

    /// Writes the header of the next segment, which is made first if it is not there.
    private mutating func begin(
        _ number: UInt64,
        _ device: inout Device<Store>,
        _ manifest: Manifest,
        _ scan: LogScan
    ) throws(LogError) -> ActiveSegment {
        let wanted = scan.tail == nil ? options.firstSegmentBytes : options.segmentBytes
        let existing = try size(of: number, &device)
        if existing == nil { try device.createSegment(number, size: wanted) }
        let header = SegmentHeader(
            number: number,
            base: scan.next,
            salt: salts.next(),
            engine: manifest.engine,
            created: max(now, scan.lastTime),
            size: UInt64(existing ?? wanted)
        )
        header.write(to: UnsafeMutableRawBufferPointer(rebasing: page.bytes[..<Layout.page]))
        try device.write(page.prefix(Layout.page), to: .segment(number), at: 0)
        return ActiveSegment(header)
    }

    private func zero(
        _ byteCount: Int,
        _ target: WriteTarget,
        at position: Int,
        _ device: inout Device<Store>
    ) throws(LogError) {
        let zeros = AlignedMemory(capacity: 1 << 20)
        zeros.bytes.initializeMemory(as: UInt8.self, repeating: 0)
        var done = 0
        while done < byteCount {
            let count = min(zeros.capacity, byteCount - done)
            try device.write(zeros.prefix(count), to: target, at: position + done)
            done += count
        }
    }

    private mutating func write(
        _ manifest: inout Manifest,
        _ device: inout Device<Store>,
        durable: Offset
    ) throws(LogError) {
        manifest.generation += 1
        manifest.durable = durable
        manifest.isClean = false
        let slot = UnsafeMutableRawBufferPointer(rebasing: page.bytes[..<Layout.manifestSlot])
        manifest.write(to: slot)
        let target = WriteTarget.manifest(slot: Int(manifest.generation % 2))
        try device.write(UnsafeRawBufferPointer(slot), to: target, at: 0)
    }

    /// Bytes of a segment that is there and large enough to be used.
    private func size(
        of number: UInt64,
        _ device: inout Device<Store>
    ) throws(LogError) -> Int? {
        for file in try device.store.listed() where file.number == number {
            let whole = file.size & ~(Layout.page - 1)
            return whole >= LogOptions.segmentBytesMin ? whole : nil
        }
        return nil
    }
}
