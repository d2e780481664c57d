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
    private func picture(_ rows: [EnginePicture.Queue], _ all: Counts) -> EnginePicture {
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
        var totals = RecordTotals()
        for number in 0...500 {
            var function = RecordTotals.Function()
            function.place = number
            function.calls = number == 500 ? 7 : 1
            totals.functions[FunctionName(id: "f\(number)")] = function
        }
        totals.otherFunctions.calls = 2
        let empty = picture([], Counts())
        func runs() -> Substring? {
            lines(empty, totals, of: "iii_invocations_total{").last { $0.contains(#""ok""#) }
        }
        let labels = #"function="(other)",namespace="",outcome="ok""#
        #expect(runs().map(String.init) == "iii_invocations_total{\(labels)} 9")
    }
}
