import Disk
import Primitives
import RecordFormat

/// A disk whose writes end when the test says so, and which outlives the engines that use it.
///
/// What an engine wrote is on the platter only once its write is completed. A crash is the loss of
/// the write that is not, or its arrival unheard of; that a batch may also be torn is the business
/// of the log's own tests.
final class SimulatedDisk {
    var segments: [UInt64: [UInt8]] = [:]
    var manifest = [UInt8](repeating: 0, count: 8192)
    private(set) var inFlight: Write?
    private var finished: [Completion] = []
    fileprivate var prepared = Preparation.none
    /// Whether the next look finds the write in flight ended.
    var completesAtOnce = false
    /// Whether there is no room for another segment.
    var isFull = false
    /// The error of every write from now on.
    var failure: StorageError?
    /// The error of every read from now on, and how many had one.
    var readFailure: StorageError?
    fileprivate(set) var failedReads = 0
    /// What the device does not give, while it gives everything else.
    var refused: (segment: UInt64, bytes: Range<Int>)?
    /// Called when the engine's thread would sleep; the argument is its time limit.
    var onWait: ((UInt64?) -> Void)?
    /// For how long the engine's thread looked before it slept, each time.
    fileprivate(set) var polls: [UInt64] = []

    struct Write {
        let bytes: [UInt8]
        let target: WriteTarget
        let position: Int
        let ticket: UInt64
    }

    /// The first offset of the last segment that was begun; nil where there is only one.
    var sealedEnd: Offset? {
        let bases = segments.sorted { $0.key < $1.key }.compactMap { _, bytes -> Offset? in
            let reading = bytes.withUnsafeBytes {
                SegmentHeader.read(UnsafeRawBufferPointer(rebasing: $0[..<4096]))
            }
            guard case .valid(let header) = reading else { return nil }
            return header.base
        }
        return bases.count > 1 ? bases.last : nil
    }

    /// Ends the write in flight: its bytes are on the platter, and the engine will hear of it.
    ///
    /// - Returns: false where there was none.
    @discardableResult
    func complete() -> Bool {
        guard let write = inFlight else { return false }
        inFlight = nil
        if failure == nil { store(write.bytes, write.target, write.position) }
        finished.append(Completion(ticket: write.ticket, failure: failure))
        return true
    }

    /// The process dies. The write in flight arrives whole, or not at all.
    func crash(keepingWrite: Bool) {
        if keepingWrite, let write = inFlight { store(write.bytes, write.target, write.position) }
        inFlight = nil
        finished = []
        prepared = .none
    }

    fileprivate func begin(_ write: Write) {
        precondition(inFlight == nil, "one unsynced write at a time")
        inFlight = write
    }

    fileprivate func finish(_ completion: Completion) { finished.append(completion) }

    fileprivate func reap() -> Completion? {
        if completesAtOnce { complete() }
        return finished.isEmpty ? nil : finished.removeFirst()
    }

    fileprivate func store(_ bytes: [UInt8], _ target: WriteTarget, _ position: Int) {
        switch target {
        case .segment(let number):
            segments[number]?.replaceSubrange(position..<position + bytes.count, with: bytes)
        case .manifest(let slot):
            let start = slot * 4096 + position
            manifest.replaceSubrange(start..<start + bytes.count, with: bytes)
        }
    }
}

/// One process's view of a ``SimulatedDisk``.
struct SimulatedStorage: Storage, ~Copyable {
    let disk: SimulatedDisk

    init(_ disk: SimulatedDisk) { self.disk = disk }

    var backend: String { "simulated" }
    var path: String { "simulated" }

    func isInUse() -> Bool { !disk.segments.isEmpty }
    func lock() {}
    func arrange() {}

    func segments() -> [SegmentFile] {
        disk.segments.keys.sorted().map { number in
            SegmentFile(number: number, size: disk.segments[number]?.count ?? 0)
        }
    }

    func read(
        segment: UInt64,
        at position: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) -> Int {
        if let failure = disk.readFailure {
            disk.failedReads += 1
            throw failure
        }
        let wanted = position..<position + memory.count
        if let refused = disk.refused, refused.segment == segment, refused.bytes.overlaps(wanted) {
            disk.failedReads += 1
            throw .system("read", path: "simulated", code: 5)
        }
        guard let file = disk.segments[segment] else {
            throw .system("open", path: "segment \(segment)", code: 2)
        }
        let end = min(position + memory.count, file.count)
        guard position < end else { return 0 }
        memory.copyBytes(from: file[position..<end])
        return end - position
    }

    func submitRead(
        segment: UInt64,
        at position: Int,
        into memory: UnsafeMutableRawBufferPointer,
        ticket: UInt64
    ) throws(StorageError) {
        let count = try read(segment: segment, at: position, into: memory)
        disk.finish(Completion(ticket: ticket, failure: nil, count: count))
    }

    func readManifest(slot: Int, into memory: UnsafeMutableRawBufferPointer) {
        memory.copyBytes(from: disk.manifest[slot * 4096..<slot * 4096 + 4096])
    }

    func createSegment(_ number: UInt64, size: Int) {
        disk.segments[number] = [UInt8](repeating: 0, count: size)
    }

    func prepareSegment(_ number: UInt64, size: Int) {
        guard !disk.isFull else {
            disk.prepared = .failed(number, .noSpace(path: "simulated", code: 28))
            return
        }
        createSegment(number, size: size)
        disk.prepared = .ready(number)
    }

    func preparation() -> Preparation { disk.prepared }

    func removeSegment(_ number: UInt64) { disk.segments[number] = nil }

    func resizeSegment(_ number: UInt64, to size: Int) {
        guard let file = disk.segments[number] else { return }
        let missing = max(0, size - file.count)
        disk.segments[number] = file.prefix(size) + [UInt8](repeating: 0, count: missing)
    }

    func submit(
        _ bytes: UnsafeRawBufferPointer,
        to target: WriteTarget,
        at position: Int,
        ticket: UInt64
    ) {
        let write = SimulatedDisk.Write(
            bytes: [UInt8](bytes),
            target: target,
            position: position,
            ticket: ticket
        )
        disk.begin(write)
    }

    func reap() -> Completion? { disk.reap() }

    func poll(nanoseconds: UInt64) -> Bool {
        disk.polls.append(nanoseconds)
        return false
    }

    func wait(nanoseconds: UInt64?) { disk.onWait?(nanoseconds) }

    func write(_ bytes: UnsafeRawBufferPointer, to target: WriteTarget, at position: Int) {
        disk.store([UInt8](bytes), target, position)
    }

    func sync(segment: UInt64) {}
    func release(segment: UInt64) {}
    func drain() {}
}

/// What a tool sees of a ``SimulatedDisk``.
struct SimulatedSource: SegmentSource {
    let disk: SimulatedDisk

    var path: String { "simulated" }

    func segments() -> [SegmentFile] { SimulatedStorage(disk).segments() }

    func read(
        segment: UInt64,
        at position: Int,
        into memory: UnsafeMutableRawBufferPointer
    ) throws(StorageError) -> Int {
        try SimulatedStorage(disk).read(segment: segment, at: position, into: memory)
    }

    func readManifest(slot: Int, into memory: UnsafeMutableRawBufferPointer) {
        SimulatedStorage(disk).readManifest(slot: slot, into: memory)
    }
}
