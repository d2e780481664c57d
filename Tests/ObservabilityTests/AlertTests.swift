import Events
import JSON
import Primitives
import Testing

@testable import Observability

@Suite("Alerts")
struct AlertTests {
    private func rule(
        _ metric: String = "iii.workers.active",
        _ comparison: AlertRule.Comparison = .lessThan,
        _ threshold: Double = 1
    ) -> AlertRule {
        AlertRule(name: "a", metric: metric, threshold: threshold, comparison: comparison)
    }

    private func firing(_ bench: inout StoreBench) throws -> [Bool] {
        _ = try bench.ask(.evaluateAlerts)
        return bench.store.takeAlertChanges().map(\.isFiring)
    }

    @Test("an alert fires, rests for its cooldown, fires again, and is over")
    func life() throws {
        var bench = StoreBench { $0.alerts = [rule()] }
        bench.figures["iii.workers.active"] = 1
        #expect(try firing(&bench) == [])
        bench.figures["iii.workers.active"] = 0
        #expect(try firing(&bench) == [true])
        bench.now = bench.now.advanced(by: .seconds(59))
        #expect(try firing(&bench) == [], "it rests")
        #expect(try bench.ask(.listAlerts).member("firing_count")?.description == "1")
        bench.now = bench.now.advanced(by: .seconds(1))
        #expect(try firing(&bench) == [true], "it still stands")
        bench.figures["iii.workers.active"] = 1
        #expect(try firing(&bench) == [false])
        #expect(try firing(&bench) == [])
        bench.figures["iii.workers.active"] = 0
        #expect(try firing(&bench) == [], "it rests, but stands")
        #expect(try bench.ask(.listAlerts).member("firing_count")?.description == "1")
    }

    @Test("one whose metric nobody tells of any more is over, without a number")
    func silent() throws {
        var bench = StoreBench { $0.alerts = [rule("g")] }
        bench.figures["g"] = 0
        #expect(try firing(&bench) == [true])
        bench.figures["g"] = nil
        _ = try bench.ask(.evaluateAlerts)
        let change = try #require(bench.store.takeAlertChanges().first)
        #expect(!change.isFiring)
        #expect(change.value == nil)
        #expect(change.text == "alert a is over: nothing tells of g")
        let told = change.payload(at: bench.now, withState: true)
        #expect(told.member("value")?.isNull == true)
    }

    @Test("lists and evaluations have the keys that they are known by")
    func shapes() throws {
        var bench = StoreBench { $0.alerts = [rule("m", .greaterThanOrEqual, 2)] }
        #expect(
            try bench.ask(.listAlerts).description
                == #"{"alerts":[{"name":"a","firing":false,"last_evaluated":null,"#
                + #""last_triggered":null,"current_value":null,"threshold":2.0,"#
                + #""operator":"greaterthanorequal"}],"firing_count":0,"#
                + #""timestamp":1900000000000,"rules":[{"name":"a","metric":"m","#
                + #""threshold":2.0,"operator":"greaterthanorequal","window_seconds":60,"#
                + #""cooldown_seconds":60,"enabled":true,"action":{"type":"log"}}]}"#
        )
        bench.figures["m"] = 2
        #expect(
            try bench.ask(.evaluateAlerts).description
                == #"{"evaluated":true,"triggered_alerts":[{"alert":"a","metric":"m","value":2.0,"#
                + #""threshold":2.0,"operator":"GreaterThanOrEqual","timestamp":1900000000000}],"#
                + #""timestamp":1900000000000}"#
        )
        let row = try #require(try bench.ask(.listAlerts).member("alerts")?.elements?.first)
        #expect(row.member("firing") == .true)
        #expect(row.member("current_value")?.description == "2.0")
        #expect(row.member("last_triggered")?.description == "1900000000000")
    }

    @Test("what is not enabled, and what nobody has told of, does not fire")
    func quiet() throws {
        var off = rule()
        off.isEnabled = false
        var bench = StoreBench { $0.alerts = [off] }
        bench.figures["iii.workers.active"] = 0
        #expect(try firing(&bench) == [])
        var unknown = StoreBench { $0.alerts = [rule("nobody", .notEqual, 1)] }
        #expect(try firing(&unknown) == [])
    }

    @Test("gauges are averaged, counters summed over their series, within the window")
    func workers() throws {
        var bench = StoreBench()
        let now = bench.now.milliseconds
        bench.add(
            .gauge("g", 100, at: now - 61_000),
            .gauge("g", 2, at: now - 10),
            .gauge("g", 4, at: now),
            .counter("c", 5, "x", at: now - 20),
            .counter("c", 7, "x", at: now - 10),
            .counter("c", 1, "y", at: now)
        )
        func value(_ name: String) -> Double? {
            bench.store.metrics.value(of: name, window: .seconds(60), now: bench.now)
        }
        #expect(value("g") == 3)
        #expect(value("c") == 8, "the newest of either series")
        #expect(value("nobody") == nil)
        bench.add(.counter("d", 5, "x", at: now, .delta), .counter("d", 7, "x", at: now, .delta))
        #expect(value("d") == 12)
    }

    @Test("every sign and every name of a comparison, and what it means")
    func comparisons() {
        for (sign, name, holds) in [
            (">", "GreaterThan", [false, false, true]),
            (">=", "greaterthanorequal", [false, true, true]),
            ("<", "lessthan", [true, false, false]),
            ("<=", "LESSTHANOREQUAL", [true, true, false]),
            ("==", "equal", [false, true, false]), ("!=", "notequal", [true, false, true]),
        ] {
            let comparison = AlertRule.Comparison(sign)
            #expect(comparison == AlertRule.Comparison(name))
            #expect([1.0, 2, 3].map { comparison?.holds($0, 2) } == holds)
        }
        #expect(AlertRule.Comparison("=>") == nil)
    }

    @Test("what records of an earlier life say of an alert stands")
    func earlier() throws {
        var settings = TelemetryStore.Settings()
        settings.alerts = [rule()]
        let bench = FollowBench(telemetry: settings)
        bench.write(
            .alertChanged(
                AlertChanged(
                    alert: "a",
                    metric: "m",
                    value: 0,
                    comparison: "<",
                    threshold: 1,
                    isFiring: true
                )
            )
        )
        let context = TelemetryContext(
            now: bench.now,
            version: "1",
            baggage: nil,
            figures: ["iii.workers.active": 0]
        )
        let found = bench.log.answer(.evaluateAlerts, .emptyObject, context)
        #expect(found.alerts == [], "it was told of before the restart")
    }
}

extension Telemetry {
    static func counter(
        _ name: String,
        _ value: Double,
        _ series: String,
        at milliseconds: Int64,
        _ temporality: MetricReported.Temporality = .cumulative
    ) -> Telemetry {
        .metric(
            MetricReported(
                name: name,
                description: "",
                unit: "",
                service: "shop",
                form: .counter,
                points: [
                    MetricPoint(
                        attributes: [TelemetryAttribute("s", series)],
                        time: Timestamp(milliseconds: milliseconds),
                        value: .number(value)
                    )
                ],
                scope: TelemetryScope(),
                temporality: temporality
            )
        )
    }
}
