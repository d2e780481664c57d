import JSON
import Primitives
import Testing

@testable import Dashboard
@testable import Engine
@testable import Observability

@Suite("Metrics of a picture")
struct MetricsTextTests {
    private typealias Counts = EnginePicture.QueueCounts

    /// A picture with these rows, of queues that have `all` together.
    private func picture(
        _ rows: [EnginePicture.Queue],
        _ all: Counts,
        counts: RecordCounts = RecordCounts(),
        runs: RunTable = RunTable(rows: [], others: FunctionRuns())
    ) -> EnginePicture {
        EnginePicture(
            now: Timestamp(seconds: 0),
            version: 1,
            queues: rows,
            allQueues: all,
            workers: [],
            workerCount: 0,
            functions: nil,
            triggers: nil,
            streams: [],
            counts: counts,
            runs: runs,
            work: EnginePicture.Work(
                workers: 0,
                spawned: 0,
                died: 0,
                functions: 0,
                triggers: 0,
                streams: 0,
                subscribers: 3,
                running: 0,
                requests: 0,
                waitingRequests: 0,
                held: 0,
                droppedTelemetry: 0,
                droppedFirings: 5,
                replies: [:]
            ),
            log: EnginePicture.Log(
                durable: .zero,
                staged: .zero,
                batches: 0,
                writtenBytes: 0,
                syncs: DurationHistogram(),
                sizes: DurationHistogram(),
                shortage: nil
            )
        )
    }

    private func lines(
        _ picture: EnginePicture,
        _ totals: RecordTotals = RecordTotals(),
        of family: String
    ) -> [Substring] {
        let facts = DashboardFacts(
            version: "1",
            started: Timestamp(seconds: 0),
            data: "",
            durability: "sync",
            addresses: [],
            recovery: .null,
            settings: DashboardSettings(inForce: .null, takenAt: Timestamp(seconds: 0))
        )
        let families = MetricsText.families(
            picture,
            HostFigures(),
            totals,
            facts,
            TelemetryFigures(FollowedLog()),
            [],
            inbox: (0, 0)
        )
        let text = String(decoding: PrometheusText(families).bytes, as: UTF8.self)
        return text.split(separator: "\n").filter { $0.hasPrefix(family) }
    }

    @Test("queues without a row are counted in (other), so that all series make all there is")
    func others() {
        let counts = Counts(queues: 1, depth: 2, dead: 1)
        let rows = [EnginePicture.Queue(name: "a", counts: counts, oldest: nil, unserved: [])]
        let tally = EnginePicture.QueueTally(delivered: 9)
        let all = Counts(queues: 5000, depth: 10, dead: 4, tally: tally)
        let dead = lines(picture(rows, all), of: "iii_queue_dead_letters{")
        #expect(
            dead == [
                #"iii_queue_dead_letters{queue="a"} 1"#,
                #"iii_queue_dead_letters{queue="(other)"} 3"#,
            ]
        )
        let depth = lines(picture(rows, all), of: "iii_queue_depth{")
        #expect(depth.last == #"iii_queue_depth{queue="(other)"} 8"#)
        let attempts = lines(picture(rows, all), of: "iii_queue_attempts_total{")
        #expect(attempts.last == #"iii_queue_attempts_total{queue="(other)"} 9"#)
        // Nothing is left.
        #expect(lines(picture(rows, counts), of: "iii_queue_depth{").count == 1)
        let joined = lines(picture(rows, all), of: "iii_stream_subscribers ")
        #expect(joined == ["iii_stream_subscribers 3"])
    }

    @Test("a queue that fills up takes none of its counts away from (other)")
    func steadyQueues() {
        let names = (0...500).map { "q\(1000 + $0)" }
        func attempts(depth: Int) -> Substring? {
            let rows = names.map { name in
                let isLast = name == names.last
                let tally = EnginePicture.QueueTally(delivered: isLast ? 7 : 1)
                let counts = Counts(queues: 1, depth: isLast ? depth : 0, tally: tally)
                return EnginePicture.Queue(name: name, counts: counts, oldest: nil, unserved: [])
            }
            let tally = EnginePicture.QueueTally(delivered: 507)
            let all = Counts(queues: rows.count, depth: depth, tally: tally)
            return lines(picture(rows, all), of: "iii_queue_attempts_total{").last
        }
        let rest = #"iii_queue_attempts_total{queue="(other)"} 7"#
        #expect(attempts(depth: 0).map(String.init) == rest)
        #expect(attempts(depth: 9).map(String.init) == rest)
    }

    @Test("a function that runs most takes none of its counts away from (other)")
    func steadyFunctions() {
        let rows = (0...500).map { number in
            var runs = FunctionRuns()
            runs.calls = number == 500 ? 7 : 1
            return RunTable.Row(function: FunctionName(id: "f\(number)"), runs: runs)
        }
        var others = FunctionRuns()
        others.calls = 2
        let full = picture([], Counts(), runs: RunTable(rows: rows, others: others))
        let runs = lines(full, of: "iii_invocations_total{").last { $0.contains(#""ok""#) }
        let labels = #"function="(other)",namespace="",outcome="ok""#
        #expect(runs.map(String.init) == "iii_invocations_total{\(labels)} 9")
    }

    @Test("what alerts rest on is counted by the engine, whatever who follows the log has seen")
    func unfollowed() {
        var runs = FunctionRuns()
        runs.add(failed: false, took: 500_000_000)
        runs.add(failed: true, took: 1_000_000_000)
        let name = FunctionName(id: "f")
        let row = RunTable.Row(function: name, runs: runs)
        var counts = RecordCounts()
        counts.enqueued = 1
        let table = RunTable(rows: [row], others: FunctionRuns())
        let picture = picture([], Counts(), counts: counts, runs: table)
        func value(_ family: String) -> [String] { lines(picture, of: family).map(String.init) }
        let labels = #"function="f",namespace="\#(name.namespace)""#
        #expect(
            value("iii_invocations_total{") == [
                #"iii_invocations_total{\#(labels),outcome="ok"} 1"#,
                #"iii_invocations_total{\#(labels),outcome="error"} 1"#,
            ]
        )
        #expect(
            value("iii_invocation_errors_total{") == ["iii_invocation_errors_total{\(labels)} 1"]
        )
        #expect(
            value("iii_invocation_seconds_total{")
                == ["iii_invocation_seconds_total{\(labels)} 1.5"]
        )
        #expect(value("iii_messages_enqueued_total ") == ["iii_messages_enqueued_total 1"])
        #expect(
            value("iii_telemetry_triggers_dropped_total ")
                == ["iii_telemetry_triggers_dropped_total 5"]
        )
    }
}
