import CommitLog
import Disk
import Events
import Glibc
import Primitives
import RecordFormat

/// How long an engine takes to be ready on a log of millions of records: folding all of them, and
/// from the snapshot that it makes of them.
enum Restart {
    static let bench = "start, 10 million records"

    private static let records = 10_000_000
    /// Keys with a value, and messages that wait.
    private static let live = 1_000_000
    private static let payload = [UInt8](repeating: 0x31, count: 64)
    private static let target = FunctionName(id: "bench::nobody")

    static func run(_ settings: Settings, _ row: (Measurement) -> Void) throws(Failure) {
        let scratch = try Scratch(in: settings.scratch)
        do {
            try fill("\(scratch.path)/data")
        } catch {
            throw Failure("a log of \(records) records: \(error)")
        }
        do {
            let engine = try EngineProcess(program: settings.engine, on: scratch)
            row(try measurement(engine, "folding every record"))
            try waitForSnapshot("\(scratch.path)/data/snap")
        }
        let engine = try EngineProcess(program: settings.engine, on: scratch)
        row(try measurement(engine, "from a snapshot"))
    }

    private static func measurement(
        _ engine: EngineProcess,
        _ way: String
    ) throws(Failure) -> Measurement {
        let bytes = try engine.child.residentBytes()
        let seconds = Double(engine.startNanoseconds) / 1e9
        let rate = Int(Double(records) / seconds / 1000)
        return Measurement(
            bench,
            "iii",
            clients: "0",
            p50: Double(engine.startNanoseconds) / 1000,
            residentBytes: bytes,
            notes: "exec to listening, \(way): \(rate) thousand records a second; "
                + "\(bytes >> 20) MiB resident; \(live) keys, \(live) messages"
        )
    }

    /// Waits for one of nearly the whole log: the first one comes in steps.
    private static func waitForSnapshot(_ folder: String) throws(Failure) {
        let deadline = Monotonic.now() + 120_000_000_000
        while Monotonic.now() < deadline {
            let ends = File.names(in: folder).filter { $0.hasSuffix(".snap") }
                .compactMap { Int($0.dropLast(5)) }
            if let end = ends.max(), end > records / 10 * 9 { return }
            usleep(10_000)
        }
        throw Failure("no snapshot in \(folder) after 120 s")
    }

    // MARK: The log

    private static func fill(_ path: String) throws {
        var entropy = SeededEntropy(seed: 1)
        let now = SystemClock().now().wall
        var log = try CommitLog(
            opening: LogClaim(PlainStorage(path: path, waker: try Waker())),
            entropy: &entropy,
            now: now,
            replay: { (_) throws(DecodeError) in }
        )
        var written = 0
        while written < records {
            for event in events(written, &entropy, next: log.staged) {
                _ = try log.append(
                    kind: event.kind.rawValue,
                    time: now,
                    trace: nil,
                    cause: nil
                ) { event.encode(into: &$0) }
                written += 1
            }
            guard written % 1000 < 3 || !log.hasRoom else { continue }
            try log.flush()
            try log.wait(nanoseconds: nil)
            try log.reap()
        }
        try log.close()
    }

    /// First the keys, then the messages that wait; then jobs that were done.
    private static func events(
        _ written: Int,
        _ entropy: inout SeededEntropy,
        next: Offset
    ) -> [Event] {
        guard written >= live else {
            let set = StateSet(
                scope: "bench",
                key: "key-\(written)",
                value: payload,
                function: "state::set"
            )
            return [.state(.set(set))]
        }
        let enqueued = Enqueued(
            queue: "bench",
            target: target,
            receipt: UUID128(from: &entropy),
            group: nil,
            baggage: nil,
            payload: payload
        )
        guard written >= 2 * live else { return [.queue(.enqueued(enqueued))] }
        let delivered = Delivered(
            queue: "bench",
            message: next,
            worker: UUID128(high: 1, low: 1),
            invocation: UUID128(from: &entropy),
            attempt: 1
        )
        let acked = Acked(
            queue: "bench",
            message: next,
            result: .none,
            duration: Timestamp.Span(nanoseconds: 1_000_000)
        )
        return [.queue(.enqueued(enqueued)), .queue(.delivered(delivered)), .queue(.acked(acked))]
    }
}
