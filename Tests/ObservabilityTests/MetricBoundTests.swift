import Events
import JSON
import Primitives
import Testing

@testable import Observability

@Suite("What metrics may take in memory")
struct MetricBoundTests {
    private let now = Timestamp(seconds: 1_900_000_000)

    private func histogram(
        _ name: String,
        buckets: Int,
        at time: Timestamp? = nil,
        _ temporality: MetricReported.Temporality = .delta
    ) -> MetricReported {
        let histogram = MetricPoint.Histogram(
            count: 0,
            sum: 0,
            buckets: Array(repeating: 0, count: buckets),
            bounds: [],
            min: nil,
            max: nil
        )
        let time = time ?? now
        return MetricReported(
            name: name,
            description: "",
            unit: "",
            service: "shop",
            form: .histogram,
            points: [
                MetricPoint(attributes: [], time: time, value: .histogram(histogram), start: time)
            ],
            scope: TelemetryScope(),
            temporality: temporality
        )
    }

    /// How many spans of time a level has of a number that was added in each.
    private func spans(_ rollups: MetricRollups, level: Int) -> Int {
        let end = now.advanced(by: .seconds(3600))
        let start = Timestamp(seconds: 0)
        return rollups.rows(level: level, name: "n", from: start, until: end).numbers.count
    }

    private func number(at time: Timestamp) -> MetricReported {
        MetricReported(
            name: "n",
            description: "",
            unit: "",
            service: "shop",
            form: .gauge,
            points: [MetricPoint(attributes: [], time: time, value: .number(1))],
            scope: TelemetryScope()
        )
    }

    @Test("a histogram has so many buckets, and a metric's name so many bytes")
    func tooLarge() {
        #expect(!Telemetry.metric(histogram("m", buckets: 1000)).isTooLarge)
        #expect(Telemetry.metric(histogram("m", buckets: 1001)).isTooLarge)
        let name = String(repeating: "n", count: Limits.nameBytes)
        #expect(!Telemetry.gauge(name, 1).isTooLarge)
        #expect(Telemetry.gauge(name + "n", 1).isTooLarge)
    }

    @Test("a count of a histogram is a byte in the log, and eight here")
    func size() {
        let small = histogram("m", buckets: 10).byteCount
        #expect(histogram("m", buckets: 1010).byteCount == small + 8000)
    }

    @Test("rollups let the oldest go where there is no room in bytes, and say so")
    func rollups() {
        var rollups = MetricRollups()
        // As old logs may have them: 8 MiB each.
        for hour in 0..<6 {
            let time = now.advanced(by: .seconds(Int64(hour - 5) * 3600))
            rollups.add(number(at: time), at: now)
            rollups.add(histogram("m", buckets: 1 << 20, at: time), at: now)
            #expect(rollups.bytes <= 2 * MetricRollups.bytesMax)
            #expect(rollups.isCut == (hour > 2))
        }
        #expect(spans(rollups, level: 1) == 3)
        #expect(spans(rollups, level: 2) == 3)
    }

    @Test("of one span of time nothing more is kept than there is room for")
    func oneSpan() {
        var rollups = MetricRollups()
        rollups.add(number(at: now), at: now)
        for index in 0..<6 { rollups.add(histogram("m\(index)", buckets: 1 << 20), at: now) }
        #expect(rollups.bytes <= 2 * MetricRollups.bytesMax)
        #expect(rollups.isCut)
        #expect(spans(rollups, level: 2) == 1)
        let few = (0..<300).reduce(into: MetricRollups()) { rollups, index in
            rollups.add(histogram("m\(index)", buckets: 12), at: now)
        }
        #expect(!few.isCut)
    }

    @Test("totals are remembered by so many bytes; what is larger than that adds nothing")
    func growth() {
        var growth = MetricGrowth()
        for index in 0..<9 {
            let metric = histogram("m\(index)", buckets: 300_000, .cumulative)
            #expect(growth.take(metric, at: now).count == 1)
            #expect(growth.latestBytes <= MetricGrowth.bytesMax)
        }
        let huge = histogram("m", buckets: 2 << 20, .cumulative)
        #expect(growth.take(huge, at: now).count == 0)
        #expect(growth.latestBytes <= MetricGrowth.bytesMax)
    }

    @Test("gauges are kept of workers, and not of whatever is called one")
    func gauges() {
        var gauges = LatestGauges()
        func apply(_ worker: String, _ value: Double) {
            let item = Telemetry.gauge("iii.worker.uptime_seconds", value, [("worker.id", worker)])
            if case .metric(let metric) = item { gauges.apply(metric, at: now) }
        }
        func uptime(_ worker: UUID128) -> JSONValue? {
            gauges.latestMetrics(of: worker, runtime: "node", now: now)?["uptime_seconds"]
        }
        let first = UUID128(high: 1, low: 0)
        apply(first.description, 1)
        apply("no id", 2)
        for number in 1..<3000 { apply(UUID128(high: 2, low: UInt64(number)).description, 3) }
        #expect(uptime(first) == .integer(1), "of so many, all are known")
        apply(first.description, 4)
        #expect(uptime(first) == .integer(4))
        for number in 0..<5000 { apply(UUID128(high: 3, low: UInt64(number)).description, 3) }
        #expect(uptime(first) == nil, "who was heard of the longest ago made room")
        #expect(uptime(UUID128(high: 3, low: 4999)) == .integer(3))
    }
}
