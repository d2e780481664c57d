import CommitLog
import Disk
import Events
import Foundation
import LogTools
import Primitives
import RecordFormat

/// Records as an engine would have written them, offsets dense from 0, times in milliseconds since
/// ``start``.
struct Story {
    struct Entry {
        let kind: UInt8
        let payload: [UInt8]
        let time: Timestamp
        let trace: TraceID?
        let cause: Offset?
    }

    /// 2026-09-01T12:00:00Z
    static let start = Timestamp(seconds: 1_788_264_000)
    static let trace = TraceParent("00-0af7651916cd43dd8448eb211c80319c-00000000000000ff-01")?.trace
    static let worker = UUID128(high: 0xaaaa, low: 1)
    static let greeter = UUID128(high: 0xbbbb, low: 2)
    static let nobody = UUID128(high: 0, low: 0)
    static let receipt = UUID128(high: 0x1111, low: 0x2222)

    private(set) var entries: [Entry] = []
    private var elapsed: Double = 0

    @discardableResult
    mutating func add(
        _ event: Event,
        at milliseconds: Double? = nil,
        trace: TraceID? = Story.trace,
        cause: Offset? = nil
    ) -> Offset {
        add(kind: event.kind.rawValue, Self.encoded(event), at: milliseconds, trace, cause)
    }

    @discardableResult
    mutating func add(
        kind: UInt8,
        _ payload: [UInt8],
        at milliseconds: Double? = nil,
        _ trace: TraceID? = Story.trace,
        _ cause: Offset? = nil
    ) -> Offset {
        elapsed = milliseconds ?? elapsed
        let nanoseconds = Int64((elapsed * 1_000_000).rounded())
        let time = Self.start.advanced(by: .init(nanoseconds: nanoseconds))
        entries.append(
            Entry(kind: kind, payload: payload, time: time, trace: trace, cause: cause)
        )
        return Offset(UInt64(entries.count - 1))
    }

    static func encoded(_ event: Event) -> [UInt8] {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 8)
        defer { memory.deallocate() }
        var writer = ByteWriter(memory)
        event.encode(into: &writer)
        precondition(!writer.overflowed)
        return [UInt8](memory[..<writer.count])
    }

    /// The records one after the other, as a pass would hand them over.
    func forEach(_ body: (RecordView) -> Void) {
        for (index, entry) in entries.enumerated() {
            entry.payload.withUnsafeBytes { bytes in
                body(
                    RecordView(
                        offset: Offset(UInt64(index)),
                        time: entry.time,
                        trace: entry.trace,
                        cause: entry.cause,
                        kind: entry.kind,
                        payload: bytes
                    )
                )
            }
        }
    }

    func history(of trace: TraceID? = Story.trace, root: Offset? = nil) throws -> HistoryTree {
        var collector = HistoryCollector(trace: trace, root: root)
        forEach { collector.take($0) }
        struct Nothing: Error {}
        guard let history = collector.finish() else { throw Nothing() }
        return HistoryTree(history)
    }

    func text(of trace: TraceID? = Story.trace, isFull: Bool = false) throws -> String {
        let output = Output()
        HistoryText(isFull: isFull).write(tree: try history(of: trace), to: output)
        return output.collected
    }
}

extension Story {
    static func json(_ text: String) -> [UInt8] { Array(text.utf8) }

    /// The engine, and the two workers of hello.
    mutating func begin() {
        add(.started(Started(version: "0.1.0", process: 77)), at: -1000, trace: nil)
        for (id, name) in [(Self.worker, "hello-worker"), (Self.greeter, "greeter")] {
            add(.workerJoined(WorkerJoined(worker: id, address: "127.0.0.1:5000")), trace: nil)
            add(
                .workerDescribed(
                    WorkerDescribed(
                        worker: id,
                        name: name,
                        namespace: "default",
                        runtime: "python",
                        version: "0.25.0"
                    )
                ),
                trace: nil
            )
        }
    }

    mutating func request(at time: Double = 0) -> Offset {
        let triggered = add(
            .triggered(
                Triggered(
                    type: "http",
                    trigger: "hello-http",
                    summary: "GET /hello",
                    function: FunctionName(id: "hello::api"),
                    event: Self.json(#"{"path":"hello","method":"GET"}"#)
                )
            ),
            at: time
        )
        return invoke("hello::api", by: Self.worker, at: time + 0.1, cause: triggered)
    }

    mutating func invoke(
        _ function: String,
        by worker: UUID128,
        at time: Double,
        cause: Offset?,
        trace: TraceID? = Story.trace
    ) -> Offset {
        add(
            .invoked(
                Invoked(
                    invocation: UUID128(high: 0xcccc, low: UInt64(entries.count)),
                    function: FunctionName(id: function),
                    worker: worker,
                    caller: Self.nobody,
                    awaited: true,
                    isCondition: false,
                    input: []
                )
            ),
            at: time,
            trace: trace,
            cause: cause
        )
    }

    @discardableResult
    mutating func complete(
        _ start: Offset,
        at time: Double,
        _ result: FunctionResult,
        took: Double,
        trace: TraceID? = Story.trace
    ) -> Offset {
        add(
            .completed(
                Completed(
                    invocation: Self.nobody,
                    result: result,
                    duration: .init(nanoseconds: Int64((took * 1_000_000).rounded()))
                )
            ),
            at: time,
            trace: trace,
            cause: start
        )
    }

    mutating func enqueue(
        _ queue: String,
        _ target: String?,
        at time: Double,
        cause: Offset?,
        payload: String = #"{"id":"abc123"}"#
    ) -> Offset {
        add(
            .queue(
                .enqueued(
                    Enqueued(
                        queue: queue,
                        target: target.map { FunctionName(id: $0) },
                        receipt: Self.receipt,
                        group: nil,
                        baggage: nil,
                        payload: Self.json(payload)
                    )
                )
            ),
            at: time,
            cause: cause
        )
    }

    mutating func deliver(
        _ message: Offset,
        of queue: String,
        attempt: UInt32 = 1,
        at time: Double
    ) -> Offset {
        add(
            .queue(
                .delivered(
                    Delivered(
                        queue: queue,
                        message: message,
                        worker: Self.greeter,
                        invocation: UUID128(high: 0xdddd, low: UInt64(entries.count)),
                        attempt: attempt
                    )
                )
            ),
            at: time,
            cause: message
        )
    }

    mutating func setGreeting(at time: Double, cause: Offset) {
        add(
            .state(
                .set(
                    StateSet(
                        scope: "greetings",
                        key: "abc123",
                        value: Self.json(#"{"text":"Hello"}"#),
                        function: "state::set"
                    )
                )
            ),
            at: time,
            cause: cause
        )
    }

    mutating func ack(_ delivery: Offset, _ message: Offset, of queue: String, at time: Double) {
        add(
            .queue(
                .acked(
                    Acked(
                        queue: queue,
                        message: message,
                        result: .none,
                        duration: .milliseconds(3)
                    )
                )
            ),
            at: time,
            cause: delivery
        )
    }

    /// The seed's hello, over a function queue or over a topic.
    static func hello(topic: Bool = false) -> Story {
        let queue = topic ? "greetings::greet::process@default" : "default"
        var story = Story()
        story.begin()
        let api = story.request()
        story.log("got it", "hello-worker", at: 1)
        let message =
            topic
            ? story.enqueue("greetings", nil, at: 1.2, cause: api)
            : story.enqueue("default", "greet::process", at: 1.2, cause: api)
        let delivery = story.deliver(message, of: queue, at: 1.3)
        let answer = json(#"{"status_code":200,"body":{"message":"Hello"}}"#)
        story.complete(api, at: 4.2, .value(answer), took: 4.1)
        story.setGreeting(at: 4.25, cause: delivery)
        story.ack(delivery, message, of: queue, at: 4.3)
        return story
    }
}

/// A directory that is gone with this object.
final class Scratch {
    let path: String

    init() throws {
        path =
            FileManager.default.temporaryDirectory
            .appendingPathComponent("log-tools-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// A story in a data directory, as the log writes it.
struct StoredLog {
    let scratch: Scratch
    var path: String { "\(scratch.path)/data" }

    /// Writes batches of so many `records`; a segment has room for 13 small ones. Another `seed` is
    /// another engine.
    init(_ story: Story, records: Int = 1, segmentBytes: Int = 64 << 10, seed: UInt64 = 7) throws {
        scratch = try Scratch()
        try write(story, records, segmentBytes, seed: seed)
    }

    /// Goes on with what the story has behind the records that are there.
    func goOn(_ story: Story) throws { try write(story, 1, 64 << 10, seed: 8) }

    private func write(
        _ story: Story,
        _ records: Int,
        _ segmentBytes: Int,
        seed: UInt64
    ) throws {
        var random = SeededEntropy(seed: seed)
        let options = LogOptions(segmentBytes: segmentBytes, firstSegmentBytes: segmentBytes)
        var log = try CommitLog(
            opening: LogClaim(PlainStorage(path: "\(scratch.path)/data", waker: try Waker())),
            options: options,
            entropy: &random,
            now: Story.start
        ) { _ in }
        for (index, entry) in story.entries.enumerated().dropFirst(Int(log.staged.rawValue)) {
            _ = try log.append(
                kind: entry.kind,
                time: entry.time,
                trace: entry.trace,
                cause: entry.cause
            ) { $0.rawBytes(entry.payload) }
            guard index % records == records - 1 else { continue }
            while log.durable < log.staged {
                try log.flush()
                try log.reap()
                if log.durable < log.staged { try log.wait(nanoseconds: 1_000_000) }
            }
        }
        try log.close()
    }

    var pass: LogPass { get throws { try LogPass(.directory(path)) } }

    var segmentPaths: [String] {
        get throws {
            try FileManager.default.contentsOfDirectory(atPath: "\(path)/log").sorted()
                .map { "\(path)/log/\($0)" }
        }
    }

    func change(segment: Int, _ body: (inout [UInt8]) -> Void) throws {
        let url = URL(fileURLWithPath: try segmentPaths[segment])
        var bytes = [UInt8](try Data(contentsOf: url))
        body(&bytes)
        try Data(bytes).write(to: url, options: .atomic)
    }
}

extension ByteWriter {
    fileprivate mutating func rawBytes(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { raw($0) }
    }
}
