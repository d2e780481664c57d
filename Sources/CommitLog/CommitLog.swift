package import Disk
package import Primitives
package import RecordFormat

/// An ordered, durable sequence of records, written in batches to fixed-size segments.
///
///      first          durable        staged
///        |------------|--------------|
///        0   1   2    3    4    5    6
///
/// Records are encoded into the batch that is being filled. ``flush()`` hands that batch to the
/// device, one at a time; while it is on its way, the next one fills: however many appended
/// meanwhile share its sync. ``reap()`` learns that it arrived and moves ``durable``.
///
/// Invariants:
/// * Offsets are contiguous: no gaps, no repeats.
/// * `durable <= staged`; `durable` moves only when the device reports a batch as on the medium.
/// * At most one batch is unsynced, and it is physically the last: so at most one can be torn.
/// * The records of one batch survive a crash together or not at all.
/// * After a failed write nothing is accepted, and nothing more becomes durable.
///
/// One thread owns a log; only ``wait(nanoseconds:)`` and ``close()`` wait. What is called for each
/// record is compiled for the ring too (`@specialized`), not looked up by the engine's module.
package struct CommitLog<Store: Storage & ~Copyable>: ~Copyable {
    var device: Device<Store>
    let options: LogOptions
    private var manifest: Manifest
    private(set) var active: ActiveSegment
    private var salts: SeededEntropy
    /// Appends go here.
    private(set) var filling: BatchBuilder
    /// The batch that the device has; its memory must not change before it is reaped.
    private(set) var writing: BatchBuilder
    /// Seals, idle marks, headers and MANIFEST slots are written from here.
    private var chore: BatchBuilder
    private var page = AlignedMemory(capacity: Layout.page)
    /// Where the records are, and what reads them back.
    var index: OffsetIndex
    var fetcher = RecordFetcher()
    /// The single records that are being read.
    var reads = RecordReads()
    private(set) var step = Step.ready
    private var ticket: UInt64 = 0
    private(set) var failure: LogError?
    /// Bytes of the segment made ahead; nil while there is none.
    private var nextSize: Int?
    /// What the last batch header says is durable.
    private var mark: Offset

    /// What opening found and did.
    package let recovery: RecoveryReport
    /// The first offset that is *not* known to be on the medium.
    package private(set) var durable: Offset
    /// The offset that the next record gets.
    package private(set) var staged: Offset
    /// When the last record was written; the next one is not earlier.
    package private(set) var lastTime: Timestamp
    /// The segment that takes batches, and the offset of its first record: all before it is sealed
    /// and will not change.
    package var activeSegment: (number: UInt64, base: Offset) {
        (active.number, active.header.base)
    }
    package var engine: UUID128 { manifest.engine }
    /// The segment that begins at `offset`, or the last one that begins before it.
    package func segment(of offset: Offset) -> UInt64 {
        index.entry(for: offset)?.segment ?? manifest.oldestSegment
    }
    /// Why the next segment could not be made.
    package private(set) var obstacle: StorageError?
    /// Since opening: what was handed to the device, chores included.
    package private(set) var statistics = LogStatistics()

    /// What is on its way to the device.
    enum Step {
        case ready
        case data(end: Offset)
        case idle
        // A roll: three writes and, if the next segment is not made yet, a wait: the last attempt
        // to make it that has ended since then was `refused`.
        case seal
        case awaitingSegment(refused: StorageError?)
        case header(SegmentHeader)
        case manifest
    }

    /// Opens the log in a claimed directory, or begins one: replays every record in order, cuts
    /// what an interrupted write left, and syncs the tail. `replay` gets each record from `known`
    /// on, oldest first, as a view that is valid during the call; `entropy` gives the identities
    /// that no two segments may share; `now` is the date in a new segment's header.
    ///
    /// - Throws: when it throws, the directory is as it was, but for its lock.
    package init(
        opening claim: consuming LogClaim<Store>,
        options: LogOptions = LogOptions(),
        entropy: inout some Entropy,
        now: Timestamp,
        known: LogStart = LogStart(),
        replay: (RecordView) throws(DecodeError) -> Void
    ) throws(LogError) {
        var device = claim.device
        let recovery = Recovery<Store>(
            options: options,
            known: known,
            entropy: &entropy,
            now: now
        )
        let engine = UUID128(from: &entropy)
        let outcome = try recovery.run(&device, engine: engine, replay)
        self.options = options
        manifest = outcome.manifest
        active = outcome.active
        salts = outcome.salts
        nextSize = outcome.nextSize
        index = outcome.index
        self.recovery = outcome.report
        lastTime = outcome.lastTime
        durable = outcome.next
        staged = outcome.next
        mark = outcome.next
        filling = BatchBuilder(base: outcome.next)
        writing = BatchBuilder(base: outcome.next)
        chore = BatchBuilder(base: outcome.next, capacity: Layout.page)
        self.device = device
        if nextSize == nil {
            self.device.store.prepareSegment(active.number + 1, size: options.segmentBytes)
        }
    }

    deinit { device.store.drain() }

    // MARK: Appending

    /// Whether everything staged is durable and nothing is on its way.
    package var isIdle: Bool {
        if case .ready = step { filling.isEmpty } else { false }
    }

    /// The offset below which every record was handed to the device.
    package var flushed: Offset { filling.base }

    /// The time that a record appended at `wall` gets: never before the last record's.
    package func stamp(_ wall: Timestamp) -> Timestamp { max(wall, lastTime) }

    /// Encodes a record behind all others. Staged is not durable: nothing is written before
    /// ``flush()``, and all records staged between two flushes survive together or not at all.
    ///
    /// `kind` is the caller's; `time` is the wall clock, see ``stamp(_:)``; `cause` is an earlier
    /// record. `payload` may be called twice, and must then write the same.
    ///
    /// - Returns: the record's offset.
    /// - Throws: ``LogError/recordTooLarge(bytes:limit:)``, or ``LogError/full`` when no segment
    ///   can hold a batch that large: nothing was staged.
    @specialized(where Store == UringStorage)
    package mutating func append(
        kind: UInt8,
        time: Timestamp,
        trace: TraceID?,
        cause: Offset?,
        _ payload: (inout ByteWriter) -> Void
    ) throws(LogError) -> Offset {
        if let failure { throw failure }
        let offset = staged
        let before = filling.byteCount
        let time = max(time, lastTime)
        let excess = filling.append(
            kind: kind,
            time: time,
            trace: trace,
            cause: cause,
            limit: options.recordBytes,
            payload
        )
        if let excess { throw .recordTooLarge(bytes: excess, limit: options.recordBytes) }
        if filling.byteCount > options.batchExtentMax {
            filling.removeLast(backTo: before)
            throw .full
        }
        lastTime = time
        staged = filling.end
        return offset
    }

    /// Hands the batch being filled to the device, if it holds something and the device is free.
    @specialized(where Store == UringStorage)
    package mutating func flush() throws(LogError) {
        if let failure { throw failure }
        guard case .ready = step, !filling.isEmpty else { return }
        guard active.hasRoom(for: filling.extent) else { return try submitChore(.seal, .seal) }
        swap(&filling, &writing)
        filling.reset(base: writing.end)
        let bytes = writing.close(active.batch(.data, base: writing.base, durable: durable))
        mark = durable
        let position = active.extend(by: bytes.count)
        index.note(writing.base, segment: active.number, position: position)
        try submit(bytes, to: .segment(active.number), at: position, .data(end: writing.end))
        if Mutant.is(.unsyncedBeforeRoll), !active.hasRoom(for: Layout.page) {
            durable = writing.end
        }
    }

    /// Whether records are staged and the device is free to take them: ``flush()`` before sleeping.
    package var canFlush: Bool {
        if case .ready = step { !filling.isEmpty } else { false }
    }

    /// Whether the log on the medium does not say yet that its last batch is durable. When nothing
    /// was staged for 10 ms, call ``flushIdle()``: damage to that batch is then told from a torn
    /// write. Becomes false by that, so a quiet engine writes once.
    package var needsIdleMark: Bool { isIdle && mark < durable && failure == nil }

    /// Writes a batch without records that says how far the log is durable. Does nothing unless
    /// ``needsIdleMark``. While the disk is full MANIFEST says it: the segment's room is scarce.
    package mutating func flushIdle() throws(LogError) {
        if let failure { throw failure }
        if needsIdleMark, isDiskFull {
            mark = durable
            return try submitManifest()
        }
        // The last page before the seal is not worth a roll: the next batch brings the mark.
        guard needsIdleMark, active.hasRoom(for: Layout.page) else { return }
        try submitChore(.idle, .idle)
    }

    // MARK: Completing

    /// Takes what the device finished and moves ``durable``; goes on with a roll to the next
    /// segment if one is under way. Never waits and hands over no staged record.
    ///
    /// - Throws: ``LogError/storage(_:)`` once a write failed, and from then on always.
    @specialized(where Store == UringStorage)
    package mutating func reap() throws(LogError) {
        if let failure { throw failure }
        while let completion = try device.reap() {
            if reads.finish(completion) { continue }
            precondition(completion.ticket == ticket)
            if let failure = completion.failure, !Mutant.is(.retryAfterError) {
                throw poison(.storage(failure))
            }
            try advance()
        }
        if nextSize == nil { try checkNext() }
    }

    /// Makes everything staged durable, marks the log as closed in order, and ends it.
    ///
    /// - Throws: ``LogError/storage(_:)`` also where there is no segment for what is staged.
    package consuming func close() throws(LogError) {
        // What stood in the way may not any more: the attempt that is under way tells.
        if standstill != nil { step = .awaitingSegment(refused: nil) }
        while true {
            try flush()
            try reap()
            if isIdle { break }
            if let standstill { throw .storage(standstill) }
            try wait(nanoseconds: nil)
        }
        fillManifest(isClean: true)
        try device.write(
            page.prefix(Layout.manifestSlot),
            to: .manifest(slot: Int(manifest.generation % 2)),
            at: 0
        )
    }
}

extension CommitLog where Store: ~Copyable {
    // MARK: Steps

    private mutating func submit(
        _ bytes: UnsafeRawBufferPointer,
        to target: WriteTarget,
        at position: Int,
        _ next: Step
    ) throws(LogError) {
        precondition(failure == nil)
        ticket += 1
        step = next
        statistics.writes += 1
        statistics.bytes += UInt64(bytes.count)
        do throws(LogError) {
            try device.submit(bytes, to: target, at: position, ticket: ticket)
        } catch {
            throw poison(error)
        }
    }

    private mutating func submitChore(
        _ kind: BatchHeader.Kind,
        _ next: Step
    ) throws(LogError) {
        chore.reset(base: filling.base)
        let header = active.batch(kind, base: filling.base, durable: durable)
        let bytes = chore.close(header, time: lastTime)
        mark = durable
        try submit(
            bytes,
            to: .segment(active.number),
            at: active.extend(by: bytes.count),
            next
        )
    }

    /// Nothing that follows a failure can be trusted: not the page cache, not a second attempt.
    private mutating func poison(_ error: LogError) -> LogError {
        failure = error
        return error
    }

    /// What follows a finished write.
    private mutating func advance() throws(LogError) {
        switch step {
        case .data(let end):
            durable = end
            statistics.batches += 1
            step = .ready
        case .idle:
            step = .ready
        case .seal:
            step = .awaitingSegment(refused: nil)
            // What stood in the way hours ago may not any more.
            if case .failed(let number, _) = device.store.preparation() {
                device.store.prepareSegment(number, size: options.segmentBytes)
            }
            try beginNext()
        case .header(let header):
            manifest.lastSealed = active.number
            manifest.active = header.number
            device.store.release(segment: active.number)
            active = ActiveSegment(header)
            nextSize = nil
            device.store.prepareSegment(header.number + 1, size: options.segmentBytes)
            // Behind the header: from here on the segment is missed if it is not there.
            try submitManifest()
        case .manifest:
            step = .ready
        case .ready, .awaitingSegment:
            preconditionFailure("nothing was on its way")
        }
    }

    // MARK: The next segment

    /// Writes the header of the segment made ahead, once it is there. Its base was not known when
    /// it was made: this is the one write of a roll that could not be done ahead.
    private mutating func beginNext() throws(LogError) {
        guard let nextSize else { return }
        let header = SegmentHeader(
            number: active.number + 1,
            base: filling.base,
            salt: salts.next(),
            engine: manifest.engine,
            created: lastTime,
            size: UInt64(nextSize)
        )
        header.write(to: UnsafeMutableRawBufferPointer(rebasing: page.bytes[..<Layout.page]))
        let target = WriteTarget.segment(header.number)
        try submit(page.prefix(Layout.segmentHeader), to: target, at: 0, .header(header))
    }

    /// Learns whether the next segment is made, and begins the attempt again when it failed.
    private mutating func checkNext() throws(LogError) {
        let number = active.number + 1
        switch device.store.preparation() {
        case .ready(number):
            nextSize = options.segmentBytes
            obstacle = nil
            if case .awaitingSegment = step { try beginNext() }
        case .running:
            break
        case .failed(_, let error):
            obstacle = error
            // What may pass is waited for. Anything else matters once the segment is needed.
            if error.isRetryable {
                device.store.prepareSegment(number, size: options.segmentBytes)
                if case .awaitingSegment = step { step = .awaitingSegment(refused: error) }
            } else if case .awaitingSegment = step {
                throw poison(.storage(error))
            }
        case .none, .ready:
            device.store.prepareSegment(number, size: options.segmentBytes)
        }
    }

    private mutating func submitManifest() throws(LogError) {
        fillManifest(isClean: false)
        let target = WriteTarget.manifest(slot: Int(manifest.generation % 2))
        try submit(page.prefix(Layout.manifestSlot), to: target, at: 0, .manifest)
    }

    private mutating func fillManifest(isClean: Bool) {
        manifest.generation += 1
        manifest.durable = durable
        manifest.isClean = isClean
        let memory = UnsafeMutableRawBufferPointer(rebasing: page.bytes[..<Layout.manifestSlot])
        manifest.write(to: memory)
    }
}
