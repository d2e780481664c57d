import CommitLog
import Disk
import Primitives
import RecordFormat

/// The bare commit log: every appender appends again when its record is durable. All appenders are
/// on the log's own thread, so nothing but the log and the device is measured.
enum LogFloor {
    static let bench = "log append"
    static let ring = "CommitLog, io_uring"
    static let plain = "CommitLog, system calls"

    private static let kind: UInt8 = 1

    static func run(_ settings: Settings, _ row: (Measurement) -> Void) throws(Failure) {
        for appenders in [1, 16, 64, 1024] where settings.wants("\(appenders)") {
            let scratch = try Scratch(in: settings.scratch)
            do {
                let store = try UringStorage(path: scratch.path, waker: try Waker())
                row(try measure(bench, ring, store, appenders, settings.plan))
            } catch {
                throw Failure("\(ring): \(error)")
            }
        }
        for appenders in [1, 16, 64, 1024] where settings.wants("\(appenders)") {
            let scratch = try Scratch(in: settings.scratch)
            do {
                let store = PlainStorage(path: scratch.path, waker: try Waker())
                row(try measure(bench, plain, store, appenders, settings.plan))
            } catch {
                throw Failure("\(plain): \(error)")
            }
        }
    }

    /// Opens an empty log.
    static func open<Store: Storage & ~Copyable>(
        _ store: consuming Store
    ) throws(LogError) -> CommitLog<Store> {
        var entropy = SeededEntropy(seed: 1)
        return try CommitLog(
            opening: LogClaim(store),
            entropy: &entropy,
            now: SystemClock().now().wall,
            replay: { (_) throws(DecodeError) in }
        )
    }

    /// `appenders` that each have one record on its way.
    static func measure<Store: Storage & ~Copyable>(
        _ bench: String,
        _ system: String,
        _ store: consuming Store,
        _ appenders: Int,
        _ plan: Plan
    ) throws(LogError) -> Measurement {
        let clock = SystemClock()
        var log = try LogFloor.open(store)
        let payload = [UInt8](repeating: 0x5a, count: 256)
        // Offsets are contiguous, so the records on their way are a ring.
        var starts = [UInt64](repeating: 0, count: appenders)
        var ready = appenders
        var meter = Meter(plan)
        var now = Monotonic.now()
        while !meter.isOver(at: now) {
            let wall = clock.now().wall
            while ready > 0, log.hasRoom {
                let offset = try log.append(kind: kind, time: wall, trace: nil, cause: nil) {
                    $0.bytes(payload)
                }
                starts[Int(offset.rawValue % UInt64(appenders))] = now
                ready -= 1
            }
            let before = log.durable
            try log.flush()
            try log.wait(nanoseconds: nil)
            try log.reap()
            now = Monotonic.now()
            for offset in before.rawValue..<log.durable.rawValue {
                meter.complete(start: starts[Int(offset % UInt64(appenders))], now: now)
                ready += 1
            }
        }
        let batches = Double(log.durable.rawValue) / Double(max(1, log.statistics.batches))
        let notes = "\(Int(batches.rounded())) records a batch"
        try log.close()
        return Measurement(bench, system, clients: "\(appenders)", meter, notes: notes)
    }
}
