import CommitLog
import Disk
import Engine
import Events
import HTTPFunctions
import JSON
import Observability
import Primitives
import Testing

@testable import Server

@Suite("Following the log")
struct LogFollowerTests {
    private let workspace: Workspace
    /// Never too old to be read.
    private static let time = Timestamp(seconds: 4_000_000_000)

    init() throws { workspace = try Workspace() }

    private func span(_ number: UInt64) -> Event {
        .spanReported(
            SpanReported(
                span: number,
                parent: 1,
                name: "work",
                service: "shop",
                start: Self.time,
                end: Self.time,
                status: .ok,
                statusDescription: nil,
                attributes: [],
                events: JSONText.emptyArray.bytes,
                links: JSONText.emptyArray.bytes,
                flags: nil,
                traceState: nil,
                scope: TelemetryScope()
            )
        )
    }

    private func append(
        _ count: UInt64,
        to log: inout CommitLog<PlainStorage>
    ) throws -> Offset {
        for number in 1...count {
            let event = span(number)
            _ = try log.append(
                kind: event.kind.rawValue,
                time: Self.time,
                trace: TraceID(high: 1, low: number),
                cause: nil
            ) { event.encode(into: &$0) }
            if !log.hasRoom || number == count {
                try log.flush()
                try log.reap()
            }
        }
        return log.durable
    }

    @Test("what has ended is told of while there is still more to read")
    func telling() throws {
        let data = "\(workspace.path)/data"
        let configuration = try workspace.load(data: data).configuration
        var entropy = SeededEntropy(seed: 1)
        var log = try CommitLog(
            opening: PlainStorage(path: data, waker: try Waker()),
            entropy: &entropy,
            now: Self.time,
            replay: { _ in }
        )
        let report = Report(isJSON: false)
        let core = try Core(
            configuration,
            outbound: OutboundPolicy(),
            progress: { _ in },
            hasOwnProcessor: true,
            report
        )
        let follower = LogFollower(configuration, core, report: report)
        follower.log.live(from: .zero)
        follower.log.watchTraces(true)
        let end = try append(2000, to: &log)
        core.tail.move(to: end)
        var reader = LogTail(ReadOnlyDirectory(path: data))
        try reader.start(bytes: 64 << 20, before: end)
        var progress = LogFollower.Progress(reader, history: .zero)
        try follower.follow(&progress)
        #expect(follower.log.next == end)
        #expect(core.inbox.load.commands > 0, "reading has not come to its end before")
        try log.close()
    }
}
