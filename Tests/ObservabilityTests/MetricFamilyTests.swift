import Events
import Primitives
import Testing

@testable import Observability

@Suite("The engine's own metrics")
struct MetricFamilyTests {
    @Test("runs are counted by how long they took, those that failed by themselves")
    func times() throws {
        let bench = FollowBench()
        bench.log.live(from: .zero)
        // Each record is a millisecond behind the one before.
        bench.complete(bench.invoke("f", cause: nil))
        let slow = bench.invoke("f", cause: nil)
        bench.pass(.seconds(60))
        bench.complete(slow)
        bench.complete(bench.invoke("f", cause: nil), 1, bench.failure)
        let counted = try #require(bench.log.totals.functions[bench.name("f")])
        let bounds = RunTimes.bounds
        let place = try #require(bounds.firstIndex(of: 1_000_000))
        let expected = bounds.indices.map { UInt64($0 < place ? 0 : 1) }
        #expect(counted.succeeded.cumulative == expected, "the slow one is beyond all bounds")
        #expect(counted.succeeded.total == 2)
        #expect(counted.succeeded.sum == 60_002_000_000)
        #expect(counted.failed.cumulative == expected)
        #expect(counted.failed.total == 1)
        var both = counted
        both.add(counted)
        #expect((both.succeeded.total, both.failed.total) == (4, 2))
        #expect(RunTimes().cumulative == bounds.map { _ in 0 })
    }

    @Test("a collector gets a family under the name that iii has for it, with all its histograms")
    func exported() {
        var family = MetricFamily(
            name: "iii_invocation_duration_seconds",
            exportName: "iii.invocation.duration",
            kind: .histogram,
            help: "h"
        )
        for outcome in ["ok", "error"] {
            family.histograms.append(
                MetricFamily.Histogram(
                    labels: [MetricFamily.Label("outcome", outcome)],
                    bounds: [1, 2],
                    cumulative: [1, 3],
                    count: 4,
                    sum: 9
                )
            )
        }
        let time = Timestamp(nanoseconds: 1)
        let told = family.reported(service: "iii", version: "1", at: time)
        #expect(told.name == "iii.invocation.duration")
        #expect(told.unit == "s")
        #expect(told.points.map { $0.attributes["outcome"] } == ["ok", "error"])
        let histogram = MetricPoint.Histogram(
            count: 4,
            sum: 9,
            buckets: [1, 2, 1],
            bounds: [1, 2],
            min: nil,
            max: nil
        )
        #expect(told.points.map(\.value) == [.histogram(histogram), .histogram(histogram)])
    }
}
