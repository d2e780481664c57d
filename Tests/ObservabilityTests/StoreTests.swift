import Events
import JSON
import Primitives
import Testing

@testable import Observability

@Suite("Logs and metrics that are kept")
struct StoreTests {
    @Test("a row has the keys of a log line")
    func logRow() throws {
        var bench = StoreBench()
        bench.add(.log("m", trace: 1, span: 2, at: 5))
        #expect(
            try bench.ask(.listLogs, #"{"limit":1}"#).description
                == #"{"logs":[{"timestamp_unix_nano":5000000,"#
                + #""observed_timestamp_unix_nano":1900000000000000000,"severity_number":9,"#
                + #""severity_text":"INFO","body":"m","attributes":{},"#
                + #""trace_id":"00000000000000000000000000000001","span_id":"0000000000000002","#
                + #""resource":{},"service_name":"shop"}],"total":1,"query":{"start_time":null,"#
                + #""end_time":null,"trace_id":null,"span_id":null,"severity_min":null,"#
                + #""severity_text":null,"offset":0,"limit":1},"timestamp":1900000000000}"#
        )
        bench.add(.log("bare"))
        let bare = try bench.ask(.listLogs).member("logs")?.elements?.first
        #expect(bare?.member("trace_id") == .null)
        #expect(bare?.member("span_id") == .null)
        #expect(bare?.member("timestamp_unix_nano")?.description == "1900000000000000000")
    }

    @Test(
        "logs are listed newest first, and filtered",
        arguments: [
            ("{}", ["c", "b", "a"]), (#"{"offset":1,"limit":1}"#, ["b"]),
            (#"{"severity_min":13}"#, ["c", "b"]), (#"{"severity_text":"warn"}"#, ["b"]),
            (#"{"start_time":20}"#, ["c", "b"]), (#"{"end_time":20}"#, ["b", "a"]),
            (#"{"trace_id":"00000000000000000000000000000002"}"#, ["b"]),
            (#"{"span_id":"0000000000000003"}"#, ["c"]),
            (#"{"start_time":9223372036854775807}"#, []),
        ]
    )
    func logs(input: String, expected: [String]) throws {
        var bench = StoreBench()
        bench.add(
            .log("a", severity: 9, trace: 1, at: 10),
            .log("b", severity: 13, trace: 2, at: 20),
            .log("c", severity: 17, span: 3, at: 30)
        )
        #expect(
            try bench.ask(.listLogs, input).column("logs", "body") == expected.map { "\"\($0)\"" }
        )
    }

    @Test("what is older than an hour is gone")
    func age() throws {
        var bench = StoreBench()
        bench.add(.log("a"), .gauge("g", 1))
        bench.now = bench.now.advanced(by: .seconds(3601))
        #expect(try bench.ask(.listLogs).member("total")?.description == "0")
        #expect(try bench.ask(.listMetrics).member("sdk_metrics") == .emptyArray)
        bench.add(.log("b"))
        #expect(try bench.ask(.clearLogs).description == #"{"success":true}"#)
        #expect(try bench.ask(.listLogs).member("total")?.description == "0")
    }

    @Test("a metric's row has its keys, and a histogram's point its own")
    func metricRow() throws {
        var bench = StoreBench()
        bench.add(.gauge("g", 1.5, at: 7, [("k", "v")]))
        let histogram = MetricPoint.Histogram(
            count: 3,
            sum: 2,
            buckets: [1, 2],
            bounds: [0.5],
            min: 0.25,
            max: nil
        )
        let point = MetricPoint(
            attributes: [],
            time: Timestamp(milliseconds: 8),
            value: .histogram(histogram)
        )
        bench.add(
            .metric(
                MetricReported(
                    name: "h",
                    description: "d",
                    unit: "s",
                    service: "shop",
                    form: .histogram,
                    points: [point],
                    scope: TelemetryScope(name: "lib", version: "1")
                )
            )
        )
        let list = try bench.ask(.listMetrics)
        #expect(list.member("query") == nil)
        #expect(
            list.member("sdk_metrics")?.description
                == #"[{"name":"g","description":"","unit":"By","metric_type":"gauge","#
                + #""data_points":[{"value":1.5,"attributes":[["k","v"]],"#
                + #""timestamp_unix_nano":7000000}],"service_name":"shop","#
                + #""timestamp_unix_nano":7000000},{"name":"h","description":"d","unit":"s","#
                + #""metric_type":"histogram","data_points":[{"count":3,"sum":2.0,"#
                + #""bucket_counts":[1,2],"explicit_bounds":[0.5],"min":0.25,"max":null,"#
                + #""attributes":[],"timestamp_unix_nano":8000000}],"service_name":"shop","#
                + #""timestamp_unix_nano":8000000,"instrumentation_scope_name":"lib","#
                + #""instrumentation_scope_version":"1"}]"#
        )
    }

    @Test("metrics are filtered, and put together in equal spans of time")
    func aggregates() throws {
        var bench = StoreBench()
        for (value, time) in [(1.0, 1000), (3, 9000), (5, 11_000)] {
            bench.add(.gauge("g", value, at: Int64(time)))
        }
        bench.add(.gauge("other", 9, at: 1000))
        let input = #"{"metric_name":"g","aggregate_interval":10,"end_time":9000}"#
        let list = try bench.ask(.listMetrics, input)
        #expect(list.column("sdk_metrics", "name") == [#""g""#, #""g""#])
        #expect(
            list.member("aggregated_metrics")?.description
                == #"[{"name":"g","bucket_start_ns":0,"bucket_end_ns":10000000000,"count":2,"#
                + #""sum":4.0,"min":1.0,"max":3.0,"avg":2.0,"percentiles":{"p50":1.0,"p75":3.0,"#
                + #""p90":3.0,"p95":3.0,"p99":3.0}}]"#
        )
        #expect(
            list.member("query")?.description
                == #"{"start_time":null,"end_time":9000,"metric_name":"g","aggregate_interval":10}"#
        )
        let whole = #"{"metric_name":"g","aggregate_interval":9223372036854775807}"#
        let spans = try bench.ask(.listMetrics, whole).column("aggregated_metrics", "bucket_end_ns")
        #expect(spans == ["9223372036854775807"])
        #expect(
            try bench.ask(.listMetrics, #"{"aggregate_interval":10,"metric_name":"x"}"#)
                .member("aggregated_metrics") == nil
        )
        #expect(
            bench.failure(.listMetrics, #"{"start_time":9223372036854775807}"#)
                == "time_value_overflow"
        )
    }

    @Test("rollups are of the last hour, by minutes, unless told otherwise")
    func rollups() throws {
        var bench = StoreBench()
        let now = bench.now.milliseconds
        bench.add(.gauge("g", 1, at: now - 1000), .gauge("g", 2, at: now - 100_000))
        bench.add(.gauge("g", 3, at: now - 3_700_000))
        let list = try bench.ask(.listRollups)
        #expect(list.column("rollups", "sum") == ["2.0", "1.0"])
        #expect(list.member("level")?.description == "0")
        #expect(list.member("source")?.stringValue == "on_the_fly")
        #expect(try bench.ask(.listRollups, #"{"level":2}"#).column("rollups", "count") == ["2"])
        #expect(
            try bench.ask(.listRollups, #"{"start_time":0}"#).column("rollups", "sum").count == 3
        )
        #expect(bench.failure(.listRollups, #"{"level":3}"#) == "deserialization_error")
    }

    @Test("longer rollups outlive the points that they are made of")
    func longRollups() throws {
        var bench = StoreBench { $0.metricAge = .seconds(60) }
        let start = bench.now.milliseconds
        bench.add(.gauge("g", 1, at: start), .gauge("g", 5, at: start), .gauge("h", 9, at: start))
        bench.now = bench.now.advanced(by: .seconds(5 * 3600))
        let window = #""start_time":\#(start - 3_600_000),"metric_name":"g""#
        #expect(try bench.ask(.listMetrics).member("sdk_metrics") == .emptyArray)
        for level in [1, 2] {
            let list = try bench.ask(.listRollups, "{\(window),\"level\":\(level)}")
            #expect(list.column("rollups", "avg") == ["3.0"], "\(level)")
            #expect(list.member("source") == nil)
        }
        // Six hours later the hour is still there, the five minutes are not.
        for minutes in stride(from: 5, through: 24 * 60, by: 5) {
            bench.add(.gauge("x", 0, at: start + Int64(minutes) * 60_000))
            bench.now = max(bench.now, Timestamp(milliseconds: start + Int64(minutes) * 60_000))
        }
        func names(_ level: Int) throws -> [String] {
            try bench.ask(.listRollups, "{\(window),\"level\":\(level)}").column("rollups", "name")
        }
        #expect(try names(1) == [])
        #expect(try names(2) == ["\"g\""])
    }

    @Test("the latest gauges of a worker, of the last two minutes")
    func gauges() throws {
        var bench = StoreBench()
        let worker = UUID128(high: 1, low: 2)
        let own = [("worker.id", worker.description)]
        bench.add(
            .gauge("iii.worker.memory.rss", 10, at: 1, own),
            .gauge("iii.worker.memory.rss", 20, at: 2, own),
            .gauge("iii.worker.cpu.percent", 1.5, at: 3, own),
            .gauge("iii.worker.uptime_seconds", 60, at: 1, [("worker.id", "other")]),
            .gauge("app.other", 7, at: 1, own)
        )
        func latest() -> String? {
            bench.gauges.latestMetrics(of: worker, runtime: "node", now: bench.now)
                .map { JSONValue.object($0).text.description }
        }
        #expect(
            latest()
                == #"{"cpu_percent":1.5,"memory_rss":20,"timestamp_ms":3,"runtime":"node"}"#
        )
        bench.now = bench.now.advanced(by: .seconds(119))
        #expect(latest() != nil)
        bench.now = bench.now.advanced(by: .seconds(2))
        #expect(latest() == nil)
    }

    @Test("what the engine counts: runs by function, and how long they took")
    func engineMetrics() throws {
        var bench = StoreBench()
        for millisecond in 1...UInt64(100) {
            bench.engine.ran(
                FunctionName(id: millisecond.isMultiple(of: 4) ? "a" : "b"),
                failed: millisecond == 7,
                took: millisecond * 1_000_000
            )
        }
        bench.engine.ran(FunctionName(namespace: "n", id: "a"), failed: false, took: 0)
        bench.engine.postponed()
        bench.engine.workerJoined()
        bench.engine.workerJoined()
        bench.engine.workerLeft()
        let metrics = try #require(try bench.ask(.listMetrics).member("engine_metrics"))
        #expect(
            metrics.member("invocations")?.description
                == #"{"total":102,"success":100,"error":1,"deferred":1,"#
                + #""by_function":{"a":26,"b":75}}"#
        )
        #expect(metrics.member("workers")?.description == #"{"spawns":2,"deaths":1,"active":3}"#)
        func duration(_ name: String) -> Double {
            metrics.path("performance", "\(name)_duration_ms")?.numberValue?.doubleValue ?? -1
        }
        #expect(duration("min") == 0)
        #expect(duration("max") == 100)
        #expect(duration("avg") == 50)
        #expect((48.5...51.5).contains(duration("p50")))
        #expect((92...98).contains(duration("p95")))
        #expect((96...100).contains(duration("p99")))
    }

    @Test("a duration's place says it to a sixteenth")
    func places() {
        for value in [0, 1, 15, 16, 17, 31, 32, 1000, 123_456_789, UInt64.max / 2, UInt64.max] {
            var histogram = DurationHistogram()
            histogram.add(value)
            histogram.add(value)
            let told = histogram.percentile(50) * 1_000_000
            #expect(abs(told - Double(value)) <= Double(value) / 16 + 0.001, "\(value): \(told)")
        }
        #expect(DurationHistogram().percentile(99) == 0)
    }

    @Test("health, sampling, alerts")
    func setup() throws {
        var bench = StoreBench()
        let health = try bench.ask(.checkHealth)
        #expect(health.member("status")?.stringValue == "healthy")
        #expect(health.member("version")?.stringValue == "1.2")
        for name in ["otel", "metrics", "logs", "spans"] {
            #expect(health.path("components", name, "status")?.stringValue == "healthy")
            #expect(health.path("components", name, "details")?.isObject == true)
        }
        var off = StoreBench { ($0.logging, $0.tracing) = (false, false) }
        let logs = try off.ask(.checkHealth).path("components", "logs")
        #expect(logs?.description == #"{"status":"disabled","details":null}"#)
        #expect(
            try bench.ask(.samplingRules).description
                == #"{"traces":{"default_ratio":1.0,"rules":[],"parent_based":true},"#
                + #""logs":{"sampling_ratio":1.0},"timestamp":1900000000000}"#
        )
        let alerts = try bench.ask(.listAlerts)
        #expect(alerts.member("alerts") == .emptyArray)
        #expect(alerts.member("firing_count")?.description == "0")
        #expect(try bench.ask(.evaluateAlerts).member("evaluated") == .true)
    }

    @Test("the caller's baggage, decoded")
    func baggage() throws {
        var bench = StoreBench()
        let header = "a=1, b = x%20y ;p=q,broken,c=%zz,d="
        #expect(
            try bench.ask(.allBaggage, "null", baggage: header).description
                == #"{"baggage":{"a":"1","b":"x y","c":"%zz","d":""}}"#
        )
        #expect(
            try bench.ask(.getBaggage, #"{"key":"b"}"#, baggage: header).description
                == #"{"value":"x y"}"#
        )
        #expect(try bench.ask(.getBaggage, #"{"key":"b"}"#).description == #"{"value":null}"#)
        let set = try bench.ask(.setBaggage, #"{"key":"k","value":"v"}"#)
        #expect(set.member("success") == .true)
        #expect(set.member("note")?.isString == true)
        #expect(bench.failure(.getBaggage) == "deserialization_error")
        #expect(bench.failure(.setBaggage, #"{"key":"k"}"#) == "deserialization_error")
    }
}
