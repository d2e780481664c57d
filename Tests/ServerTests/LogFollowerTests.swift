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
    private static let future = Timestamp(seconds: 4_000_000_000)

    init() throws { workspace = try Workspace() }

    private func span(_ number: UInt64) -> Event {
        .spanReported(
            SpanReported(
                span: number,
                parent: 1,
                name: "work",
                service: "shop",
                start: Self.future,
                end: Self.future,
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
        at time: Timestamp,
        to log: inout CommitLog<PlainStorage>
    ) throws -> Offset {
        for number in 1...count {
            let event = span(number)
            _ = try log.append(
                kind: event.kind.rawValue,
                time: time,
                trace: TraceID(high: 1, low: number),
                cause: nil
            ) { event.encode(into: &$0) }
            if number.isMultiple(of: 500) || number == count {
                try log.flush()
                try log.reap()
            }
        }
        return log.durable
    }

    /// The path of a log of so many records, and its end.
    private func log(_ count: UInt64, at time: Timestamp) throws -> (path: String, end: Offset) {
        let data = "\(workspace.path)/data"
        var entropy = SeededEntropy(seed: 1)
        var log = try CommitLog(
            opening: LogClaim(PlainStorage(path: data, waker: try Waker())),
            entropy: &entropy,
            now: time,
            replay: { _ in }
        )
        let end = try append(count, at: time, to: &log)
        try log.close()
        return (data, end)
    }

    /// What was told by a follower that has read a log of so many records to its end.
    private func follow(
        _ count: UInt64,
        at time: Timestamp
    ) throws -> (followed: FollowedLog, inbox: Inbox) {
        let (data, end) = try log(count, at: time)
        let configuration = try workspace.load(data: data).configuration
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
        core.tail.move(to: end)
        var reader = LogTail(ReadOnlyDirectory(path: data))
        try reader.start(bytes: 64 << 20, before: end)
        var progress = LogFollower.Progress(reader, history: .zero)
        try follower.follow(&progress)
        #expect(follower.log.next == end)
        return (follower.log, core.inbox)
    }

    @Test("what has ended is told of while there is still more to read")
    func telling() throws {
        let (_, inbox) = try follow(2000, at: Self.future)
        #expect(inbox.load.commands > 0, "reading has not come to its end before")
    }

    @Test("damage that it comes upon is told of as damage of a segment")
    func damage() {
        let lost = Offset(388)..<Offset(394)
        let damage = Damage(.missingBatches, segment: 4, position: 438_272, lost: lost)
        let notice = LogFollower.notice(of: .damaged([damage]), in: "/data")
        #expect(notice.severity == .error)
        #expect(notice.text.hasPrefix("segment 4 is damaged on disk"), "\(notice.text)")
        #expect(notice.text.contains("at byte 438272"), "\(notice.text)")
        #expect(notice.text.contains("offsets 388..<394 cannot be served"), "\(notice.text)")
        #expect(notice.text.contains("`iii-log -D /data verify`"), "\(notice.text)")
        let refused = LogError.storage(.system("read", path: "/data/log", code: 5))
        #expect(LogFollower.notice(of: refused, in: "/data").severity == .warning)
    }

    @Test("what is old is passed over only where there is much of it", arguments: [2000, 30_000])
    func overtaken(count: Int) throws {
        let (followed, _) = try follow(UInt64(count), at: Timestamp(seconds: 1_700_000_000))
        #expect((followed.skipped > 0) == (count > 5000), "\(followed.skipped)")
    }
}
