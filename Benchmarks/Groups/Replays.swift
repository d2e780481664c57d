import CommitLog
import Disk
import Events
import Glibc
import LogTools
import Primitives
import RecordFormat

/// What it costs to find one request in a log of many: bytes that are read, and time.
enum Replays {
    static let bench = "replay of one request"

    /// The log is made this large, or larger where nothing else is measured, unless that takes
    /// longer than the third figure.
    private static let logBytes = 2 << 30
    private static let largeLogBytes = 10 << 30
    private static let fillNanoseconds: UInt64 = 120_000_000_000
    private static let asked = 21

    static func run(_ settings: Settings, _ row: (Measurement) -> Void) throws(Failure) {
        let scratch = try Scratch(in: settings.scratch)
        let path = "\(scratch.path)/data"
        do {
            let requests = try fill(path, settings.only.isEmpty ? logBytes : largeLogBytes)
            let indexing = try index(path)
            let sizes = "\(size(try bytes(in: "\(path)/log"))) of log, \(requests.count) requests"
            var traces: [TraceID] = []
            let count = requests.count
            for place in 0..<asked {
                traces.append(requests[(2 * place + 1) * count / (2 * asked)])
            }
            row(try measurement(path, traces, "by way of indexes", "\(sizes); \(indexing)"))
            try removeIndexes(path)
            row(try measurement(path, [traces[asked / 2]], "reading everything", sizes))
        } catch {
            throw Failure("\(bench): \(error)")
        }
    }

    private static func measurement(
        _ path: String,
        _ traces: [TraceID],
        _ way: String,
        _ notes: String
    ) throws -> Measurement {
        var times: [UInt64] = []
        var touched: [Int] = []
        var records = 0
        for trace in traces {
            let before = bytesRead()
            let start = Monotonic.now()
            var finder = HistoryFinder(try LogPass(.directory(path)))
            records += HistoryTree(try finder.history(of: .trace(trace))).nodes.count
            times.append(Monotonic.now() - start)
            touched.append(bytesRead() - before)
        }
        times.sort()
        touched.sort()
        return Measurement(
            bench,
            "iii-log",
            clients: "0",
            p50: Double(times[times.count / 2]) / 1000,
            notes: "\(way): \(size(touched[touched.count / 2])) read (most: "
                + "\(size(touched[touched.count - 1]))), \(records / traces.count) records; \(notes)"
        )
    }

    private static func size(_ bytes: Int) -> String {
        let tenths = 10 * bytes >> (bytes < 1 << 30 ? 20 : 30)
        return "\(tenths / 10).\(tenths % 10) \(bytes < 1 << 30 ? "MiB" : "GiB")"
    }

    /// What this process has asked the kernel for, from the cache or the device.
    private static func bytesRead() -> Int {
        let line = File.text("/proc/self/io").split(separator: "\n").first { $0.hasPrefix("rchar") }
        return line?.split(separator: " ").last.flatMap { Int($0) } ?? 0
    }

    private static func bytes(in folder: String) throws(Failure) -> Int {
        var total = 0
        for name in File.names(in: folder) {
            var status = stat()
            guard stat("\(folder)/\(name)", &status) == 0 else { throw .systemCall("stat", name) }
            total += Int(status.st_size)
        }
        return total
    }

    // MARK: Indexes

    private static func index(_ path: String) throws -> String {
        let start = Monotonic.now()
        let folder = IndexFolder(dataDirectory: path)
        let care = SegmentCare(try LogPass(.directory(path)), folder)
        let now = SystemClock().now().wall
        let duties = try care.duties(since: now, now: now)
        for duty in duties {
            guard try care.attend(to: duty, now: now) == .sound else {
                throw Failure("segment \(duty.header.number) is damaged")
            }
        }
        let seconds = Double(Monotonic.now() - start) / 1e9
        let read = duties.reduce(0) { $0 + Int($1.header.size) }
        let indexes = try bytes(in: "\(path)/idx")
        let share = Double(Int(1000 * Double(indexes) / Double(read))) / 10
        return "indexes are \(share) % of it, made at \(Int(Double(read) / seconds / 1e6)) MB/s"
    }

    private static func removeIndexes(_ path: String) throws(Failure) {
        for name in File.names(in: "\(path)/idx") {
            guard unlink("\(path)/idx/\(name)") == 0 else { throw .systemCall("unlink", name) }
        }
    }

    // MARK: The log

    /// Writes requests, many under way at once, as the hello example leaves them behind.
    ///
    /// - Returns: their traces, in order.
    private static func fill(_ path: String, _ logBytes: Int) throws -> [TraceID] {
        var entropy = SeededEntropy(seed: 1)
        let clock = SystemClock()
        var log = try CommitLog(
            opening: LogClaim(PlainStorage(path: path, waker: try Waker())),
            entropy: &entropy,
            now: clock.now().wall,
            replay: { (_) throws(DecodeError) in }
        )
        var traces: [TraceID] = []
        var running = (0..<underWay).map { _ in Request(from: &entropy) }
        let end = Monotonic.now() + fillNanoseconds
        var staged = 0
        while Int(log.activeSegment.number) * LogOptions().segmentBytes < logBytes,
            Monotonic.now() < end
        {
            let now = clock.now().wall
            while staged < batchRecords, log.hasRoom {
                let place = Int(entropy.next() % UInt64(underWay))
                if try running[place].step(&log, at: now, &entropy) {
                    traces.append(running[place].trace)
                    running[place] = Request(from: &entropy)
                }
                staged += 1
            }
            staged = 0
            try log.flush()
            try log.wait(nanoseconds: nil)
            try log.reap()
        }
        try log.close()
        return traces
    }

    private static let underWay = 256
    private static let batchRecords = 512
}

/// One request on its way: a call, a message, a value, and their ends.
private struct Request {
    let trace: TraceID
    private let worker = UUID128(high: 1, low: 1)
    private var records: [Offset] = []
    private static let payload = [UInt8](repeating: 0x31, count: 256)
    private static let function = FunctionName(id: "bench::function")
    private static let span = Timestamp.Span(nanoseconds: 1_000_000)

    init(from entropy: inout SeededEntropy) { trace = TraceID(from: &entropy) }

    /// Appends the next record.
    ///
    /// - Returns: whether it was the last one.
    mutating func step<Store: Storage & ~Copyable>(
        _ log: inout CommitLog<Store>,
        at now: Timestamp,
        _ entropy: inout SeededEntropy
    ) throws(LogError) -> Bool {
        let (event, cause, isLast) = next(&entropy)
        let offset = try log.append(
            kind: event.kind.rawValue,
            time: now,
            trace: trace,
            cause: cause.map { records[$0] }
        ) { event.encode(into: &$0) }
        records.append(offset)
        return isLast
    }

    private func next(_ entropy: inout SeededEntropy) -> (Event, cause: Int?, isLast: Bool) {
        switch records.count {
        case 0: (.triggered(Self.triggered), nil, false)
        case 1: (.invoked(invoked(UUID128(from: &entropy))), 0, false)
        case 2: (.queue(.enqueued(enqueued(UUID128(from: &entropy)))), 1, false)
        case 3: (.completed(completed), 1, false)
        case 4: (.queue(.delivered(delivered(UUID128(from: &entropy)))), 2, false)
        case 5: (.state(.set(Self.set)), 4, false)
        default: (.queue(.acked(acked)), 4, true)
        }
    }

    private static let triggered = Triggered(
        type: "http",
        trigger: "t",
        summary: "POST /bench",
        function: function,
        event: payload
    )

    private static let set = StateSet(
        scope: "bench",
        key: "key",
        value: payload,
        function: "state::set"
    )

    private func invoked(_ invocation: UUID128) -> Invoked {
        Invoked(
            invocation: invocation,
            function: Self.function,
            worker: worker,
            caller: UUID128(high: 0, low: 0),
            awaited: true,
            isCondition: false,
            input: []
        )
    }

    private var completed: Completed {
        Completed(
            invocation: UUID128(high: 0, low: 0),
            result: .value(Self.payload),
            duration: Self.span
        )
    }

    private func enqueued(_ receipt: UUID128) -> Enqueued {
        Enqueued(
            queue: "bench",
            target: Self.function,
            receipt: receipt,
            group: nil,
            baggage: nil,
            payload: Self.payload
        )
    }

    private func delivered(_ invocation: UUID128) -> Delivered {
        Delivered(
            queue: "bench",
            message: records[2],
            worker: worker,
            invocation: invocation,
            attempt: 1
        )
    }

    private var acked: Acked {
        Acked(queue: "bench", message: records[2], result: .none, duration: Self.span)
    }
}
