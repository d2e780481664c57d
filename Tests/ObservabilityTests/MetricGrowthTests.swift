import Events
import JSON
import Primitives
import Testing

@testable import Observability

@Suite("What totals have grown by")
struct MetricGrowthTests {
    /// When all of them came.
    private let received = Timestamp(seconds: 10_000)

    private func counter(
        _ value: Double,
        at seconds: Int64,
        from start: Int64 = 0,
        _ form: MetricReported.Form = .counter,
        _ temporality: MetricReported.Temporality = .cumulative,
        resource: String = "{}"
    ) -> MetricReported {
        metric(form, temporality, resource, .number(value), at: seconds, from: start)
    }

    private func metric(
        _ form: MetricReported.Form,
        _ temporality: MetricReported.Temporality,
        _ resource: String,
        _ value: MetricPoint.Value,
        at seconds: Int64,
        from start: Int64
    ) -> MetricReported {
        let point = MetricPoint(
            attributes: [],
            time: Timestamp(seconds: seconds),
            value: value,
            start: Timestamp(seconds: start)
        )
        return MetricReported(
            name: "c",
            description: "",
            unit: "",
            service: "shop",
            form: form,
            points: [point],
            scope: TelemetryScope(),
            temporality: temporality,
            resource: Array(resource.utf8)
        )
    }

    private func added(_ metrics: MetricReported...) -> [Double] {
        var growth = MetricGrowth()
        return metrics.flatMap { growth.take($0, at: received) }.compactMap { point -> Double? in
            if case .number(let number) = point.value { number } else { nil }
        }
    }

    @Test("a point of a total adds what came since the one before")
    func totals() {
        #expect(added(counter(10, at: 100, from: 90), counter(25, at: 160, from: 90)) == [10, 15])
        #expect(added(counter(10, at: 100), counter(25, at: 160), counter(25, at: 220)) == [15, 0])
        let old = counter(1000, at: 9000, from: 90)
        #expect(added(old, counter(1001, at: 9060, from: 90)) == [1], "who knows when it grew")
    }

    @Test("a series that begins anew adds all that it tells; a late point adds nothing")
    func anew() {
        let first = counter(10, at: 100, from: 90)
        #expect(added(first, counter(4, at: 160, from: 150)) == [10, 4])
        #expect(added(first, counter(12, at: 160, from: 150)) == [10, 12])
        #expect(added(first, counter(4, at: 160, from: 90)) == [10, 4])
        let late = counter(8, at: 95, from: 90)
        #expect(added(first, late, counter(11, at: 160, from: 90)) == [10, 1])
    }

    @Test("a point from far ahead adds nothing, and those that follow are not late for it")
    func ahead() {
        let first = counter(10, at: 100, from: 90)
        let next = counter(25, at: 160, from: 90)
        #expect(added(first, counter(99, at: 13_601, from: 90), next) == [10, 15])
        #expect(added(first, counter(99, at: 13_600, from: 90), next) == [10, 89])
    }

    @Test("processes of one service are series of their own")
    func processes() {
        let metrics = (1...2).flatMap { step in
            [1.0, 1000].map { size in
                counter(size * Double(step), at: Int64(step) * 60, resource: "{\"of\":\(size)}")
            }
        }
        var growth = MetricGrowth()
        let values = metrics.flatMap { growth.take($0, at: received) }.map(\.value)
        #expect(values == [.number(1), .number(1000)])
    }

    @Test("gauges, parts, and sums that may shrink are taken as they are")
    func asTheyAre() {
        #expect(added(counter(10, at: 1, .gauge), counter(25, at: 2, .gauge)) == [10, 25])
        #expect(
            added(counter(10, at: 1, .upDownCounter), counter(5, at: 2, .upDownCounter))
                == [10, 5]
        )
        #expect(
            added(counter(10, at: 1, .counter, .delta), counter(25, at: 2, .counter, .delta))
                == [10, 25]
        )
    }

    @Test("rollups, of whatever length, and aggregates count a total once")
    func rollups() throws {
        var bench = StoreBench()
        let now = bench.now.milliseconds / 1000
        bench.add(
            .metric(counter(10, at: now - 20, from: now - 30)),
            .metric(counter(25, at: now - 10, from: now - 30))
        )
        func sum(_ function: TelemetryFunction, _ input: String, _ rows: String) throws -> Double {
            let texts = try bench.ask(function, input).column(rows, "sum")
            return texts.reduce(0) { $0 + (Double($1) ?? .nan) }
        }
        for level in 0...2 {
            #expect(try sum(.listRollups, "{\"level\":\(level)}", "rollups") == 25)
        }
        let whole = #"{"aggregate_interval":3600}"#
        #expect(try sum(.listMetrics, whole, "aggregated_metrics") == 25)
        let rest = #"{"aggregate_interval":3600,"start_time":\#((now - 15) * 1000)}"#
        #expect(try sum(.listMetrics, rest, "aggregated_metrics") == 15)
    }

    @Test("histograms are subtracted by their buckets")
    func histograms() throws {
        func histogram(_ counts: [UInt64], _ sum: Double, at seconds: Int64) -> MetricReported {
            let histogram = MetricPoint.Histogram(
                count: counts.reduce(0, +),
                sum: sum,
                buckets: counts,
                bounds: [1],
                min: 0.5,
                max: 3
            )
            return metric(
                .histogram,
                .cumulative,
                "",
                .histogram(histogram),
                at: seconds,
                from: 10
            )
        }
        var growth = MetricGrowth()
        #expect(growth.take(histogram([1, 2], 7, at: 20), at: received).count == 1)
        let added = try #require(growth.take(histogram([1, 5], 16, at: 30), at: received).first)
        let expected = MetricPoint.Histogram(
            count: 3,
            sum: 9,
            buckets: [0, 3],
            bounds: [1],
            min: nil,
            max: nil
        )
        #expect(added.value == .histogram(expected))
    }
}
