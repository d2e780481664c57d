import CommitLog
import Folding
import Glibc
import LogTools
import Primitives
import RecordFormat

/// What compression of sealed segments saves on the log of the hello workload, what it costs, and
/// how fast a log is verified before and after. Rates are bytes a second: of the segment files that
/// are written anew, and of those that are verified.
enum Compressing {
    static let bench = "sealed segments written anew"
    static let verifying = "verify --full"
    static let plain = "as written"
    static let compressed = "compressed"

    private static let requests = 100_000

    static func run(_ settings: Settings, _ row: (Measurement) -> Void) throws(Failure) {
        let scratch = try Scratch(in: settings.scratch)
        do {
            let engine = try EngineProcess(
                program: settings.engine,
                on: scratch,
                concurrency: 64,
                log: "compression = \"none\"\nsegment_bytes = \"16MiB\""
            )
            try HelloLoad(engine).run(requests: requests)
        }
        let path = "\(scratch.path)/data"
        do {
            row(try verify(path, plain))
            row(try compress(path))
            row(try verify(path, compressed))
        } catch {
            throw Failure("\(error)")
        }
    }

    /// Time that passed and that the processors of this program worked, in seconds.
    private struct Cost {
        let seconds: Double
        let processor: Double

        init(of work: () throws -> Void) rethrows {
            let start = Monotonic.now()
            let before = Self.processorSeconds()
            try work()
            processor = Self.processorSeconds() - before
            seconds = Double(Monotonic.now() - start) / 1e9
        }

        private static func processorSeconds() -> Double {
            var time = timespec()
            clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
            return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        }
    }

    private static func measurement(
        _ bench: String,
        _ system: String,
        bytes: Int,
        _ cost: Cost,
        _ notes: String
    ) -> Measurement {
        var row = Measurement(bench, system, clients: "0", notes: notes)
        row.perSecond = Double(bytes) / cost.seconds
        let share = Int(100 * cost.processor / cost.seconds)
        row.add(note: "\(share) % of a processor for \(rounded(cost.seconds, 100)) s")
        return row
    }

    private static func rounded(_ value: Double, _ scale: Double) -> Double {
        (value * scale).rounded() / scale
    }

    private static func verify(_ path: String, _ system: String) throws -> Measurement {
        let list = try SegmentList(LogPass(.directory(path))).segments
        let fileBytes = list.reduce(0) { $0 + $1.byteCount }
        let plainBytes = list.reduce(0) { $0 + $1.plainBytes }
        var records = 0
        let cost = try Cost {
            let verification = try Verification(LogPass(.directory(path)), depth: .full)
            guard verification.verdict.rawValue < 2 else { throw Failure("the log is damaged") }
            records = verification.records
        }
        let rate = rounded(Double(plainBytes) / cost.seconds / 1e9, 100)
        return measurement(
            verifying,
            system,
            bytes: fileBytes,
            cost,
            "\(fileBytes >> 20) MiB of files, \(plainBytes >> 20) MiB of records once decompressed "
                + "(\(rate) GB/s), \(records) records"
        )
    }

    private static func compress(_ path: String) throws -> Measurement {
        var views = Views(cacheBytes: 0)
        var reader = LogReader(directory: path)
        _ = try reader.read { record throws(DecodeError) in try views.apply(record) }
        // The last one is still written to.
        let segments = try reader.headers()
        let sealed = segments.dropLast().reduce(0) { $0 + $1.fileBytes }
        let last = segments.last?.header.base ?? .zero
        let policy = Compaction.Policy(age: nil, bytes: nil, compression: .zstd)
        var outcome = Compaction.Outcome()
        let files = DirectoryFiles(path: path)
        let now = SystemClock().now().wall
        let cost = try Cost {
            outcome = try Compaction(files, views: views, limit: last).run(policy, now: now)
        }
        let list = try SegmentList(LogPass(.directory(path))).segments.prefix(outcome.segments)
        let stored = list.reduce(0) { $0 + $1.storedBytes }
        let bodies = list.reduce(0) { $0 + $1.plainBytes }
        let ratio = Double(sealed) / Double(sealed - outcome.bytes)
        return measurement(
            bench,
            compressed,
            bytes: sealed,
            cost,
            "files \(rounded(ratio, 100)) times smaller, their batches "
                + "\(rounded(Double(bodies) / Double(max(1, stored)), 100)) times; "
                + "\(outcome.segments) segments"
        )
    }
}
