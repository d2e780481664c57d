import CommitLog
import Disk
import Glibc
import Primitives
import RecordFormat
import SimulationKit
import Testing

/// One record as a test keeps it.
struct Entry: Equatable {
    var time: Timestamp
    var trace: TraceID?
    var cause: Offset?
    var kind: UInt8
    var payload: [UInt8]

    static func == (left: Entry, right: Entry) -> Bool {
        left.time == right.time && left.trace == right.trace && left.cause == right.cause
            && left.kind == right.kind && left.payload.count == right.payload.count
            && left.payload.withUnsafeBytes { first in
                right.payload.withUnsafeBytes { second in
                    guard let start = first.baseAddress, let other = second.baseAddress else {
                        return true
                    }
                    return memcmp(start, other, first.count) == 0
                }
            }
    }

    init(_ view: RecordView) {
        time = view.time
        trace = view.trace
        cause = view.cause
        kind = view.kind
        payload = [UInt8](view.payload)
    }

    init(
        time: Timestamp = Timestamp(seconds: 1),
        trace: TraceID? = nil,
        cause: Offset? = nil,
        kind: UInt8 = 1,
        payload: [UInt8]
    ) {
        self.time = time
        self.trace = trace
        self.cause = cause
        self.kind = kind
        self.payload = payload
    }

    /// A random record at `offset`, small most of the time, with sectors of zeros now and then.
    static func random(at offset: Offset, _ entropy: inout SeededEntropy, most: Int) -> Entry {
        let size =
            switch entropy.next() % 20 {
            case 0: Int(entropy.next() % UInt64(most))
            case 1: 0
            default: Int(entropy.next() % 200)
            }
        let filler = entropy.next() % 8 == 0 ? 0 : UInt8(truncatingIfNeeded: entropy.next())
        var payload = [UInt8](repeating: filler, count: size)
        if filler != 0, size >= 8 {
            let stamp = entropy.next()
            payload.withUnsafeMutableBytes { $0.storeBytes(of: stamp, as: UInt64.self) }
        }
        let distance = 1 + entropy.next() % (offset.rawValue + 1)
        let hasCause = entropy.next() % 2 == 0 && distance <= offset.rawValue
        return Entry(
            time: Timestamp(nanoseconds: Int64(entropy.next() % 1_000_000)),
            trace: entropy.next() % 3 == 0 ? nil : TraceID(high: 7, low: 1 + entropy.next() % 2),
            cause: hasCause ? Offset(offset.rawValue - distance) : nil,
            kind: UInt8(truncatingIfNeeded: entropy.next()),
            payload: payload
        )
    }
}

extension CommitLog where Store: ~Copyable {
    /// Appends `entry` and returns it as it will be read back.
    mutating func append(_ entry: Entry) throws(LogError) -> Entry {
        var entry = entry
        entry.time = stamp(entry.time)
        _ = try append(
            kind: entry.kind,
            time: entry.time,
            trace: entry.trace,
            cause: entry.cause
        ) { writer in
            entry.payload.withUnsafeBytes { writer.raw($0) }
        }
        return entry
    }

    /// Waits until everything staged is durable.
    mutating func settle() throws(LogError) {
        while !isIdle {
            try flush()
            try wait(nanoseconds: nil)
            try reap()
        }
    }
}

/// Small segments, so that a test meets their ends.
let smallOptions = LogOptions(segmentBytes: 32 << 10, firstSegmentBytes: 32 << 10, batchBytes: 8192)

/// Opens the log of a simulated disk.
func open(
    _ disk: SimulatedDisk,
    options: LogOptions = smallOptions,
    _ replay: (RecordView) throws(DecodeError) -> Void = { _ in }
) throws(LogError) -> CommitLog<SimulatedStorage> {
    var entropy = SeededEntropy(seed: disk.entropy.next())
    return try CommitLog(
        opening: LogClaim(SimulatedStorage(disk)),
        options: options,
        entropy: &entropy,
        now: Timestamp(seconds: 1),
        replay: replay
    )
}

/// Writes batches of the given payloads, each durable before the next, and closes the log.
func fill(
    _ disk: SimulatedDisk,
    _ batches: [[[UInt8]]],
    options: LogOptions = smallOptions,
    marks: Bool = false
) throws(LogError) {
    var log = try open(disk, options: options)
    for batch in batches {
        for payload in batch { _ = try log.append(Entry(payload: payload)) }
        try log.settle()
    }
    if marks {
        try log.flushIdle()
        try log.settle()
    }
}

/// Everything that a log holds, and what verification says about it.
func verify(_ disk: SimulatedDisk) throws(LogError) -> (entries: [Offset: Entry], scan: LogScan) {
    var entries: [Offset: Entry] = [:]
    var reader = LogReader(SimulatedStorage(disk))
    let scan = try reader.verify { view in entries[view.offset] = Entry(view) }
    return (entries, scan)
}

/// Whether this machine lets a process have an io_uring; where not, the engine uses plain calls,
/// and the tests of the ring are skipped.
let hasRing: Bool = {
    do throws(StorageError) {
        _ = try UringStorage(path: "/nowhere", waker: try Waker())
        return true
    } catch .ringUnavailable {
        return false
    } catch {
        // For the tests to find.
        return true
    }
}()
