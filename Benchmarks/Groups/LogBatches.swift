import CommitLog
import Disk
import Primitives
import RecordFormat

/// Batches of the bare commit log against the device, both writing the same size: while a batch is
/// on its way the next one fills, so the device should never wait for the log.
enum LogBatches {
    static let bench = "log batches"
    static let device = "device, size of a batch"
    static let records = [1, 64, 1024]

    private static let kind: UInt8 = 1
    private static let payload = [UInt8](repeating: 0x5a, count: 256)
    private static let rounds = 3

    static func run(_ settings: Settings, _ row: (Measurement) -> Void) throws(Failure) {
        let plan = settings.plan.inRounds(rounds)
        let ways = DeviceFloor.Way.allCases
        for count in records where settings.wants("\(count)") {
            let scratch = try Scratch(in: settings.scratch)
            let path = "\(scratch.path)/floor"
            try DeviceFloor.fillWithZeros(path)
            var log: [Measurement] = []
            var floors = [[Measurement]](repeating: [], count: ways.count)
            for _ in 0..<rounds {
                let run = try measure(count, in: settings.scratch, plan)
                let notes = "\(run.volume), and as much in zeros ahead"
                let clients = "\(count)"
                log.append(
                    Measurement(bench, LogFloor.ring, clients: clients, run.meter, notes: notes)
                )
                for (index, way) in ways.enumerated() {
                    let meter = try DeviceFloor.measure(way, path, bytes: run.bytes, plan)
                    let floor = Run(meter: meter, bytes: run.bytes)
                    floors[index].append(
                        Measurement(
                            device,
                            way.rawValue,
                            clients: clients,
                            meter,
                            notes: floor.volume
                        )
                    )
                }
            }
            for case let middle? in [log.middle] + floors.map(\.middle) { row(middle) }
        }
    }

    private struct Run {
        let meter: Meter
        /// Of a write.
        let bytes: Int

        var volume: String {
            let megabytes = (meter.perSecond ?? 0) * Double(bytes) / 1e6
            return "\(bytes >> 10) KiB a write, \(Int(megabytes.rounded())) MB/s"
        }
    }

    private static func measure(
        _ records: Int,
        in parent: String,
        _ plan: Plan
    ) throws(Failure) -> Run {
        let scratch = try Scratch(in: parent)
        do {
            let store = try UringStorage(path: scratch.path, waker: try Waker())
            return try fill(store, records, plan)
        } catch {
            throw Failure("\(bench): \(error)")
        }
    }

    private static func fill<Store: Storage & ~Copyable>(
        _ store: consuming Store,
        _ records: Int,
        _ plan: Plan
    ) throws(LogError) -> Run {
        let clock = SystemClock()
        var log = try LogFloor.open(store)
        let before = log.statistics
        var meter = Meter(plan)
        var now = Monotonic.now()
        try stage(records, in: &log, at: clock.now().wall)
        while !meter.isOver(at: now) {
            let durable = log.durable
            let start = now
            try stage(records, in: &log, at: clock.now().wall)
            while log.durable == durable {
                // As the engine does where a single client goes on and on.
                if !log.poll(nanoseconds: Limits.haltPoll) { try log.wait(nanoseconds: nil) }
                try log.reap()
                // At the end of a segment it was a roll that was flushed, not the batch.
                if log.durable == durable, log.canFlush {
                    try stage(records, in: &log, at: clock.now().wall)
                }
            }
            now = Monotonic.now()
            meter.complete(start: start, now: now)
        }
        let bytes = log.statistics.bytes - before.bytes
        let writes = log.statistics.writes - before.writes
        try log.close()
        let pages = (Double(bytes) / Double(max(1, writes)) / 4096).rounded()
        return Run(meter: meter, bytes: max(1, Int(pages)) * 4096)
    }

    /// Hands over the batch that is full, if the device takes it, and fills the next.
    private static func stage<Store: Storage & ~Copyable>(
        _ records: Int,
        in log: inout CommitLog<Store>,
        at wall: Timestamp
    ) throws(LogError) {
        try log.flush()
        guard log.flushed == log.staged else { return }
        for _ in 0..<records {
            _ = try log.append(kind: kind, time: wall, trace: nil, cause: nil) {
                $0.bytes(payload)
            }
        }
    }
}
